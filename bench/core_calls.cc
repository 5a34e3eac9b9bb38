// SPDX-License-Identifier: Apache-2.0
//
// Synchronous calls through the core alone, without agents, channels or a network: the cost of the
// driver itself. Meant to be counted, not timed:
//
//   valgrind --tool=callgrind build/release/bin/core_calls local 1000
//
// The number of instructions of a call is the difference between the totals of two runs, divided by
// the difference of their counts.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/driver.h"

namespace netbinder {
namespace {

struct Letter {
  PeerMessage message;
  Payload payload;
};

// A host whose programs are this program: addresses are its own, and messages wait in a queue.
class Host final : public Effects {
 public:
  explicit Host(std::uint32_t id) : driver(setup(id), *this) {}
  static std::string name_of(std::uint32_t id) { return id == 1 ? "one" : "two"; }

  int read_memory(ProcessId, ThreadId, std::uint64_t address, std::span<std::byte> into) override {
    std::memcpy(into.data(), reinterpret_cast<const void*>(address), into.size());
    return 0;
  }
  std::expected<FileToken, int> take_file(ProcessId, ThreadId, int) override {
    return std::unexpected(-EBADF);
  }
  void drop_file(FileToken) override {}
  void install_files(ProcessId, ThreadId, std::span<const FileToken>) override {}
  std::expected<FileNumber, FileRefusal> export_file(HostId, FileToken) override {
    return std::unexpected(FileRefusal{-EPERM, "no files here"});
  }
  void withdraw_file(HostId, FileNumber) override {}
  std::expected<FileToken, int> import_file(HostId, FileNumber) override {
    return std::unexpected(-ENOENT);
  }
  void ioctl_done(ProcessId, ThreadId, const IoctlResult& result) override {
    if (result.error != 0) std::abort();
  }
  std::optional<PostedRead> take_posted_read(ProcessId, ThreadId) override { return std::nullopt; }
  void readiness_changed(ProcessId, bool) override {}
  Payload new_payload(HostId, std::uint64_t bytes) override { return Payload::allocate(bytes); }
  void send(HostId, PeerMessage message, Payload payload) override {
    sent.push_back({std::move(message), std::move(payload)});
  }
  void give_up_peer(HostId, std::string_view) override { std::abort(); }
  void set_timer(std::uint64_t) override {}

  std::deque<Letter> sent;
  Driver driver;

 private:
  static DriverSetup setup(std::uint32_t id) {
    DriverSetup setup;
    setup.host = HostId{id};
    setup.host_name = name_of(id);
    setup.incarnation = Incarnation{id};
    setup.contexts = {{.name = "binder", .cluster_wide = true}};
    return setup;
  }
};

struct Program {
  Program(Host& on, std::int32_t pid) : host(on), arena(64 * 1024), read(256) {
    id = *host.driver.open("binder",
                           {.pid = pid, .euid = 1000, .security_context = "u:r:x:s0", .nice = 0});
    (void)host.driver.map_arena(id, reinterpret_cast<std::uint64_t>(arena.data()), arena);
  }
  void ioctl(const std::vector<std::byte>& commands, bool reads) {
    host.driver.write_read(id, ThreadId{1},
                           {.commands = commands, .reads = reads, .read_buffer = read});
  }
  // The payload of the call or reply that was read last.
  [[nodiscard]] binder_uintptr_t last_buffer() const {
    for (std::size_t at = 0; at + 4 <= read.size();) {
      std::uint32_t command = 0;
      std::memcpy(&command, read.data() + at, sizeof command);
      if (command == BR_TRANSACTION || command == BR_REPLY) {
        binder_transaction_data data{};
        std::memcpy(&data, read.data() + at + 4, sizeof data);
        return data.data.ptr.buffer;
      }
      at += 4 + _IOC_SIZE(command);
    }
    std::abort();
  }

  Host& host;
  ProcessId id;
  std::vector<std::byte> arena;
  std::vector<std::byte> read;
};

template <typename T>
void put(std::vector<std::byte>& commands, std::uint32_t command, const T& payload) {
  const auto add = [&](const void* data, std::size_t size) {
    const auto* begin = static_cast<const std::byte*>(data);
    commands.insert(commands.end(), begin, begin + size);
  };
  add(&command, sizeof command);
  add(&payload, sizeof payload);
}

void exchange(std::vector<std::unique_ptr<Host>>& hosts) {
  for (bool any = true; any;) {
    any = false;
    for (std::size_t i = 0; i < hosts.size(); ++i) {
      Host& from = *hosts[i];
      while (!from.sent.empty()) {
        any = true;
        Letter letter = std::move(from.sent.front());
        from.sent.pop_front();
        Host& to = *hosts[1 - i];
        const HostId sender{static_cast<std::uint32_t>(i + 1)};
        if (!letter.payload.empty()) {
          const PayloadPlace place = to.driver.payload_arriving(sender, letter.message);
          if (place.bytes.size() == letter.payload.size()) {
            std::memcpy(place.bytes.data(), letter.payload.data(), letter.payload.size());
          }
        }
        to.driver.message_arrived(sender, std::move(letter.message));
      }
    }
  }
}

int run(const std::string& mode, long count) {
  std::vector<std::unique_ptr<Host>> hosts;
  hosts.push_back(std::make_unique<Host>(1));
  if (mode == "hosts") {
    hosts.push_back(std::make_unique<Host>(2));
    hosts[0]->driver.peer_connected(HostId{2}, Incarnation{2}, Host::name_of(2));
    hosts[1]->driver.peer_connected(HostId{1}, Incarnation{1}, Host::name_of(1));
  }
  Program server(*hosts.front(), 10);
  Program client(*hosts.back(), 20);
  std::vector<std::byte> zero(4);
  hosts.front()->driver.control(server.id, ThreadId{1}, BINDER_SET_CONTEXT_MGR, zero);
  std::vector<std::byte> version(sizeof(binder_version));  // a first ioctl: then reads may wait
  hosts.back()->driver.control(client.id, ThreadId{1}, BINDER_VERSION, version);
  exchange(hosts);
  std::vector<std::byte> enter(4);
  const std::uint32_t looper = BC_ENTER_LOOPER;
  std::memcpy(enter.data(), &looper, sizeof looper);
  server.ioctl(enter, true);
  std::vector<std::byte> parcel(64);
  binder_transaction_data data{};
  data.data_size = parcel.size();
  data.data.ptr.buffer = reinterpret_cast<binder_uintptr_t>(parcel.data());
  std::vector<std::byte> call;
  std::vector<std::byte> reply;
  binder_uintptr_t answered = 0;
  for (long i = 0; i < count; ++i) {
    call.clear();
    if (answered != 0) put(call, BC_FREE_BUFFER, answered);
    put(call, BC_TRANSACTION, data);
    client.ioctl(call, true);
    exchange(hosts);
    reply.clear();
    put(reply, BC_FREE_BUFFER, server.last_buffer());
    put(reply, BC_REPLY, data);
    server.ioctl(reply, true);
    exchange(hosts);
    answered = client.last_buffer();
    server.ioctl({}, true);
  }
  return 0;
}

}  // namespace
}  // namespace netbinder

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  const long count = argc > 2 ? std::strtol(argv[2], nullptr, 10) : 0;
  if ((mode != "local" && mode != "hosts") || count <= 0) {
    std::fprintf(stderr, "usage: core_calls local|hosts COUNT\n");
    return 2;
  }
  return netbinder::run(mode, count);
}
