// SPDX-License-Identifier: Apache-2.0
//
// Three hosts with a program each. The first one's is the context's manager, and passes the third
// one's node on to the second.
#pragma once

#include <gtest/gtest.h>

#include <cstring>

#include "tests/core/cluster_fixture.h"

namespace netbinder::testing {

class PassingOn : public ::testing::Test {
 protected:
  void SetUp() override {
    manager_.greet(1);
    std::uint32_t zero = 0;
    ASSERT_EQ(manager_.control(1, BINDER_SET_CONTEXT_MGR, &zero), 0);
    manager_.enter_looper(1);
    cluster_.settle();
    second_.greet(1);
    third_.greet(1);
    second_handle_ = introduce(second_);
    third_handle_ = introduce(third_);
  }

  // The program sends the manager a node; the handle that the manager keeps for it.
  std::uint32_t introduce(Program& program, std::uint64_t ptr = 0x10) {
    Payload payload("hello");
    payload.add(binder_object(ptr, ptr + 0x10));
    program.start(1, Commands().put(BC_TRANSACTION, payload.call(0, 1, TF_ONE_WAY)), true);
    cluster_.settle();
    (void)program.outcome(1);
    const Outcome read = manager_.read_now(1);
    const auto data = read.find(BR_TRANSACTION)->as<binder_transaction_data>();
    flat_binder_object object{};
    std::memcpy(&object, manager_.at(data.data.ptr.buffer + payload.offsets[0]), sizeof object);
    manager_.write(1, Commands()
                          .put(BC_ACQUIRE, std::uint32_t{object.handle})
                          .put(BC_FREE_BUFFER, binder_uintptr_t{data.data.ptr.buffer}));
    cluster_.settle();
    return object.handle;
  }
  // The ledger that a host keeps with a peer.
  [[nodiscard]] PeerLedger ledger(std::size_t host, std::uint32_t peer) {
    for (const PeerLedger& each : cluster_.host(host).driver.ledgers()) {
      if (each.host == HostId{peer}) return each;
    }
    ADD_FAILURE() << "no ledger";
    return {};
  }

  // The manager passes the third host's node on to the second host: messages to both are under way.
  void pass_on() {
    Payload payload("yours");
    payload.add(handle_object(third_handle_));
    offset_ = payload.offsets[0];
    manager_.start(1, Commands().put(BC_TRANSACTION, payload.call(second_handle_, 2, TF_ONE_WAY)),
                   false);
    ASSERT_NE(cluster_.next(1, 3), nullptr);
    introduced_ = std::get<peer::Introduce>(cluster_.next(1, 3)->message);
  }
  // The object that the second host's program has read, for the node that was passed on to it.
  flat_binder_object passed_on(const Outcome& given) {
    const auto data = given.find(BR_TRANSACTION)->as<binder_transaction_data>();
    flat_binder_object object{};
    std::memcpy(&object, second_.at(data.data.ptr.buffer + offset_), sizeof object);
    return object;
  }

  Cluster cluster_{3};
  Program manager_{cluster_.host(1), 100};
  Program second_{cluster_.host(2), 200};
  Program third_{cluster_.host(3), 300};
  std::uint32_t second_handle_ = 0;
  std::uint32_t third_handle_ = 0;
  peer::Introduce introduced_;
  std::uint64_t offset_ = 0;
};

}  // namespace netbinder::testing
