// SPDX-License-Identifier: Apache-2.0
//
// A cluster of 100 hosts: names are known everywhere, and the cost of a host's death depends on
// what it shared, not on how much exists.
#include <gtest/gtest.h>

#include <cerrno>
#include <memory>

#include "host/builtin_manager.h"
#include "tests/sim/world.h"

namespace netbinder::sim {
namespace {

Settings settings_of(std::uint32_t hosts, bool builtin) {
  Settings settings;
  settings.hosts = hosts;
  settings.builtin = builtin;
  settings.roomy = true;
  settings.arena_bytes = 256 * 1024;
  settings.kills = settings.crashes = settings.weather = false;
  settings.timing = SessionTiming{};  // as the agent's
  settings.check_every = 0;
  return settings;
}

void boot_all(World& world, std::uint32_t hosts) {
  for (std::uint32_t id = 1; id <= hosts; ++id) world.boot(HostId{id});
  ASSERT_TRUE(world.run_for(300)) << world.oracle().failure();
  ASSERT_TRUE(world.all_connected());
}

TEST(Scale, NamesAreKnownOnAHundredHostsAndGoWithTheirs) {
  constexpr std::uint32_t kHosts = 100;
  World world(settings_of(kHosts, true));
  boot_all(world, kHosts);
  std::vector<Program*> programs;
  for (std::uint32_t id = 1; id <= kHosts; ++id) {
    programs.push_back(&world.start_program(HostId{id}));
  }
  const auto all_registered = [&programs] {
    return std::ranges::all_of(programs, [](const Program* each) { return each->registered(); });
  };
  for (int i = 0; i < 100 && !all_registered(); ++i) ASSERT_TRUE(world.run_for(50));
  ASSERT_TRUE(all_registered());
  for (Program* each : programs) each->wind_down();
  ASSERT_TRUE(world.run_for(1000)) << world.oracle().failure();
  world.check_names();
  world.compare_ledgers();
  EXPECT_FALSE(world.oracle().failed()) << world.oracle().failure();
  EXPECT_EQ(world.host(HostId{1})->manager()->service().services().size(), kHosts);

  world.crash(HostId{7}, false);
  ASSERT_TRUE(world.run_for(8000)) << world.oracle().failure();
  for (std::uint32_t id = 1; id <= kHosts; ++id) {
    if (id == 7) continue;
    const auto services = world.host(HostId{id})->manager()->service().services();
    EXPECT_EQ(services.size(), kHosts - 1) << id;
    EXPECT_FALSE(world.host(HostId{id})->connected(HostId{7}));
    world.host(HostId{id})->driver().check_invariants();
  }
}

// A program with one thread, which the test controls.
class Script final : public ProcessHost {
 public:
  static constexpr std::uint32_t kTid = 1;
  Script(World& world, HostId host) : world_(world), host_(host), arena_(new std::byte[kArena]()) {
    Driver& driver = world.host(host)->driver();
    id_ = driver.open("binder", {.pid = 200'000'000, .euid = 0, .security_context = "u"}).value();
    world.host(host)->add_process(id_, *this);
    EXPECT_EQ(driver.map_arena(id_, kBase, {arena_.get(), kArena}), 0);
    binder_version version{};
    control(BINDER_VERSION, version);
  }

  template <typename T>
  int control(std::uint32_t command, T& argument) {
    SimHost& host = *world_.host(host_);
    host.driver().control(id_, ThreadId{kTid}, command,
                          {reinterpret_cast<std::byte*>(&argument), sizeof argument});
    settle();
    return error_;
  }
  template <typename T>
  Script& put(std::uint32_t command, const T& payload) {
    append(&command, sizeof command);
    append(&payload, sizeof payload);
    return *this;
  }
  // Writes the gathered commands, and reads; blocks until there is something to read.
  void start() {
    if (busy_) world_.host(host_)->driver().interrupt(id_, ThreadId{kTid});
    busy_ = true;
    written_ = std::exchange(commands_, {});
    world_.host(host_)->driver().write_read(
        id_, ThreadId{kTid}, {.commands = written_, .reads = true, .read_buffer = read_});
    settle();
  }
  // Repeats that until a command of this kind has been read, and returns its argument.
  template <typename T>
  T until(std::uint32_t wanted) {
    T value{};
    for (int i = 0; i < 200; ++i) {
      if (take(wanted, &value, sizeof value)) return value;
      if (!busy_) start();
      world_.run_for(5);
    }
    ADD_FAILURE() << "never read";
    return value;
  }
  [[nodiscard]] std::size_t times(std::uint32_t command) const {
    return static_cast<std::size_t>(std::ranges::count(commands_read_, command));
  }
  const std::byte* at(std::uint64_t address) const { return arena_.get() + (address - kBase); }

