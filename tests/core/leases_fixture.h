// SPDX-License-Identifier: Apache-2.0
//
// A server on host 1, which is the context's manager, and a client on host 2. Hosts 2 and 3 may ask
// for space in the server's arena.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "tests/core/cluster_fixture.h"

namespace netbinder::testing {

using Names = std::vector<std::string>;

constexpr std::uint64_t kArena = 128 * 1024;
constexpr HostId kServers{1};
constexpr HostId kClients{2};
constexpr HostId kThird{3};

class Leases : public ::testing::Test {
 protected:
  void SetUp() override {
    start_manager(0);
    client.greet(1);
  }
  void start_manager(std::uint32_t flags) {
    server.greet(1);
    flat_binder_object object{};
    object.flags = flags;
    ASSERT_EQ(server.control(1, BINDER_SET_CONTEXT_MGR_EXT, &object), 0);
    server.enter_looper(1);
    cluster.settle();
    node = cluster.host(1).driver.ledgers().at(0).counted.at(0).node;
  }
  Driver& driver(std::size_t host = 1) { return cluster.host(host).driver; }
  std::optional<Lease> ask(std::uint64_t bytes, bool oneway = false, bool ahead = false,
                           HostId by = kClients) {
    return driver().lease(by,
                          {.recipient = node, .bytes = bytes, .oneway = oneway, .ahead = ahead});
  }
  // Whether so many bytes of the server's arena are free, in one piece.
  bool has_free(std::uint64_t bytes) {
    const auto lease = ask(bytes, false, false, kThird);
    if (lease) driver().end_lease(kThird, lease->id);
    return lease.has_value();
  }
  void start_call(const Payload& payload, std::uint32_t flags = 0) {
    client.start(1, Commands().put(BC_TRANSACTION, payload.call(0, 7, flags)), true);
    ASSERT_NE(cluster.next(2, 1), nullptr);
  }
  std::uint64_t image_of_next() { return cluster.next(2, 1)->payload.size(); }
  binder_transaction_data served() {
    const Outcome outcome = server.read_now(1);
    const Returned* call = outcome.find(BR_TRANSACTION);
    EXPECT_NE(call, nullptr);
    return call == nullptr ? binder_transaction_data{} : call->as<binder_transaction_data>();
  }
  void free(Program& program, const binder_transaction_data& data) {
    program.write(1, Commands().put(BC_FREE_BUFFER, data.data.ptr.buffer));
  }
  std::string text_of(Program& program, const binder_transaction_data& data) {
    return {reinterpret_cast<const char*>(program.at(data.data.ptr.buffer)), data.data_size};
  }
  // The failure that the client of a call reads if the call was not taken.
  void expect_refused(std::uint32_t command, std::int32_t error) {
    cluster.settle();
    EXPECT_EQ(client.outcome(1).names(), Names{command_name(command)});
    binder_extended_error told{};
    ASSERT_EQ(client.control(1, BINDER_GET_EXTENDED_ERROR, &told), 0);
    EXPECT_EQ(told.command, command);
    EXPECT_EQ(told.param, error);
  }
  void expect_none_left() {
    cluster.settle();
    for (const std::size_t host : {1, 2, 3}) {
      EXPECT_EQ(driver(host).counts().leases, 0U);
      EXPECT_EQ(driver(host).counts().buffers, 0U);
    }
    EXPECT_TRUE(has_free(kArena));
  }

  Cluster cluster{3};
  Program server{cluster.host(1), 100, "binder", kArena};
  Program client{cluster.host(2), 200};
  NodeNumber node;
};

}  // namespace netbinder::testing
