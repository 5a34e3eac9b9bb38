// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/world.h"

#include <array>
#include <cerrno>

#include "core/base/check.h"
#include "tests/fuzz/commands.h"
#include "tests/fuzz/report.h"

namespace netbinder::fuzz {

namespace {

constexpr int kMaxSteps = 160;
constexpr std::uint32_t kThreads = 3;
// A host without a Driver: all its messages are forged.

std::vector<std::byte> bytes_of(const void* value, std::size_t size) {
  const auto* begin = static_cast<const std::byte*>(value);
  return {begin, begin + size};
}

}  // namespace

World::World(Input input) : input_(input) {
  const std::uint8_t what = input_.byte();
  leases_ = (what & 0xC0) == 0xC0;
  const std::uint32_t count = 1 + (what & 3U) % 3;
  for (std::uint32_t id = 1; id <= count; ++id) {
    hosts_.push_back(std::make_unique<Host>(id, incarnation_of(id), memory_));
  }
  for (std::uint32_t a = 1; a <= count; ++a) {
    for (std::uint32_t b = a + 1; b <= count; ++b) connect(a, b);
  }
  if ((what & 4) != 0) connect(1, kStranger);
  for (auto& host : hosts_) {
    for (std::uint32_t i = 0; i < (host->id == 1 ? 3U : 2U); ++i) {
      Program* program = host->open("binder", next_pid_++, i == 2 ? 2000 : 1000);
      host->map(*program, 0x7F0000000000 + (std::uint64_t{i} << 24), 4096);
    }
  }
  if ((what & 0x10) != 0) {
    const std::uint32_t enable = 1;
    for (auto& host : hosts_) {
      for (auto& program : host->programs) {
        host->control(*program, 1, BINDER_ENABLE_ONEWAY_SPAM_DETECTION,
                      bytes_of(&enable, sizeof enable));
      }
    }
  }
  if ((what & 8) == 0) {
    flat_binder_object object{};
    object.flags = FLAT_BINDER_FLAG_ACCEPTS_FDS;
    Host& first = host(1);
    first.control(*first.programs[0], 1, BINDER_SET_CONTEXT_MGR_EXT,
                  bytes_of(&object, sizeof object));
  }
}

void World::run() {
  int steps = 0;
  for (; steps < kMaxSteps && !input_.empty(); ++steps) {
    step();
    for (const auto& host : hosts_) host->check();
  }
  end();
  ++report().inputs;
  report().steps += static_cast<std::uint64_t>(steps);
  for (const auto& host : hosts_) report().add(host->driver.statistics());
}

void World::step() {
  const std::uint8_t what = input_.byte();
  if (hosts_.size() > 1 || !connected_.empty()) {
    if (leases_ && what >= 0xD8) {
      lease_step();
      return;
    }
    if (what >= 0xB0) {
      peer_step();
      return;
    }
  }
  Host& at = host(1 + (what & 0x3FU) % static_cast<std::uint32_t>(hosts_.size()));
  if ((what & 0x70) == 0x70) {
    program_step(at);
    return;
  }
  Program* program = some_program(at);
  if (program == nullptr) {
    program_step(at);
    return;
  }
  thread_step(at, *program, 1 + (what >> 4) % kThreads);
}

Program* World::some_program(Host& host) {
  if (host.programs.empty()) return nullptr;
  return host.programs[input_.below(host.programs.size())].get();
}

// ---- programs ----

Program* World::open_program(Host& host) {
  static constexpr std::array<const char*, 4> kContexts = {"binder", "binder", "local", "none"};
  const std::uint8_t what = input_.byte();
  const std::string context = kContexts[what & 3U];
  // Sometimes of a pid that has another one already.
  const std::int32_t pid =
      (what & 4) != 0 && !host.programs.empty() ? host.programs.front()->pid : next_pid_++;
  Program* program = host.open(context, pid, (what & 8) != 0 ? 2000 : 1000);
  if (program == nullptr) return nullptr;
  static constexpr std::array<std::size_t, 8> kArenaBytes = {4096, 4096, 4096, 8192,
                                                             512,  1024, 128,  12};
  if ((what & 0x80) == 0) {
    const std::uint64_t base = (what & 0x70) == 0x70 ? input_.number<std::uint64_t>()
                                                     : 0x7E0000000000 + (std::uint64_t{what} << 24);
    host.map(*program, base, kArenaBytes[(what >> 4) & 7U]);
  }
  return program;
}

void World::program_step(Host& host) {
  const std::uint32_t what = input_.below(9);
  trace("host %u: program step %u\n", host.id, what);
  switch (what) {
    case 0:
    case 1:
      (void)open_program(host);
      break;
    case 2:
      if (Program* program = some_program(host)) {
        if (program->builtin) host.builtin_in.erase(program->context);
        host.close(*program);
      }
      break;
    case 3:
      if (Program* program = some_program(host)) host.driver.flush(program->id);
      break;
    case 4:
      if (Program* program = some_program(host)) host.map(*program, 0x5000000, 1024);
      break;
    case 5:
      host.driver.set_time(host.now_ms += input_.byte());
      host.driver.timer_expired();
      break;
    case 6: {
      // The built-in manager of a context, of which there is one at a time.
      Program* program = open_program(host);
      if (program != nullptr && host.builtin_in.insert(program->context).second) {
        program->builtin = true;
        host.driver.set_builtin_manager(program->id, 0xB000, 0xB008);
        reach("builtin manager");
      }
      break;
    }
    case 7:
      if (Program* program = some_program(host)) {
        for (const auto& manager : host.driver.take_new_peer_managers(program->id)) {
          NB_CHECK(host.driver.home_of(program->id, manager.handle) == manager.host);
          reach("builtin manager of a peer");
        }
      }
      break;
    default:  // nobody asked for it
      if (const ProcessId process{input_.byte()}; Program* program = host.find(process)) {
        host.install(*program, 1, -EMFILE, false);
      } else {
        host.driver.files_installed(process, ThreadId{1}, std::unexpected(-EMFILE));
      }
      host.driver.interrupt(ProcessId{input_.byte()}, ThreadId{input_.byte()});
      host.driver.flush(ProcessId{UINT64_MAX});
      host.driver.close(ProcessId{UINT64_MAX});
      break;
  }
}

void World::thread_step(Host& host, Program& program, std::uint32_t tid) {
  const std::uint8_t what = input_.byte();
  if (what >= 0xFC) tid += kThreads;  // more threads than there may be
  PendingIoctl& pending = program.threads[tid];
  if (pending.busy) {
    if (pending.installing) {
      host.install(program, tid, (what & 7U) == 7 ? -EMFILE : 0, (what & 0x3FU) == 6);
    } else if ((what & 3U) == 3) {
      host.interrupt(program, tid);
    } else {
      // Busy: the next one does something instead.
      for (auto& [other, its] : program.threads) {
        if (its.busy) continue;
        host.write_read(program, other, make_commands(input_, program, its, memory_), 256, true,
                        true);
        return;
      }
    }
    return;
  }
  if ((what & 15U) == 15) {
    control_step(host, program, tid);
    return;
  }
  static constexpr std::array<std::size_t, 16> kReadBytes = {0,   0,   256, 256, 256, 256, 512, 512,
                                                             256, 256, 128, 84,  80,  40,  4,   1};
  host.write_read(program, tid, make_commands(input_, program, pending, memory_),
                  kReadBytes[what & 15U], (what & 0x70) != 0x70, (what & 0x80) != 0);
}

void World::control_step(Host& host, Program& program, std::uint32_t tid) {
  const std::uint8_t what = input_.byte();
  std::uint32_t command = 0;
  std::vector<std::byte> argument;
  switch ((what >> 3) % 15) {
    case 0:
    case 1:
    case 2: {
      command = BINDER_FREEZE;
      binder_freeze_info info{};
      const Program* target = some_program(host);
      info.pid = static_cast<std::uint32_t>(target->pid);
      info.enable = (what & 1) == 0 ? 1 : 0;
      info.timeout_ms = (what & 2) != 0 ? input_.byte() : 0;
      argument = bytes_of(&info, sizeof info);
      break;
    }
    case 3: {
      command = BINDER_GET_FROZEN_INFO;
      binder_frozen_status_info info{};
      info.pid = static_cast<std::uint32_t>(some_program(host)->pid) + ((what & 4) != 0 ? 50 : 0);
      argument = bytes_of(&info, sizeof info);
      break;
    }
    case 4: {
      command = BINDER_SET_CONTEXT_MGR_EXT;
      flat_binder_object object{};
      object.flags = (what & 1) != 0 ? 0xFFFFFFFF : 0;
      object.binder = make_ptr(input_);
      argument = bytes_of(&object, sizeof object);
      break;
    }
    case 5: {
      command = BINDER_SET_CONTEXT_MGR;
      argument.resize(4);
      break;
    }
    case 6:
    case 7: {
      command = BINDER_SET_MAX_THREADS;
      const std::uint32_t threads = what & 7U;
      argument = bytes_of(&threads, sizeof threads);
      break;
    }
    case 8:
      command = BINDER_THREAD_EXIT;
      argument.resize(4);
      break;
    case 9: {
      command = BINDER_ENABLE_ONEWAY_SPAM_DETECTION;
      const std::uint32_t enable = (what & 7U) != 0 ? 1 : 0;
      argument = bytes_of(&enable, sizeof enable);
      break;
    }
    case 10:
      command = BINDER_GET_EXTENDED_ERROR;
      argument.resize(sizeof(binder_extended_error));
      break;
    case 11: {
      command = BINDER_GET_NODE_DEBUG_INFO;
      binder_node_debug_info info{};
      if ((what & 1) != 0) info.ptr = make_ptr(input_);
      argument = bytes_of(&info, sizeof info);
      break;
    }
    case 12: {
      command = BINDER_GET_NODE_INFO_FOR_REF;
      binder_node_info_for_ref info{};
      info.handle = make_handle(input_, program);
      info.reserved2 = what & 1U;
      argument = bytes_of(&info, sizeof info);
      break;
    }
    case 13:
      command = BINDER_VERSION;
      argument.resize(sizeof(binder_version));
      break;
    default:
      command = input_.number<std::uint32_t>();
      argument.resize(input_.byte());
      break;
  }
  if ((what & 7U) == 7) argument.resize(input_.below(2 * argument.size() + 1));
  host.control(program, tid, command, argument);
}

// ---- the end ----

void World::end() {
  while (!connected_.empty()) {
    const Link link = *connected_.begin();
    disconnect(link.first, link.second);
  }
  for (auto& host : hosts_) host->check();
  for (auto& host : hosts_) host->end_everything();
}

}  // namespace netbinder::fuzz