  int read_memory(ThreadId, std::uint64_t address, std::span<std::byte> into) override {
    std::memcpy(into.data(), reinterpret_cast<const void*>(address), into.size());
    return 0;
  }
  std::expected<FileToken, int> take_file(ThreadId, int) override {
    return std::unexpected(-EBADF);
  }
  void install_files(ThreadId, std::span<const FileToken>) override {}
  void readiness_changed(bool) override {}
  std::shared_ptr<void> arena_owner() override { return arena_; }
  void ioctl_done(ThreadId, const IoctlResult& result) override {
    busy_ = false;
    error_ = result.error;
    std::size_t position = 0;
    while (position < result.read_consumed) {
      std::uint32_t command = 0;
      std::memcpy(&command, read_.data() + position, sizeof command);
      position += sizeof command;
      const auto begin = read_.begin() + static_cast<std::ptrdiff_t>(position);
      unread_.emplace_back(command, std::vector<std::byte>(begin, begin + _IOC_SIZE(command)));
      commands_read_.push_back(command);
      position += _IOC_SIZE(command);
    }
  }

 private:
  static constexpr std::size_t kArena = 64 * 1024;
  static constexpr std::uint64_t kBase = 0x10000;

  void append(const void* data, std::size_t size) {
    const auto* begin = static_cast<const std::byte*>(data);
    commands_.insert(commands_.end(), begin, begin + size);
  }
  void settle() {
    world_.host(host_)->after_event();
    world_.flush(host_);
  }
  bool take(std::uint32_t wanted, void* into, std::size_t size) {
    for (auto it = unread_.begin(); it != unread_.end(); ++it) {
      if (it->first != wanted) continue;
      EXPECT_EQ(it->second.size(), size);
      std::memcpy(into, it->second.data(), size);
      unread_.erase(unread_.begin(), it + 1);
      return true;
    }
    unread_.clear();
    return false;
  }

