// SPDX-License-Identifier: Apache-2.0
//
// Random programs on several hosts: any command with any argument at any time, messages delivered
// in any order between links, programs and sessions ending at any moment. After every step every
// structure must agree with every other; when all programs are gone, nothing may be left.
//
// NETBINDER_RANDOM_SEED=N replays one seed; NETBINDER_RANDOM_SEEDS=N runs that many.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <deque>
#include <memory>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "tests/core/cluster_fixture.h"

namespace netbinder::testing {
namespace {

constexpr std::size_t kHosts = 3;
constexpr std::size_t kProgramsPerHost = 3;
constexpr std::uint32_t kThreads = 3;
constexpr int kSteps = 1500;

class World {
 public:
  // Every other one ends its processes in very small slices, and others come in between.
  explicit World(std::uint64_t seed)
      : random_(seed), cluster_(kHosts, Bounds{.slice_units = seed % 2 == 1 ? 1 + seed / 2 % 4 : 256}) {
    for (std::size_t host = 1; host <= kHosts; ++host) cluster_.host(host).members = {1, 2, 3};
    for (std::size_t i = 0; i < kHosts * kProgramsPerHost; ++i) actors_.push_back(make(i));
  }

  void run() {
    for (int step = 0; step < kSteps; ++step) {
      const std::uint32_t what = pick(100);
      if (what < 70) {
        act(*actors_[pick(actors_.size())]);
      } else if (what < 96) {
        for (std::uint32_t tries = pick(4); tries > 0; --tries) {
          cluster_.deliver_one(pick(kHosts) + 1, pick(kHosts) + 1);
        }
      } else if (what < 99) {
        const std::size_t which = pick(actors_.size());
        actors_[which].reset();
        actors_[which] = make(which);
      } else {
        reconnect();
      }
      for (std::size_t host = 1; host <= kHosts; ++host) {
        Driver& driver = cluster_.host(host).driver;
        if (driver.has_more() && pick(3) == 0) driver.go_on();
        driver.check_invariants();
      }
      for (const auto& [a, b] : apart_) {
        ASSERT_TRUE(cluster_.next(a, b) == nullptr && cluster_.next(b, a) == nullptr)
            << "a message to a host without a session";
      }
    }
    actors_.clear();
    for (const auto& [a, b] : apart_) cluster_.connect(a, b);
    for (bool more = true; more;) {
      more = false;
      cluster_.settle();
      for (std::size_t host = 1; host <= kHosts; ++host) {
        Driver& driver = cluster_.host(host).driver;
        more = more || driver.has_more();
        driver.go_on();
      }
    }
    for (std::size_t host = 1; host <= kHosts; ++host) {
      const Driver::Counts counts = cluster_.host(host).driver.counts();
      EXPECT_EQ(counts.processes, 0U);
      EXPECT_EQ(counts.nodes, 0U) << "host " << host;
      EXPECT_EQ(counts.refs, 0U) << "host " << host;
      EXPECT_EQ(counts.transactions, 0U) << "host " << host;
      EXPECT_EQ(counts.deaths, 0U) << "host " << host;
      EXPECT_TRUE(cluster_.host(host).given_up.empty())
          << "host " << host << ": " << cluster_.host(host).given_up.front();
    }
  }

 private:
  struct Actor {
    Actor(Host& host, std::int32_t pid) : program(host, pid, "binder", 16 * 1024) {}
    Program program;
    std::array<bool, kThreads + 1> busy{};
    std::vector<binder_uintptr_t> buffers;
    std::vector<std::pair<std::uint32_t, binder_ptr_cookie>> to_acknowledge;
    std::vector<binder_uintptr_t> deaths;
  };

  std::uint32_t pick(std::size_t below) { return static_cast<std::uint32_t>(random_() % below); }

  std::unique_ptr<Actor> make(std::size_t index) {
    return std::make_unique<Actor>(cluster_.host(index % kHosts + 1),
                                   static_cast<std::int32_t>(100 + index));
  }

  // Hosts lose each other, and meet at once or later. What is passed on meanwhile waits for its
  // home, and sometimes in vain.
  void reconnect() {
    const std::size_t a = pick(kHosts) + 1;
    const std::size_t b = pick(kHosts) + 1;
    if (a == b) return;
    if (pick(4) == 0) {
      now_ms_ += DriverSetup{}.home_wait_ms;
      for (std::size_t host = 1; host <= kHosts; ++host) {
        cluster_.host(host).driver.set_time(now_ms_);
        cluster_.host(host).driver.timer_expired();
      }
    }
    const std::pair<std::size_t, std::size_t> pair = std::minmax(a, b);
    if (apart_.erase(pair) == 0) {
      cluster_.disconnect(a, b);
      if (pick(2) == 0) {
        apart_.insert(pair);
        return;
      }
    }
    cluster_.connect(a, b);
  }

  const Payload& random_payload() {
    Payload& payload = payloads_.emplace_back(std::string(pick(200), 'p'));
    for (std::uint32_t objects = pick(4); objects > 0; --objects) {
      switch (pick(4)) {
        case 0:
        case 1: {
          const std::uint64_t ptr = 0x1000 + pick(4) * 8;
          payload.add(binder_object(ptr, ptr + (pick(40) == 0 ? 1 : 0), pick(3) != 0));
          break;
        }
        case 2:
          payload.add(handle_object(pick(6), pick(3) != 0));
          break;
        default:
          if (pick(20) == 0) payload.offsets.push_back(pick(300));
          break;
      }
    }
    return payload;
  }

