// SPDX-License-Identifier: Apache-2.0
//
// The built-in service managers of two hosts, and programs that call them with parcels of any
// bytes, in every dialect. Each call is answered or refused by the driver, and when the programs
// have gone, nothing is left of them on either host.
//
// The input: a byte for the configured dialect, then steps (Steps::step).
#include <algorithm>
#include <array>
#include <cstring>

#include "core/base/check.h"
#include "host/service-manager/service_facts.h"
#include "tests/fuzz/expectations.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/seeds.h"
#include "tests/service-manager/managed_cluster.h"
#include "tests/service-manager/service_client.h"

namespace netbinder::fuzz {
namespace {

using testing::Commands;
using testing::ManagedCluster;
using testing::Outcome;
using testing::Program;
using testing::Returned;

constexpr std::array kDialects = {"auto",      "classic",   "android11", "android12",
                                  "android13", "android14", "android15", "android16"};

enum Step : std::uint8_t {
  kCall,     // program, code, objects, a number of bytes, the parcel
  kOneway,   // the same
  kDialect,  // program, and what it says of its libbinder
  kRestart,  // program
  kLook,     // the timer of lazy services
  kHosts,    // they lose each other, or meet again
  kSteps,
};
constexpr std::size_t kPrograms = 3;  // the last one is on the other host

class Caller {
 public:
  Caller(ManagedCluster& cluster, std::size_t host, std::int32_t pid)
      : cluster_(cluster), pid_(pid), program_(cluster.host(host), pid) {
    program_.greet(kThread);
  }
  [[nodiscard]] std::int32_t pid() const { return pid_; }

  void call(const testing::Payload& parcel, std::uint32_t code, std::uint32_t flags) {
    Commands commands;
    commands.put(BC_TRANSACTION, parcel.call(0, code, flags));
    // Its own references may be announced to it on the way.
    for (int reads = 0; reads < 64; ++reads) {
      program_.start(kThread, commands, true);
      cluster_.settle();
      NB_CHECK(!program_.blocked(kThread));  // with the answer missing
      const Outcome outcome = program_.outcome(kThread);
      NB_CHECK(outcome.error == 0);
      commands = acknowledgements(outcome);
      const bool ends = (flags & TF_ONE_WAY) != 0 && outcome.find(BR_TRANSACTION_COMPLETE);
      const Returned* reply = outcome.find(BR_REPLY);
      if (reply != nullptr) take(reply->as<binder_transaction_data>(), commands);
      if (reply != nullptr || ends || outcome.find(BR_FAILED_REPLY) ||
          outcome.find(BR_DEAD_REPLY)) {
        NB_CHECK(program_.write(kThread, commands).error == 0);
        cluster_.settle();
        return;
      }
    }
    NB_UNREACHABLE();
  }

 private:
  static Commands acknowledgements(const Outcome& outcome) {
    Commands commands;
    for (const Returned& returned : outcome.read) {
      if (returned.command == BR_INCREFS) {
        commands.put(BC_INCREFS_DONE, returned.as<binder_ptr_cookie>());
      } else if (returned.command == BR_ACQUIRE) {
        commands.put(BC_ACQUIRE_DONE, returned.as<binder_ptr_cookie>());
      }
    }
    return commands;
  }
  void take(const binder_transaction_data& reply, Commands& commands) {
    if ((reply.flags & TF_STATUS_CODE) != 0) {
      NB_CHECK(reply.data_size == 4 && reply.offsets_size == 0);
    }
    const auto* offsets =
        reinterpret_cast<const binder_size_t*>(program_.at(reply.data.ptr.offsets));
    for (std::size_t i = 0; i < reply.offsets_size / sizeof(binder_size_t); ++i) {
      NB_CHECK(offsets[i] + sizeof(flat_binder_object) <= reply.data_size);
    }
    commands.put(BC_FREE_BUFFER, reply.data.ptr.buffer);
  }

