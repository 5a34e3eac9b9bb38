// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/host.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/base/check.h"
#include "core/base/objects.h"
#include "tests/fuzz/report.h"

namespace netbinder::fuzz {

namespace {

constexpr std::size_t kRemembered = 16;

template <typename T>
void remember(std::deque<T>& list, const T& value) {
  list.push_back(value);
  if (list.size() > kRemembered) list.pop_front();
}

std::uint64_t hash_of(std::span<const std::byte> bytes) {
  std::uint64_t hash = 0xCBF29CE484222325ULL;
  for (; bytes.size() >= 8; bytes = bytes.subspan(8)) {
    hash = (hash ^ load<std::uint64_t>(bytes, 0)) * 0x100000001B3ULL;
  }
  for (const std::byte byte : bytes) {
    hash = (hash ^ static_cast<std::uint64_t>(byte)) * 0x100000001B3ULL;
  }
  return hash;
}

// The commands, by their numbers, with the first words of what follows them.
std::string described(std::span<const std::byte> commands) {
  std::string text;
  if (!tracing()) return text;
  while (commands.size() >= sizeof(std::uint32_t)) {
    const auto command = load<std::uint32_t>(commands, 0);
    commands = commands.subspan(sizeof command);
    const std::size_t size = std::min<std::size_t>(_IOC_SIZE(command), commands.size());
    text += ' ';
    text += static_cast<char>(_IOC_TYPE(command));
    text += std::to_string(_IOC_NR(command));
    for (std::size_t i = 0; i + 4 <= std::min<std::size_t>(size, 24); i += 4) {
      text += (i == 0 ? '(' : ' ') + std::to_string(load<std::uint32_t>(commands, i));
    }
    if (size >= 4) text += ')';
    commands = commands.subspan(size);
  }
  return text;
}

// A block of exactly that size; one of no bytes has an address nobody may touch.
std::unique_ptr<std::byte[]> block_of(std::span<const std::byte> bytes) {
  auto block = std::make_unique<std::byte[]>(bytes.size());
  if (!bytes.empty()) std::memcpy(block.get(), bytes.data(), bytes.size());
  return block;
}

DriverSetup setup_for(std::uint32_t id, std::uint64_t incarnation) {
  DriverSetup setup;
  setup.host = HostId{id};
  setup.host_name = "host" + std::to_string(id);
  setup.incarnation = Incarnation{incarnation};
  setup.arbiter = HostId{1};
  setup.contexts = {{.name = "binder", .cluster_wide = true},
                    {.name = "local", .cluster_wide = false}};
  // Bounds that inputs of this size reach.
  setup.max_processes = 6;
  setup.max_threads_per_process = 4;
  setup.max_nodes_per_process = 12;
  setup.max_message_bytes = 8192;
  return setup;
}

}  // namespace

void Program::check_given() const {
  for (const GivenBuffer& buffer : given) {
    NB_CHECK(hash_of({arena.get() + buffer.offset, buffer.size}) == buffer.hash);
  }
}

void Program::forget_given(std::uint64_t address) {
  std::erase_if(given,
                [&](const GivenBuffer& buffer) { return user_base + buffer.offset == address; });
}

Host::Host(std::uint32_t with_id, std::uint64_t incarnation, ProgramMemory& memory)
    : id(with_id), driver(setup_for(with_id, incarnation), *this), memory_(memory) {}

// ---- what programs do ----

Program* Host::find(ProcessId process) {
  for (auto& program : programs) {
    if (program->id == process) return program.get();
  }
  return nullptr;
}

Program* Host::open(const std::string& context, std::int32_t pid, std::uint32_t euid) {
  const auto opened =
      driver.open(context, {.pid = pid, .euid = euid, .security_context = "u:r:fuzz:s0"});
  if (!opened) {
    reach(opened.error() == -EMFILE ? "open: EMFILE" : "open: ENXIO");
    return nullptr;
  }
  auto program = std::make_unique<Program>();
  program->id = *opened;
  program->pid = pid;
  program->context = context;
  trace("host %u: open %s: process %llu, pid %d\n", id, context.c_str(), opened->value() + 0ULL,
        pid);
  programs.push_back(std::move(program));
  return programs.back().get();
}

void Host::map(Program& program, std::uint64_t user_base, std::size_t bytes) {
  auto arena = std::make_unique<std::byte[]>(bytes);
  if (driver.map_arena(program.id, user_base, {arena.get(), bytes}) != 0) {
    NB_CHECK(program.arena != nullptr);
    return;
  }
  NB_CHECK(program.arena == nullptr);
  program.arena = std::move(arena);
  program.arena_bytes = bytes;
  program.user_base = user_base;
}

void Host::close(Program& program) {
  program.check_given();
  trace("host %u: close process %llu\n", id, program.id.value() + 0ULL);
  driver.close(program.id);
  readable_.erase(program.id.value());
  std::erase_if(programs, [&](const auto& open) { return open.get() == &program; });
}

void Host::write_read(Program& program, std::uint32_t tid, const CommandStream& commands,
                      std::size_t read_bytes, bool fresh, bool nonblocking) {
  PendingIoctl& pending = program.threads[tid];
  NB_CHECK(!pending.busy);
  pending.busy = true;
  pending.command_bytes = commands.bytes.size();
  pending.read_bytes = read_bytes;
  pending.frees = commands.frees;
  pending.frees_any = commands.frees_any;
  program.check_given();
  for (const std::uint64_t address : commands.frees) program.forget_given(address);
  if (commands.frees_any) program.given.clear();
  pending.read_buffer = std::make_unique<std::byte[]>(read_bytes);
  const auto block = block_of(commands.bytes);
  trace("host %u: process %llu thread %u: write_read, %zu bytes to read%s:%s\n", id,
        program.id.value() + 0ULL, tid, read_bytes, nonblocking ? ", nonblocking" : "",
        described(commands.bytes).c_str());
  // Some threads do wherever they may.
  if (tid % 2 == 1 && pending.may_post && commands.bytes.empty() && !nonblocking && fresh &&
      read_bytes >= 128) {
    pending.posted = true;
    return;
  }
  pending.may_post = false;
  driver.write_read(program.id, ThreadId{tid},
                    {.commands = {block.get(), commands.bytes.size()},
                     .reads = read_bytes > 0,
                     .fresh_read = fresh,
                     .nonblocking = nonblocking,
                     .read_buffer = {pending.read_buffer.get(), read_bytes}});
}

void Host::interrupt(Program& program, std::uint32_t tid) {
  PendingIoctl& pending = program.threads[tid];
  if (std::exchange(pending.posted, false)) {
    pending.may_post = false;
    driver.write_read(program.id, ThreadId{tid},
                      {.commands = {},
                       .reads = true,
                       .fresh_read = true,
                       .nonblocking = false,
                       .read_buffer = {pending.read_buffer.get(), pending.read_bytes}});
  }
  driver.interrupt(program.id, ThreadId{tid});
}

void Host::control(Program& program, std::uint32_t tid, std::uint32_t command,
                   const std::vector<std::byte>& argument) {
  PendingIoctl& pending = program.threads[tid];
  NB_CHECK(!pending.busy);
  pending.busy = true;
  pending.may_post = false;
  pending.command_bytes = 0;
  pending.read_bytes = 0;
  const auto block = block_of(argument);
  trace("host %u: process %llu thread %u: ioctl %u, %zu bytes\n", id, program.id.value() + 0ULL,
        tid, _IOC_NR(command), argument.size());
  driver.control(program.id, ThreadId{tid}, command, {block.get(), argument.size()});
}

void Host::install(Program& program, std::uint32_t tid, int error, bool too_few) {
  PendingIoctl& pending = program.threads[tid];
  if (!pending.installing) {  // nobody asked
    driver.files_installed(program.id, ThreadId{tid}, std::unexpected(-EMFILE));
    return;
  }
  pending.installing = false;
  std::vector<int> fds;
  for (std::size_t i = too_few ? 1 : 0; i < pending.files; ++i) fds.push_back(next_fd_++);
  if (error != 0) {
    driver.files_installed(program.id, ThreadId{tid}, std::unexpected(error));
  } else {
    driver.files_installed(program.id, ThreadId{tid}, std::span<const int>(fds));
  }
}

// ---- effects ----

int Host::read_memory(ProcessId process, ThreadId, std::uint64_t address,
                      std::span<std::byte> into) {
  const Program* program = find(process);
  NB_CHECK(program != nullptr && !into.empty());
  // A program may pass on what it was given: its own arena is its memory, too.
  const std::uint64_t offset = address - program->user_base;
  if (offset < program->arena_bytes && into.size() <= program->arena_bytes - offset) {
    std::memmove(into.data(), program->arena.get() + offset, into.size());
    return 0;
  }
  const int error = memory_.read(address, into);
  if (error != 0) reach("memory: fault");
  return error;
}

std::expected<FileToken, int> Host::take_file(ProcessId process, ThreadId /*thread*/, int fd) {
  NB_CHECK(find(process) != nullptr);
  if (fd < 0 || fd > 1000) return std::unexpected(-EBADF);
  reach("file: taken");
  files_.insert(next_file_);
  return FileToken{next_file_++};
}

void Host::drop_file(FileToken file) {
  reach("file: dropped");
  NB_CHECK(files_.erase(file.value()) == 1);
}

std::expected<FileNumber, FileRefusal> Host::export_file(HostId peer, FileToken file) {
  drop_file(file);
  if (file.value() % 16 == 15) {
    reach("file: refused for a peer");
    return std::unexpected(FileRefusal{.error = -EPERM, .reason = "a file of the fuzzer"});
  }
  reach("file: exported");
  exported_[peer.value()].insert(next_number_);
  return FileNumber{next_number_++};
}

void Host::withdraw_file(HostId peer, FileNumber file) {
  reach("file: withdrawn");
  NB_CHECK(exported_[peer.value()].erase(file.value()) == 1);
}

std::expected<FileToken, int> Host::import_file(HostId peer, FileNumber file) {
  if (offered[peer.value()].erase(file.value()) == 0) return std::unexpected(-ENOENT);
  const FileToken token{next_file_++};
  if (token.value() % 8 == 7) {
    reach("file: not to be had");
    return std::unexpected(-EMFILE);
  }
  reach("file: imported");
  files_.insert(token.value());
  return token;
}

void Host::install_files(ProcessId process, ThreadId thread, std::span<const FileToken> files) {
  for (const FileToken file : files) NB_CHECK(files_.erase(file.value()) == 1);
  reach("file: installing");
  Program* program = find(process);
  NB_CHECK(program != nullptr && !files.empty());
  PendingIoctl& pending = program->threads[thread.value()];
  trace("host %u:   process %llu thread %u: install %zu files\n", id, process.value() + 0ULL,
        thread.value(), files.size());
  NB_CHECK(pending.busy && !pending.installing);
  pending.installing = true;
  pending.files = files.size();
}

void Host::ioctl_done(ProcessId process, ThreadId thread, const IoctlResult& result) {
  Program* program = find(process);
  NB_CHECK(program != nullptr);
  PendingIoctl& pending = program->threads[thread.value()];
  NB_CHECK(pending.busy && !pending.installing && !pending.posted);
  pending.may_post = result.may_post_read;
  NB_CHECK(result.error <= 0 && result.error > -4096);
  NB_CHECK(result.write_consumed <= pending.command_bytes);
  NB_CHECK(result.read_consumed <= pending.read_bytes);
  pending.busy = false;
  trace("host %u:   process %llu thread %u: done %d:%s\n", id, process.value() + 0ULL,
        thread.value(), result.error,
        described({pending.read_buffer.get(), result.read_consumed}).c_str());
  if (!result.close_fds.empty()) reach("file: of an array, closed again");
  take_returned(*program, pending, {pending.read_buffer.get(), result.read_consumed});
  pending.read_buffer.reset();
}

std::optional<PostedRead> Host::take_posted_read(ProcessId process, ThreadId thread) {
  Program* program = find(process);
  NB_CHECK(program != nullptr);
  PendingIoctl& pending = program->threads[thread.value()];
  NB_CHECK(std::exchange(pending.may_post, false));
  if (!std::exchange(pending.posted, false)) return std::nullopt;
  trace("host %u:   process %llu thread %u: its read is taken\n", id, process.value() + 0ULL,
        thread.value());
  reach("posted read: taken");
  return PostedRead{.nice = 0, .read_buffer = {pending.read_buffer.get(), pending.read_bytes}};
}

void Host::readiness_changed(ProcessId process, bool now_readable) {
  NB_CHECK(find(process) != nullptr);
  NB_CHECK(std::exchange(readable_[process.value()], now_readable) != now_readable);
}

Payload Host::new_payload(HostId /*peer*/, std::uint64_t bytes) {
  Payload payload = Payload::allocate(bytes);
  std::ranges::fill(payload.bytes(), std::byte{0xA5});  // as of an earlier payload
  return payload;
}

void Host::send(HostId peer, PeerMessage message, Payload payload) {
  NB_CHECK(peer.value() != id);
  Overheard& heard = overheard[peer.value()];
  const auto node = [&](const WireNode& wire) {
    if (wire.node.host.value() == id) heard.nodes.push_back(wire.node.number.value());
    if (wire.handoff != HandoffId{}) heard.handoffs.push_back(wire.handoff.value());
  };
  std::set<std::uint64_t> named;
  const auto objects = [&](const std::vector<WireObject>& all) {
    for (const WireObject& object : all) {
      if (const auto* wire = std::get_if<WireNode>(&object.content)) node(*wire);
      for (const FileNumber file : files_of(object)) NB_CHECK(named.insert(file.value()).second);
    }
  };
  std::uint64_t image_bytes = 0;
  if (const auto* call = std::get_if<peer::Call>(&message)) {
    heard.calls.push_back(call->call.value());
    image_bytes = call->shape.image_size();
    objects(call->objects);
  } else if (const auto* reply = std::get_if<peer::Reply>(&message)) {
    image_bytes = reply->shape.image_size();
    objects(reply->objects);
  } else if (const auto* claim = std::get_if<peer::ClaimRef>(&message)) {
    heard.claims.push_back(*claim);
  } else if (const auto* manager = std::get_if<peer::ContextManager>(&message)) {
    node(manager->node);
  } else if (const auto* service = std::get_if<peer::ServiceManager>(&message)) {
    node(service->node);
  }
  NB_CHECK(payload.size() == image_bytes);
  NB_CHECK(std::exchange(exported_[peer.value()], {}) == named);
  outbox[peer.value()].push_back({std::move(message), std::move(payload), std::move(named)});
}

void Host::give_up_peer(HostId peer, std::string_view) {
  reach("peer: given up");
  given_up.push_back(peer.value());
}

void Host::set_timer(std::uint64_t deadline_ms) { NB_CHECK(deadline_ms >= now_ms); }

// ---- what programs read ----

void Host::take_returned(Program& program, PendingIoctl& thread,
                         std::span<const std::byte> returned) {
  while (!returned.empty()) {
    NB_CHECK(returned.size() >= sizeof(std::uint32_t));
    const auto command = load<std::uint32_t>(returned, 0);
    returned = returned.subspan(sizeof command);
    const std::size_t size = _IOC_SIZE(command);
    NB_CHECK(returned.size() >= size);
    switch (command) {
      case BR_TRANSACTION:
      case BR_REPLY:
        take_payload(program, load<binder_transaction_data>(returned, 0));
        if (command == BR_TRANSACTION) ++thread.calls;
        break;
      case BR_TRANSACTION_SEC_CTX: {
        reach("BR_TRANSACTION with a security context");
        const auto data = load<binder_transaction_data_secctx>(returned, 0);
        const std::uint64_t place = data.secctx - program.user_base;
        NB_CHECK(place < program.arena_bytes);
        const auto* text = reinterpret_cast<const char*>(program.arena.get() + place);
        NB_CHECK(std::memchr(text, 0, program.arena_bytes - place) != nullptr && *text != '\0');
        take_payload(program, data.transaction_data);
        ++thread.calls;
        break;
      }
      case BR_INCREFS:
      case BR_ACQUIRE:
        remember(program.to_acknowledge,
                 std::pair(command == BR_INCREFS ? std::uint32_t{BC_INCREFS_DONE}
                                                 : std::uint32_t{BC_ACQUIRE_DONE},
                           load<binder_ptr_cookie>(returned, 0)));
        break;
      case BR_DEAD_BINDER:
        remember(program.deaths, load<std::uint64_t>(returned, 0));
        break;
      case kBrFrozenBinder:
        remember(program.freezes, load<binder_frozen_state>(returned, 0).cookie);
        break;
      case BR_ERROR:  // another host's manager has taken its place
      case BR_NOOP:
      case BR_SPAWN_LOOPER:
      case BR_TRANSACTION_COMPLETE:
      case BR_DEAD_REPLY:
      case BR_FAILED_REPLY:
      case BR_FROZEN_REPLY:
      case BR_ONEWAY_SPAM_SUSPECT:
      case BR_RELEASE:
      case BR_DECREFS:
      case BR_CLEAR_DEATH_NOTIFICATION_DONE:
      case kBrTransactionPendingFrozen:
      case kBrClearFreezeNotificationDone:
        break;
      default:
        NB_UNREACHABLE();
    }
    returned = returned.subspan(size);
  }
}

void Host::take_payload(Program& program, const binder_transaction_data& data) {
  const std::uint64_t offset = data.data.ptr.buffer - program.user_base;
  const std::uint64_t offsets = data.data.ptr.offsets - program.user_base;
  NB_CHECK(offset < program.arena_bytes && data.data_size <= program.arena_bytes - offset);
  NB_CHECK(offsets >= offset + data.data_size && offsets <= program.arena_bytes &&
           data.offsets_size <= program.arena_bytes - offsets && data.offsets_size % 8 == 0);
  const std::uint64_t size = offsets + data.offsets_size - offset;
  const std::span<const std::byte> image(program.arena.get() + offset, size);
  for (const GivenBuffer& other : program.given) {
    NB_CHECK(offset != other.offset);
    NB_CHECK(offset + size <= other.offset || other.offset + other.size <= offset);
  }
  std::uint64_t lowest = 0;
  for (std::uint64_t i = 0; i < data.offsets_size; i += 8) {
    const auto at = load<std::uint64_t>(image, offsets - offset + i);
    NB_CHECK(at >= lowest);
    const auto type = object_type(image.first(data.data_size), at);
    NB_CHECK(type.has_value());
    lowest = at + object_size(*type);
    switch (*type) {
      case BINDER_TYPE_BINDER:
        reach("given: BINDER");
        break;
      case BINDER_TYPE_WEAK_BINDER:
        reach("given: WEAK_BINDER");
        break;
      case BINDER_TYPE_HANDLE:
      case BINDER_TYPE_WEAK_HANDLE:
        reach(*type == BINDER_TYPE_HANDLE ? "given: HANDLE" : "given: WEAK_HANDLE");
        remember(program.handles, std::uint32_t{load<flat_binder_object>(image, at).handle});
        break;
      case BINDER_TYPE_FD:
        reach("given: FD");
        break;
      case BINDER_TYPE_FDA:
        reach("given: FDA");
        break;
      default: {
        const auto object = load<binder_buffer_object>(image, at);
        const std::uint64_t place = object.buffer - program.user_base;
        NB_CHECK(place <= program.arena_bytes && object.length <= program.arena_bytes - place);
        reach((object.flags & BINDER_BUFFER_FLAG_HAS_PARENT) != 0 ? "given: PTR with a parent"
                                                                  : "given: PTR");
        break;
      }
    }
  }
  remember(program.buffers, std::uint64_t{data.data.ptr.buffer});
  for (const auto& [tid, pending] : program.threads) {
    if (!pending.busy) continue;
    if (pending.frees_any || std::ranges::count(pending.frees, data.data.ptr.buffer) > 0) return;
  }
  program.given.push_back({.offset = offset, .size = size, .hash = hash_of(image)});
}

// ---- checks ----

void Host::check() const {
  driver.check_invariants();
  for (const auto& program : programs) program->check_given();
}

void Host::end_everything() {
  driver.set_time(now_ms += UINT64_C(1) << 33);
  driver.timer_expired();
  for (auto& program : programs) {
    for (auto& [tid, pending] : program->threads) {
      for (int rounds = 0; pending.busy; ++rounds) {
        NB_CHECK(rounds < 1000);
        if (pending.installing) {
          install(*program, tid, 0, false);
        } else {
          interrupt(*program, tid);
        }
      }
    }
  }
  check();
  while (!programs.empty()) close(*programs.back());
  check();
  const Driver::Counts left = driver.counts();
  NB_CHECK(left.processes == 0 && left.threads == 0 && left.buffers == 0);
  NB_CHECK(left.nodes == 0);
  NB_CHECK(left.refs == 0);
  NB_CHECK(left.transactions == 0);
  NB_CHECK(left.deaths == 0);
  NB_CHECK(left.leases == 0);
  NB_CHECK(files_.empty());
  for (const auto& [peer, files] : exported_) NB_CHECK(files.empty());
}

}  // namespace netbinder::fuzz
