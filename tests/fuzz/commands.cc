// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/commands.h"

#include <array>
#include <cstring>

#include "core/base/uapi.h"

namespace netbinder::fuzz {

namespace {

template <typename T>
void append_command(std::vector<std::byte>& bytes, std::uint32_t command, const T& payload) {
  append(bytes, command);
  append(bytes, payload);
}

// Mostly one that the program has read; `otherwise` if there is none.
std::uint64_t remembered(Input& input, const std::deque<std::uint64_t>& list,
                         std::uint64_t otherwise) {
  const std::uint8_t which = input.byte();
  if (list.empty() || which >= 0xF8) return otherwise + which;
  return list[list.size() - 1 - which % list.size()];
}

std::uint32_t call_flags(Input& input) {
  static constexpr std::array<std::uint32_t, 8> kFlags = {TF_ACCEPT_FDS,
                                                          TF_ACCEPT_FDS,
                                                          0,
                                                          TF_ONE_WAY | TF_ACCEPT_FDS,
                                                          TF_ONE_WAY,
                                                          kTfClearBuf,
                                                          TF_ONE_WAY | kTfUpdateTxn,
                                                          0xFFFFFFFE};
  return kFlags[input.below(kFlags.size())];
}

void add_transaction(Input& input, Program& program, ProgramMemory& memory,
                     std::vector<std::byte>& bytes, bool is_reply) {
  const std::uint8_t what = input.byte();
  binder_transaction_data_sg parcel = make_parcel(input, program, memory);
  binder_transaction_data& data = parcel.transaction_data;
  data.flags = call_flags(input);
  data.code = what & 3U;
  if (!is_reply) data.target.handle = make_handle(input, program);
  if ((what & 0x70) == 0x70 && !program.buffers.empty()) {
    // A buffer that it was given, passed on unchanged.
    data.data.ptr.buffer = remembered(input, program.buffers, 0);
  }
  if (parcel.buffers_size > 0 || (what & 0x8C) == 0x8C) {
    append_command(bytes, is_reply ? std::uint32_t{BC_REPLY_SG} : std::uint32_t{BC_TRANSACTION_SG},
                   parcel);
  } else {
    append_command(bytes, is_reply ? std::uint32_t{BC_REPLY} : std::uint32_t{BC_TRANSACTION}, data);
  }
}

void add_command(Input& input, Program& program, PendingIoctl& thread, ProgramMemory& memory,
                 CommandStream& stream) {
  std::vector<std::byte>& bytes = stream.bytes;
  const auto death_cookie = [&](std::uint32_t handle) {
    return std::uint64_t{500} + handle + (input.one_in(16) ? 1 : 0);
  };
  switch (input.below(28)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
      add_transaction(input, program, memory, bytes, false);
      break;
    case 6:
    case 7:
    case 8:
      // A reply, if there is something to reply to.
      if (thread.calls > 0 || input.one_in(16)) {
        if (thread.calls > 0) --thread.calls;
        add_transaction(input, program, memory, bytes, true);
      } else {
        add_transaction(input, program, memory, bytes, false);
      }
      break;
    case 9:
    case 10: {
      const std::uint64_t address =
          remembered(input, program.buffers, program.user_base + program.arena_bytes - 4);
      stream.frees.push_back(address);
      append_command(bytes, BC_FREE_BUFFER, address);
      break;
    }
    case 11:
      append_command(bytes, BC_ACQUIRE, make_handle(input, program));
      break;
    case 12:
      append_command(bytes, BC_INCREFS, make_handle(input, program));
      break;
    case 13:
      append_command(bytes, BC_RELEASE, make_handle(input, program));
      break;
    case 14:
      append_command(bytes, BC_DECREFS, make_handle(input, program));
      break;
    case 15:
    case 16:
      for (const auto& [command, node] : program.to_acknowledge)
        append_command(bytes, command, node);
      program.to_acknowledge.clear();
      break;
    case 17: {
      const std::uint64_t ptr = make_ptr(input);
      append_command(bytes, input.one_in(2) ? BC_INCREFS_DONE : BC_ACQUIRE_DONE,
                     binder_ptr_cookie{.ptr = ptr, .cookie = ptr});
      break;
    }
    case 18:
      append(bytes, std::uint32_t{BC_REGISTER_LOOPER});
      break;
    case 19:
      append(bytes, std::uint32_t{BC_ENTER_LOOPER});
      break;
    case 20:
      append(bytes, std::uint32_t{BC_EXIT_LOOPER});
      break;
    case 21: {
      const std::uint32_t handle = make_handle(input, program);
      append_command(bytes, BC_REQUEST_DEATH_NOTIFICATION,
                     binder_handle_cookie{.handle = handle, .cookie = death_cookie(handle)});
      break;
    }
    case 22: {
      const std::uint32_t handle = make_handle(input, program);
      append_command(bytes, BC_CLEAR_DEATH_NOTIFICATION,
                     binder_handle_cookie{.handle = handle, .cookie = death_cookie(handle)});
      break;
    }
    case 23:
      append_command(bytes, BC_DEAD_BINDER_DONE, remembered(input, program.deaths, 500));
      break;
    case 24: {
      const std::uint32_t handle = make_handle(input, program);
      append_command(bytes, kBcRequestFreezeNotification,
                     binder_handle_cookie{.handle = handle, .cookie = death_cookie(handle)});
      break;
    }
    case 25: {
      const std::uint32_t handle = make_handle(input, program);
      append_command(bytes, kBcClearFreezeNotification,
                     binder_handle_cookie{.handle = handle, .cookie = death_cookie(handle)});
      break;
    }
    case 26:
      append_command(bytes, kBcFreezeNotificationDone, remembered(input, program.freezes, 500));
      break;
    default: {
      // Anything: a command of the right shape or none, with any bytes behind it.
      stream.frees_any = true;
      const std::uint8_t what = input.byte();
      const std::uint32_t command = (what & 0x80) != 0
                                        ? input.number<std::uint32_t>()
                                        : _IOC(_IOC_WRITE, 'c', what & 31U, (what & 0x60U) >> 2);
      append(bytes, command);
      for (std::uint32_t count = input.below(80); count > 0; --count) {
        bytes.push_back(static_cast<std::byte>(input.byte()));
      }
      break;
    }
  }
}

}  // namespace

CommandStream make_commands(Input& input, Program& program, PendingIoctl& thread,
                            ProgramMemory& memory) {
  CommandStream stream;
  const std::uint8_t what = input.byte();
  for (std::uint32_t count = what & 3U; count > 0; --count) {
    add_command(input, program, thread, memory, stream);
  }
  if ((what & 0x1C) == 0x1C) {  // a flood of the same
    const std::vector<std::byte> once = stream.bytes;
    for (std::uint32_t times = input.below(12); times > 0; --times) {
      stream.bytes.insert(stream.bytes.end(), once.begin(), once.end());
    }
  }
  if (what >= 0xF8 && !stream.bytes.empty()) {  // cut short
    stream.bytes.resize(stream.bytes.size() - 1 - input.byte() % stream.bytes.size());
  }
  return stream;
}

}  // namespace netbinder::fuzz