  World& world_;
  HostId host_;
  ProcessId id_;
  std::shared_ptr<std::byte[]> arena_;
  std::vector<std::byte> commands_;
  std::vector<std::byte> written_;
  std::array<std::byte, 4096> read_{};
  std::vector<std::pair<std::uint32_t, std::vector<std::byte>>> unread_;
  std::vector<std::uint32_t> commands_read_;
  bool busy_ = false;
  int error_ = 0;
};

struct Cost {
  std::uint64_t sent = 0, received = 0, ioctls = 0, nodes = 0, refs = 0, deaths = 0;
  friend bool operator==(const Cost&, const Cost&) = default;
};
void PrintTo(const Cost& cost, std::ostream* out) {
  *out << cost.sent << " messages sent, " << cost.received << " received, " << cost.ioctls
       << " ioctls, " << cost.nodes << " nodes, " << cost.refs << " refs, " << cost.deaths
       << " deaths";
}

// The work that the death of host 2 causes on all others, if it shares `services` nodes with
// programs on `peers` other hosts. Host 1's program introduces them to each other.
Cost cost_of_death(std::uint32_t hosts, std::uint32_t services, std::uint32_t peers) {
  World world(settings_of(hosts, false));
  boot_all(world, hosts);
  Script manager(world, HostId{1});
  flat_binder_object object{};
  EXPECT_EQ(manager.control(BINDER_SET_CONTEXT_MGR_EXT, object), 0);
  manager.start();
  world.run_for(100);

  const auto call = [](const std::vector<std::byte>& data,
                       const std::vector<binder_size_t>& offsets) {
    binder_transaction_data made{};
    made.data_size = data.size();
    made.offsets_size = offsets.size() * sizeof(binder_size_t);
    made.data.ptr.buffer = reinterpret_cast<binder_uintptr_t>(data.data());
    made.data.ptr.offsets = reinterpret_cast<binder_uintptr_t>(offsets.data());
    return made;
  };
  const auto objects = [&](std::uint32_t type, const std::vector<std::uint32_t>& handles,
                           std::vector<std::byte>& data, std::vector<binder_size_t>& offsets) {
    for (std::uint32_t i = 0; i < services; ++i) {
      flat_binder_object each{};
      each.hdr.type = type;
      if (type == BINDER_TYPE_HANDLE) {
        each.handle = handles[i];
      } else {
        each.binder = each.cookie = 0x100 + 16ULL * i;
      }
      offsets.push_back(data.size());
      const auto* begin = reinterpret_cast<const std::byte*>(&each);
      data.insert(data.end(), begin, begin + sizeof each);
    }
  };
  const auto handles_in = [&](const Script& script, const binder_transaction_data& data) {
    std::vector<std::uint32_t> handles;
    for (std::uint32_t i = 0; i < services; ++i) {
      flat_binder_object each;
      std::memcpy(&each, script.at(data.data.ptr.buffer) + i * sizeof each, sizeof each);
      handles.push_back(each.handle);
    }
    return handles;
  };

  // Host 2 registers; the manager keeps the services until everybody has them.
  Script victim(world, HostId{2});
  std::vector<std::byte> data;
  std::vector<binder_size_t> offsets;
  objects(BINDER_TYPE_BINDER, {}, data, offsets);
  victim.put(BC_TRANSACTION, call(data, offsets)).start();
  const auto registered = manager.until<binder_transaction_data>(BR_TRANSACTION);
  const auto handles = handles_in(manager, registered);
  manager.put(BC_REPLY, call({}, {})).start();
  (void)victim.until<binder_transaction_data>(BR_REPLY);
  victim.start();

  std::vector<std::byte> answer;
  std::vector<binder_size_t> answer_offsets;
  objects(BINDER_TYPE_HANDLE, handles, answer, answer_offsets);
  std::vector<std::unique_ptr<Script>> clients;
  for (std::uint32_t i = 0; i < peers; ++i) {
    Script& client = *clients.emplace_back(std::make_unique<Script>(world, HostId{3 + i}));
    client.put(BC_TRANSACTION, call({}, {})).start();
    const auto asked = manager.until<binder_transaction_data>(BR_TRANSACTION);
    manager.put(BC_REPLY, call(answer, answer_offsets))
        .put(BC_FREE_BUFFER, asked.data.ptr.buffer)
        .start();
    const auto reply = client.until<binder_transaction_data>(BR_REPLY);
    for (const std::uint32_t handle : handles_in(client, reply)) {
      client.put(BC_ACQUIRE, handle)
          .put(BC_REQUEST_DEATH_NOTIFICATION,
               binder_handle_cookie{.handle = handle, .cookie = handle});
    }
    client.put(BC_FREE_BUFFER, reply.data.ptr.buffer).start();
  }
  manager.put(BC_FREE_BUFFER, registered.data.ptr.buffer).start();
  world.run_for(500);
  world.compare_ledgers();

  const auto sum = [&] {
    Cost all;
    for (std::uint32_t id = 1; id <= hosts; ++id) {
      if (id == 2) continue;
      const SimHost& host = *world.host(HostId{id});
      const Driver::Counts counts = world.host(HostId{id})->driver().counts();
      all.sent += host.work().messages_sent;
      all.received += host.work().messages_received;
      all.ioctls += host.work().ioctls_done;
      all.nodes += counts.nodes;
      all.refs += counts.refs;
      all.deaths += counts.deaths;
    }
    return all;
  };
  const Cost before = sum();
  world.crash(HostId{2}, false);
  world.run_for(8000);
  for (auto& client : clients) {  // every one reads of every death
    for (int i = 0; i < 100 && client->times(BR_DEAD_BINDER) < services; ++i) client->start();
    EXPECT_EQ(client->times(BR_DEAD_BINDER), services);
    EXPECT_EQ(client->times(BR_DEAD_REPLY), 0U);
  }
  Cost after = sum();
  EXPECT_FALSE(world.oracle().failed()) << world.oracle().failure();
  after.sent -= before.sent;
  after.received -= before.received;
  after.ioctls -= before.ioctls;
  after.nodes = before.nodes - after.nodes;
  after.refs = before.refs - after.refs;
  after.deaths = before.deaths - after.deaths;
  return after;
}

TEST(Scale, AHostsDeathCostsWhatItSharedNotTheCluster) {
  const Cost small = cost_of_death(10, 3, 4);
  EXPECT_EQ(cost_of_death(100, 3, 4), small);
  EXPECT_EQ(small.sent, 0U);
  EXPECT_GE(small.ioctls, 3U * 4U);
  // Twice the services or twice the peers cost twice the ioctls.
  EXPECT_EQ(cost_of_death(100, 6, 4).ioctls, 2 * small.ioctls);
  EXPECT_EQ(cost_of_death(100, 3, 8).ioctls, 2 * small.ioctls);
}

}  // namespace
}  // namespace netbinder::sim
