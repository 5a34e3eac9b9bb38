// SPDX-License-Identifier: Apache-2.0
#include "tests/core/cluster_fixture.h"

#include <algorithm>
#include <cerrno>

namespace netbinder::testing {

std::string command_name(std::uint32_t command) {
  switch (command) {
    case BR_ERROR:
      return "BR_ERROR";
    case BR_OK:
      return "BR_OK";
    case BR_TRANSACTION:
      return "BR_TRANSACTION";
    case BR_TRANSACTION_SEC_CTX:
      return "BR_TRANSACTION_SEC_CTX";
    case BR_REPLY:
      return "BR_REPLY";
    case BR_DEAD_REPLY:
      return "BR_DEAD_REPLY";
    case BR_FAILED_REPLY:
      return "BR_FAILED_REPLY";
    case BR_FROZEN_REPLY:
      return "BR_FROZEN_REPLY";
    case BR_TRANSACTION_COMPLETE:
      return "BR_TRANSACTION_COMPLETE";
    case BR_ONEWAY_SPAM_SUSPECT:
      return "BR_ONEWAY_SPAM_SUSPECT";
    case BR_INCREFS:
      return "BR_INCREFS";
    case BR_ACQUIRE:
      return "BR_ACQUIRE";
    case BR_RELEASE:
      return "BR_RELEASE";
    case BR_DECREFS:
      return "BR_DECREFS";
    case BR_NOOP:
      return "BR_NOOP";
    case BR_SPAWN_LOOPER:
      return "BR_SPAWN_LOOPER";
    case BR_DEAD_BINDER:
      return "BR_DEAD_BINDER";
    case BR_CLEAR_DEATH_NOTIFICATION_DONE:
      return "BR_CLEAR_DEATH_NOTIFICATION_DONE";
    case kBrTransactionPendingFrozen:
      return "BR_TRANSACTION_PENDING_FROZEN";
    case kBrFrozenBinder:
      return "BR_FROZEN_BINDER";
    case kBrClearFreezeNotificationDone:
      return "BR_CLEAR_FREEZE_NOTIFICATION_DONE";
    default:
      return "BR_" + std::to_string(command);
  }
}

std::vector<std::string> Outcome::names() const {
  std::vector<std::string> names;
  for (const Returned& returned : read) {
    if (returned.command != BR_NOOP) names.push_back(command_name(returned.command));
  }
  return names;
}

// ---- Host ----

namespace {

DriverSetup setup_for(std::uint32_t id, const Bounds& bounds) {
  DriverSetup setup;
  setup.max_processes = bounds.processes;
  setup.max_threads_per_process = bounds.threads;
  setup.max_nodes_per_process = bounds.nodes;
  setup.max_message_bytes = bounds.message_bytes;
  setup.slice_units = bounds.slice_units;
  setup.user_limits = bounds.of_a_user;
  setup.host = HostId{id};
  setup.host_name = "host" + std::to_string(id);
  setup.incarnation = Incarnation{id * 1000ULL};
  setup.claims_by = bounds.claims_by;
  setup.arbiter = bounds.claims_by == ClaimsBy::kStore ? HostId{} : HostId{1};
  setup.contexts = {{.name = "binder", .cluster_wide = true},
                    {.name = "local", .cluster_wide = false}};
  return setup;
}

}  // namespace

Host::Host(Cluster& cluster, std::uint32_t with_id, const Bounds& bounds)
    : driver(setup_for(with_id, bounds), *this), id(with_id), cluster_(cluster) {}

int Host::read_memory(ProcessId, ThreadId, std::uint64_t address, std::span<std::byte> into) {
  if (address < 4096) return -EFAULT;  // what a test uses as a bad pointer
  std::memcpy(into.data(), reinterpret_cast<const void*>(address), into.size());
  return 0;
}

std::expected<FileToken, int> Host::take_file(ProcessId, ThreadId, int fd) {
  if (fd < 0) return std::unexpected(-EBADF);
  return FileToken{static_cast<std::uint64_t>(fd)};
}

void Host::drop_file(FileToken) { ++dropped_files; }

std::expected<FileNumber, FileRefusal> Host::export_file(HostId peer, FileToken file) {
  if (file.value() >= 1000) {
    return std::unexpected(FileRefusal{.error = -EPERM, .reason = "a file of the test"});
  }
  const FileNumber number{next_file_++};
  offered.emplace(std::pair(peer.value(), number.value()), file);
  return number;
}

void Host::withdraw_file(HostId peer, FileNumber file) {
  EXPECT_EQ(offered.erase({peer.value(), file.value()}), 1U);
  ++withdrawn_files;
}

std::expected<FileToken, int> Host::import_file(HostId peer, FileNumber file) {
  if (cluster_.host(peer.value()).offered.erase({id, file.value()}) == 0) {
    return std::unexpected(-ENOENT);
  }
  if (import_error != 0) return std::unexpected(import_error);
  return FileToken{file.value() + 500};
}

void Host::install_files(ProcessId, ThreadId, std::span<const FileToken> files) {
  installing.clear();
  for (const FileToken file : files) installing.push_back(file.value());
}

std::optional<PostedRead> Host::take_posted_read(ProcessId process, ThreadId thread) {
  const auto found = posted.find({process.value(), thread.value()});
  if (found == posted.end()) return std::nullopt;
  const bool is_there = found->second;
  posted.erase(found);
  if (!is_there) return std::nullopt;
  return PostedRead{.nice = 0, .read_buffer = buffers[{process.value(), thread.value()}]};
}

void Host::ioctl_done(ProcessId process, ThreadId thread, const IoctlResult& result) {
  if (const auto other = others.find(process.value()); other != others.end()) {
    other->second(thread, result);
    return;
  }
  const auto key = std::pair(process.value(), thread.value());
  Outcome outcome;
  outcome.error = result.error;
  outcome.write_consumed = result.write_consumed;
  outcome.wants_looper = result.wants_looper;
  outcome.close_fds.assign(result.close_fds.begin(), result.close_fds.end());
  outcome.nice = result.nice;
  if (result.may_post_read) posted[key] = false;
  std::span<const std::byte> rest(buffers[key].data(), result.read_consumed);
  while (!rest.empty()) {
    Returned returned;
    std::memcpy(&returned.command, rest.data(), sizeof returned.command);
    rest = rest.subspan(sizeof returned.command);
    const std::size_t size = _IOC_SIZE(returned.command);
    returned.payload.assign(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(size));
    rest = rest.subspan(size);
    outcome.read.push_back(std::move(returned));
  }
  outcomes[key].push_back(std::move(outcome));
}

netbinder::Payload Host::new_payload(HostId /*peer*/, std::uint64_t bytes) {
  netbinder::Payload payload = netbinder::Payload::allocate(bytes);
  std::ranges::fill(payload.bytes(), std::byte{0xA5});  // as of an earlier payload
  return payload;
}

void Host::send(HostId peer, PeerMessage message, netbinder::Payload payload) {
  cluster_.links_[{id, peer.value()}].push_back({std::move(message), std::move(payload)});
}

void Host::give_up_peer(HostId, std::string_view reason) { given_up.emplace_back(reason); }

// ---- Program ----

Program::Program(Host& host, std::int32_t pid, const std::string& context, std::size_t arena_bytes,
                 std::uint32_t euid, const std::string& security_context)
    : host_(host), arena_(arena_bytes) {
  const auto opened = host.driver.open(
      context, Credentials{.pid = pid, .euid = euid, .security_context = security_context});
  EXPECT_TRUE(opened.has_value());
  id_ = *opened;
  if (arena_bytes > 0) {
    EXPECT_EQ(host.driver.map_arena(id_, reinterpret_cast<std::uint64_t>(arena_.data()), arena_),
              0);
  }
}

void Program::start(std::uint32_t tid, const Commands& commands, bool reads, bool nonblocking,
                    std::size_t read_bytes) {
  auto& buffer = host_.buffers[{id_.value(), tid}];
  buffer.assign(read_bytes, std::byte{0});
  host_.posted.erase({id_.value(), tid});
  host_.driver.write_read(id_, ThreadId{tid},
                          {.commands = commands.bytes(),
                           .reads = reads,
                           .fresh_read = true,
                           .nonblocking = nonblocking,
                           .nice = nice_,
                           .read_buffer = buffer});
}

void Program::post_read(std::uint32_t tid) {
  const auto may = host_.posted.find({id_.value(), tid});
  if (may == host_.posted.end()) {
    ADD_FAILURE() << "thread " << tid << " may not";
    return;
  }
  host_.buffers[{id_.value(), tid}].assign(1024, std::byte{0});
  may->second = true;
}

Outcome Program::outcome(std::uint32_t tid) {
  auto& queue = host_.outcomes[{id_.value(), tid}];
  if (queue.empty()) {
    ADD_FAILURE() << "thread " << tid << " is still blocked";
    return {};
  }
  Outcome first = std::move(queue.front());
  queue.pop_front();
  return first;
}

bool Program::blocked(std::uint32_t tid) const {
  return host_.outcomes[{id_.value(), tid}].empty();
}

Outcome Program::write(std::uint32_t tid, const Commands& commands) {
  start(tid, commands, false);
  return outcome(tid);
}

Outcome Program::read(std::uint32_t tid, const Commands& commands) {
  start(tid, commands, true);
  return outcome(tid);
}

Outcome Program::read_now(std::uint32_t tid) {
  start(tid, {}, true, true);
  return outcome(tid);
}

int Program::control(std::uint32_t tid, std::uint32_t command, void* argument) {
  host_.driver.control(id_, ThreadId{tid}, command,
                       {static_cast<std::byte*>(argument),
                        argument == nullptr ? 0 : std::size_t{_IOC_SIZE(command)}});
  return outcome(tid).error;
}

void Program::greet(std::uint32_t tid) {
  binder_version version{};
  EXPECT_EQ(control(tid, BINDER_VERSION, &version), 0);
  EXPECT_EQ(version.protocol_version, 8);
}

int Program::become_manager() {
  flat_binder_object object{};
  return control(1, BINDER_SET_CONTEXT_MGR_EXT, &object);
}

// ---- payloads ----

Payload::Payload(const std::string& text) : data(text.size()) {
  std::transform(text.begin(), text.end(), data.begin(), [](char c) { return std::byte(c); });
}

binder_transaction_data Payload::call(std::uint32_t handle, std::uint32_t code,
                                      std::uint32_t flags) const {
  binder_transaction_data call{};
  call.target.handle = handle;
  call.code = code;
  call.flags = flags;
  call.data_size = data.size();
  call.offsets_size = offsets.size() * sizeof(binder_size_t);
  call.data.ptr.buffer = reinterpret_cast<binder_uintptr_t>(data.data());
  call.data.ptr.offsets = reinterpret_cast<binder_uintptr_t>(offsets.data());
  return call;
}

flat_binder_object binder_object(std::uint64_t ptr, std::uint64_t cookie, bool strong) {
  flat_binder_object object{};
  object.hdr.type = strong ? BINDER_TYPE_BINDER : BINDER_TYPE_WEAK_BINDER;
  object.binder = ptr;
  object.cookie = cookie;
  return object;
}

flat_binder_object handle_object(std::uint32_t handle, bool strong) {
  flat_binder_object object{};
  object.hdr.type = strong ? BINDER_TYPE_HANDLE : BINDER_TYPE_WEAK_HANDLE;
  object.handle = handle;
  return object;
}

// ---- Cluster ----

Cluster::Cluster(std::size_t hosts, const Bounds& bounds) {
  for (std::size_t i = 1; i <= hosts; ++i) {
    hosts_.push_back(std::make_unique<Host>(*this, static_cast<std::uint32_t>(i), bounds));
  }
  for (auto& a : hosts_) {
    for (auto& b : hosts_) {
      if (a == b) continue;
      a->driver.peer_connected(HostId{b->id}, Incarnation{b->id * 1000ULL},
                               "host" + std::to_string(b->id));
    }
  }
  settle();
}

Cluster::~Cluster() {
  for (auto& host : hosts_) EXPECT_TRUE(host->given_up.empty()) << host->given_up.front();
}

bool Cluster::deliver_one(std::size_t from, std::size_t to) {
  auto& link = links_[{from, to}];
  if (link.empty()) return false;
  Letter letter = std::move(link.front());
  link.pop_front();
  Driver& driver = host(to).driver;
  const HostId sender{static_cast<std::uint32_t>(from)};
  const bool has_payload = std::holds_alternative<peer::Call>(letter.message) ||
                           std::holds_alternative<peer::Reply>(letter.message);
  if (has_payload) {
    const PayloadPlace place = driver.payload_arriving(sender, letter.message);
    if (!place.bytes.empty()) {
      EXPECT_EQ(place.bytes.size(), letter.payload.size());
      std::memcpy(place.bytes.data(), letter.payload.data(), letter.payload.size());
    }
  }
  driver.message_arrived(sender, std::move(letter.message));
  return true;
}

const Cluster::Letter* Cluster::next(std::size_t from, std::size_t to) const {
  const auto link = links_.find({from, to});
  return link == links_.end() || link->second.empty() ? nullptr : &link->second.front();
}

PayloadPlace Cluster::deliver_by_lease(std::size_t from, std::size_t to, const Lease& lease) {
  auto& link = links_[{from, to}];
  if (link.empty()) {
    ADD_FAILURE() << "there is no message to deliver";
    return {};
  }
  Letter letter = std::move(link.front());
  link.pop_front();
  Driver& driver = host(to).driver;
  const HostId sender{static_cast<std::uint32_t>(from)};
  std::copy_n(letter.payload.data(), std::min(lease.bytes.size(), letter.payload.bytes().size()),
              lease.bytes.data());
  const PayloadPlace place = driver.payload_arriving(sender, letter.message, lease.id);
  driver.check_invariants();
  driver.message_arrived(sender, std::move(letter.message));
  driver.check_invariants();
  return place;
}

void Cluster::settle() {
  bool any = true;
  while (any) {
    any = false;
    for (std::size_t from = 1; from <= hosts_.size(); ++from) {
      for (std::size_t to = 1; to <= hosts_.size(); ++to) {
        if (from != to && deliver_one(from, to)) any = true;
      }
    }
  }
  for (auto& host : hosts_) host->driver.check_invariants();
}

void Cluster::connect(std::size_t a, std::size_t b, std::uint64_t life_of_b) {
  const auto tell = [&](std::size_t here, std::size_t there, std::uint64_t life) {
    host(here).driver.peer_connected(HostId{static_cast<std::uint32_t>(there)},
                                     Incarnation{there * 1000 + life},
                                     "host" + std::to_string(there));
  };
  tell(a, b, life_of_b);
  if (life_of_b == 0) tell(b, a, 0);
}

void Cluster::disconnect(std::size_t a, std::size_t b) {
  links_[{a, b}].clear();
  links_[{b, a}].clear();
  host(a).driver.peer_lost(HostId{static_cast<std::uint32_t>(b)});
  host(b).driver.peer_lost(HostId{static_cast<std::uint32_t>(a)});
}

}  // namespace netbinder::testing