  static constexpr std::uint32_t kThread = 1;
  ManagedCluster& cluster_;
  std::int32_t pid_;
  Program program_;
};

class Steps {
 public:
  explicit Steps(Input input)
      : input_(input), cluster_(2, kDialects[input_.below(kDialects.size())]) {
    before_ = {cluster_.host(1).driver.counts(), cluster_.host(2).driver.counts()};
    for (std::size_t number = 0; number < kPrograms; ++number) start(number);
  }

  void run() {
    for (int steps = 0; steps < 48 && !input_.empty(); ++steps) step();
    for (auto& caller : callers_) caller.reset();
    connect(true);
    cluster_.settle();
    for (std::size_t host = 1; host <= 2; ++host) {
      NB_CHECK(cluster_.manager(host).services().empty());
      const Driver::Counts after = cluster_.host(host).driver.counts();
      const Driver::Counts& before = before_[host - 1];
      NB_CHECK(after.processes == before.processes && after.buffers == before.buffers);
      NB_CHECK(after.transactions == before.transactions);
      NB_CHECK(after.nodes == before.nodes && after.refs == before.refs);
      NB_CHECK(after.deaths == before.deaths);
    }
  }

 private:
  void step() {
    switch (input_.below(kSteps)) {
      case kCall:
        call(0);
        return;
      case kOneway:
        call(TF_ONE_WAY);
        return;
      case kDialect: {
        const std::size_t number = input_.below(kPrograms);
        const std::uint8_t what = input_.byte();
        const std::string dialect = kDialects[what % kDialects.size()];
        ServiceManager& manager = cluster_.manager(host_of(number));
        if (what < 128) {
          manager.set_dialect(callers_[number]->pid(), dialect);
        } else {
          manager.suggest_dialect(callers_[number]->pid(), dialect);
        }
        return;
      }
      case kRestart: {
        const std::size_t number = input_.below(kPrograms);
        callers_[number].reset();
        if (input_.one_in(2)) cluster_.settle();
        start(number);
        return;
      }
      case kLook:
        cluster_.look();
        return;
      default:
        connect(!connected_);
        return;
    }
  }

  void call(std::uint32_t flags) {
    const std::size_t number = input_.below(kPrograms);
    const std::uint8_t what = input_.byte();
    const std::uint32_t code = what == 0xFF ? input_.number<std::uint32_t>() : what;
    std::array<std::uint16_t, 3> places{};
    const std::size_t objects = input_.below(places.size() + 1);
    for (std::size_t i = 0; i < objects; ++i) places[i] = input_.number<std::uint16_t>();
    testing::Payload parcel;
    const auto bytes = input_.take(input_.number<std::uint16_t>() % 4096);
    parcel.data.assign(bytes.begin(), bytes.end());
    for (std::size_t i = 0; i < objects; ++i) put_object(parcel, places[i]);
    callers_[number]->call(parcel, code, flags);
  }

  // An object of the caller in the parcel, at a place of its choice; its upper bits say which.
  static void put_object(testing::Payload& parcel, std::uint16_t place) {
    const std::size_t offset = std::size_t{place % 1024U} * 4;
    const std::uint32_t which = place / 1024U;
    if (offset + sizeof(flat_binder_object) > parcel.data.size()) return;
    if (!parcel.offsets.empty() && parcel.offsets.back() + sizeof(flat_binder_object) > offset) {
      return;
    }
    const flat_binder_object object =
        which < 48 ? testing::binder_object(0x1000 + 16 * (which % 8), 1, which < 40)
                   : testing::handle_object(which % 16);
    std::memcpy(parcel.data.data() + offset, &object, sizeof object);
    parcel.offsets.push_back(offset);
  }

  static std::size_t host_of(std::size_t number) { return number + 1 < kPrograms ? 1 : 2; }
  void start(std::size_t number) {
    callers_[number].emplace(cluster_, host_of(number), next_pid_++);
    cluster_.settle();
  }
  void connect(bool wanted) {
    if (wanted == connected_) return;
    connected_ = wanted;
    wanted ? cluster_.connect(1, 2) : cluster_.disconnect(1, 2);
  }