  void add_command(Actor& actor, Commands& commands) {
    const std::uint32_t handle = pick(6);
    switch (pick(16)) {
      case 0:
      case 1:
      case 2:
      case 3:
        commands.put(BC_TRANSACTION,
                     random_payload().call(handle, 1, pick(3) == 0 ? TF_ONE_WAY : 0));
        break;
      case 4:
      case 5:
        commands.put(BC_REPLY, random_payload().call(0, 0));
        break;
      case 6:
      case 7:
        if (!actor.buffers.empty()) {
          commands.put(BC_FREE_BUFFER, actor.buffers.back());
          actor.buffers.pop_back();
        }
        break;
      case 8:
        commands.put(BC_ACQUIRE, handle);
        break;
      case 9:
        commands.put(pick(2) == 0 ? BC_RELEASE : BC_DECREFS, handle);
        break;
      case 10:
        commands.put(BC_INCREFS, handle);
        break;
      case 11:
        commands.put(BC_REQUEST_DEATH_NOTIFICATION,
                     binder_handle_cookie{.handle = handle, .cookie = 500 + handle});
        break;
      case 12:
        commands.put(
            pick(2) == 0 ? std::uint32_t{BC_CLEAR_DEATH_NOTIFICATION} : kBcClearFreezeNotification,
            binder_handle_cookie{.handle = handle, .cookie = 500 + handle});
        break;
      case 13:
        for (const auto& [command, node] : actor.to_acknowledge) commands.put(command, node);
        actor.to_acknowledge.clear();
        for (const binder_uintptr_t cookie : actor.deaths) {
          commands.put(BC_DEAD_BINDER_DONE, cookie);
        }
        actor.deaths.clear();
        break;
      case 14:
        commands.put(pick(2) == 0 ? BC_ENTER_LOOPER : BC_REGISTER_LOOPER);
        break;
      default:
        if (pick(4) == 0) {
          commands.put(kBcRequestFreezeNotification,
                       binder_handle_cookie{.handle = handle, .cookie = 500 + handle});
        }
        break;
    }
  }

  void take_outcomes(Actor& actor) {
    for (std::uint32_t tid = 1; tid <= kThreads; ++tid) {
      if (!actor.busy[tid] || actor.program.blocked(tid)) continue;
      actor.busy[tid] = false;
      for (const Returned& returned : actor.program.outcome(tid).read) {
        if (returned.command == BR_TRANSACTION || returned.command == BR_REPLY) {
          actor.buffers.push_back(returned.as<binder_transaction_data>().data.ptr.buffer);
        } else if (returned.command == BR_INCREFS || returned.command == BR_ACQUIRE) {
          actor.to_acknowledge.emplace_back(
              returned.command == BR_INCREFS ? BC_INCREFS_DONE : BC_ACQUIRE_DONE,
              returned.as<binder_ptr_cookie>());
        } else if (returned.command == BR_DEAD_BINDER) {
          actor.deaths.push_back(returned.as<binder_uintptr_t>());
        }
      }
    }
  }

  void act(Actor& actor) {
    take_outcomes(actor);
    const std::uint32_t tid = pick(kThreads) + 1;
    Host& host = actor.program.host();
    if (actor.busy[tid]) {
      if (pick(4) == 0) host.driver.interrupt(actor.program.id(), ThreadId{tid});
      return;
    }
    actor.busy[tid] = true;
    switch (pick(30)) {
      case 0: {
        flat_binder_object object{};
        start_control(actor, tid, BINDER_SET_CONTEXT_MGR_EXT, object);
        break;
      }
      case 1: {
        binder_freeze_info info{.pid = 100 + pick(9), .enable = pick(2), .timeout_ms = pick(2)};
        start_control(actor, tid, BINDER_FREEZE, info);
        host.driver.set_time(++now_ms_);
        host.driver.timer_expired();
        break;
      }
      case 2: {
        std::int32_t unused = 0;
        start_control(actor, tid, BINDER_THREAD_EXIT, unused);
        break;
      }
      case 3: {
        std::uint32_t threads = pick(3);
        start_control(actor, tid, BINDER_SET_MAX_THREADS, threads);
        break;
      }
      default: {
        Commands commands;
        for (std::uint32_t count = pick(4); count > 0; --count) add_command(actor, commands);
        actor.program.start(tid, commands, pick(4) != 0, pick(3) == 0);
        break;
      }
    }
  }

  template <typename T>
  void start_control(Actor& actor, std::uint32_t tid, std::uint32_t command, T& argument) {
    actor.program.host().driver.control(actor.program.id(), ThreadId{tid}, command,
                                        {reinterpret_cast<std::byte*>(&argument), sizeof argument});
  }

  std::mt19937_64 random_;
  std::deque<Payload> payloads_;  // a call that waits reads its payload later
  Cluster cluster_;
  std::vector<std::unique_ptr<Actor>> actors_;
  std::set<std::pair<std::size_t, std::size_t>> apart_;
  std::uint64_t now_ms_ = 0;
};

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

TEST(Random, NoSequenceOfCommandsAndFailuresBreaksTheDriver) {
  const std::uint64_t only = from_environment("NETBINDER_RANDOM_SEED", 0);
  const std::uint64_t seeds = from_environment("NETBINDER_RANDOM_SEEDS", 150);
  for (std::uint64_t seed = only == 0 ? 1 : only; seed <= (only == 0 ? seeds : only); ++seed) {
    SCOPED_TRACE("NETBINDER_RANDOM_SEED=" + std::to_string(seed));
    World(seed).run();
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace netbinder::testing