  Input input_;
  ManagedCluster cluster_;
  std::array<Driver::Counts, 2> before_;
  std::int32_t next_pid_ = 100;
  bool connected_ = true;
  std::array<std::optional<Caller>, kPrograms> callers_;
};

// A step that calls, its objects those of the request, which are binders.
void add(Seed& seed, std::uint8_t program, std::uint32_t code, const testing::Request& request) {
  const testing::Payload& parcel = request.payload();
  seed.byte(kCall).byte(program).byte(static_cast<std::uint8_t>(code));
  seed.byte(static_cast<std::uint8_t>(parcel.offsets.size()));
  for (const binder_size_t offset : parcel.offsets) {
    flat_binder_object object{};
    std::memcpy(&object, parcel.data.data() + offset, sizeof object);
    seed.number(static_cast<std::uint16_t>(object.binder % 8 * 1024 + offset / 4));
  }
  seed.number(static_cast<std::uint16_t>(parcel.data.size())).raw(parcel.data);
}

// The same with a code that is no byte; without objects.
void add_wide(Seed& seed, std::uint8_t program, std::uint32_t code, const testing::Request& request) {
  const testing::Payload& parcel = request.payload();
  seed.byte(kCall).byte(program).byte(0xFF).number(code).byte(0);
  seed.number(static_cast<std::uint16_t>(parcel.data.size())).raw(parcel.data);
}

Seed story_of(const testing::Android& version) {
  Seed seed{.name = version.name, .bytes = {0}};
  const auto request = [&] { return testing::Request().token(version); };
  const auto named = [&] { return request().string16("hello"); };
  const auto with = [&](testing::Request parcel, std::uint64_t node) {
    return parcel.binder(version, node, node);
  };
  add(seed, 0, version.add, with(named(), 1).i32(0).i32(8));
  if (!version.has_status()) {
    add(seed, 1, version.get, named());
    add(seed, 2, version.check, named());
    add(seed, 1, version.list, request().i32(0).i32(15));
    return seed;
  }
  for (const std::uint32_t code :
       {version.get, version.get2, version.check, version.check2, version.declared,
        version.instances, version.apex, version.updatable, version.connection}) {
    if (code != 0) add(seed, static_cast<std::uint8_t>(1 + code % 2), code, named());
  }
  add(seed, 1, version.list, request().i32(15));
  add(seed, 1, version.listen, with(named(), 2));
  add(seed, 0, version.client_callback, with(with(named(), 1), 3));
  seed.byte(kLook);
  add(seed, 0, version.try_unregister, with(named(), 1));
  seed.byte(kRestart).byte(1).byte(0).byte(kLook);
  add(seed, 0, version.try_unregister, with(named(), 1));
  add(seed, 2, version.add, with(named(), 4).i32(0).i32(8));
  add(seed, 2, version.unlisten, with(named(), 2));
  if (version.debug_info != 0) add(seed, 1, version.debug_info, request());
  add_wide(seed, 1, ServiceFacts::kCode, testing::Request().string16("a"));
  return seed;
}

}  // namespace

std::vector<Seed> make_seeds() {
  std::vector<Seed> seeds;
  for (const testing::Android& version : testing::androids()) seeds.push_back(story_of(version));
  Seed hosts{.name = "hosts", .bytes = {5}};
  const testing::Android& version = testing::android("Android14");
  const auto named = [&](const char* name) {
    return testing::Request().token(version).string16(name);
  };
  hosts.byte(kDialect).byte(2).byte(5);
  add(hosts, 2, version.add, named("there").binder(version, 1, 1).i32(0).i32(8));
  add(hosts, 0, version.add, named("here").binder(version, 1, 1).i32(0).i32(8));
  add(hosts, 0, version.check, named("there@host2"));
  hosts.byte(kHosts);
  add(hosts, 0, version.check, named("there"));
  hosts.byte(kHosts);
  add(hosts, 0, version.check, named("there"));
  hosts.byte(kRestart).byte(2).byte(1);
  add(hosts, 0, version.check, named("there"));
  seeds.push_back(hosts);
  return seeds;
}

}  // namespace netbinder::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace netbinder::fuzz;
  abort_at_failures();
  Steps(Input({data, size})).run();
  return 0;
}
