// SPDX-License-Identifier: Apache-2.0
//
// Requests to etcd's gateway and its answers, byte for byte as version 3.4 has them.
#include "membership/etcd/wire.h"

#include <gtest/gtest.h>

#include <string>

#include "transport/base64.h"

namespace netbinder::etcd {
namespace {

TEST(EtcdWire, Base64IsThatOfTheStandard) {
  for (const std::string bytes : {"", "f", "fo", "foo", "foob", "fooba", "foobar"}) {
    EXPECT_EQ(from_base64(to_base64(bytes)).value(), bytes);
  }
  EXPECT_EQ(to_base64("foob"), "Zm9vYg==");
  EXPECT_EQ(to_base64(std::string("\0\xff", 2)), "AP8=");
  EXPECT_EQ(from_base64("AP8=").value(), std::string("\0\xff", 2));
  EXPECT_FALSE(from_base64("Zm9"));
  EXPECT_FALSE(from_base64("Zm9%"));
  for (const char* no : {"Zm=v", "====", "Z===", " Zm9", "Zm9\n", "Zm9-"}) {
    EXPECT_FALSE(from_base64(no)) << no;
  }
}

TEST(EtcdWire, ARangeEndsBehindItsPrefix) {
  EXPECT_EQ(keys_below("/p/").end, "/p0");
  EXPECT_EQ(keys_below("a\xff").end, "b");
  EXPECT_EQ(to_body(keys_below("/p/")), R"({"key":"L3Av","range_end":"L3Aw"})");
}

TEST(EtcdWire, Requests) {
  EXPECT_EQ(grant_body(20), R"({"ID":"0","TTL":"20"})");
  EXPECT_EQ(lease_body(7587854417803123456), R"({"ID":"7587854417803123456"})");
  EXPECT_EQ(watch_body(keys_below("/p/"), 8),
            R"({"create_request":{"key":"L3Av","range_end":"L3Aw","start_revision":"8"}})");
  EXPECT_EQ(authenticate_body("u", "p\"q"), R"({"name":"u","password":"p\"q"})");
  Transaction transaction;
  transaction.if_all = {{.key = "k", .what = Compare::What::kVersion, .number = 0},
                        {.key = "k", .what = Compare::What::kValue, .value = "v"}};
  transaction.then = {{.what = Operation::What::kPut, .key = "k", .value = "w", .lease = 9}};
  transaction.otherwise = {{.what = Operation::What::kRead, .key = "k"},
                           {.what = Operation::What::kDelete, .key = "k"}};
  EXPECT_EQ(
      to_body(transaction),
      R"({"compare":[{"key":"aw==","result":"EQUAL","target":"VERSION","version":"0"},)"
      R"({"key":"aw==","result":"EQUAL","target":"VALUE","value":"dg=="}],)"
      R"("failure":[{"request_range":{"key":"aw=="}},{"request_delete_range":{"key":"aw=="}}],)"
      R"("success":[{"request_put":{"key":"aw==","lease":"9","value":"dw=="}}]})");
}

constexpr const char* kHeader =
    R"("header":{"cluster_id":"14841639068965178418","member_id":"10276657743932975437","revision":"12","raft_term":"2"})";

std::string with_header(const std::string& rest) { return std::string("{") + kHeader + rest + "}"; }

TEST(EtcdWire, Answers) {
  const auto found = read_answer(with_header(
      R"(,"kvs":[{"key":"aw==","create_revision":"3","mod_revision":"4","version":"2","value":"dg==","lease":"7587"}],"count":"1")"));
  ASSERT_TRUE(found) << found.error();
  EXPECT_EQ(found->header.revision, 12);
  EXPECT_EQ(found->header.cluster, "14841639068965178418");
  ASSERT_EQ(found->found.size(), 1U);
  EXPECT_EQ(found->found[0].key, "k");
  EXPECT_EQ(found->found[0].value, "v");
  EXPECT_EQ(found->found[0].create_revision, 3);
  EXPECT_EQ(found->found[0].lease, 7587);
  EXPECT_TRUE(read_answer(with_header(""))->found.empty());

  const auto done = transaction_answer(with_header(
      R"(,"succeeded":true,"responses":[{"response_put":{"header":{"revision":"12"}}}])"));
  ASSERT_TRUE(done) << done.error();
  EXPECT_TRUE(done->succeeded);
  const auto denied = transaction_answer(with_header(
      R"(,"responses":[{"response_range":{"header":{"revision":"12"},"kvs":[{"key":"aw==","value":"dg=="}],"count":"1"}}])"));
  ASSERT_TRUE(denied) << denied.error();
  EXPECT_FALSE(denied->succeeded);
  EXPECT_EQ(denied->found.at(0).value, "v");

  EXPECT_EQ(granted_lease(with_header(R"(,"ID":"7587862094921240116","TTL":"20")"))->lease,
            7587862094921240116);
  EXPECT_EQ(kept_lease(R"({"result":)" + with_header(R"(,"ID":"7","TTL":"20")") + "}")->seconds,
            20);
  EXPECT_EQ(kept_lease(R"({"result":)" + with_header(R"(,"ID":"7")") + "}")->seconds, 0)
      << "there is none";
  EXPECT_EQ(token(with_header(R"(,"token":"abc.9")")).value(), "abc.9");
  EXPECT_EQ(server_version(R"({"etcdserver":"3.4.23","etcdcluster":"3.4.0"})").value(), "3.4.23");
}

TEST(EtcdWire, Watches) {
  EXPECT_TRUE(watch_answer(R"({"result":)" + with_header(R"(,"created":true)") + "}")->created);
  const auto changes = watch_answer(
      R"({"result":)" +
      with_header(
          R"(,"events":[{"kv":{"key":"aw==","create_revision":"5","mod_revision":"5","version":"1","value":"dg=="}},)"
          R"({"type":"DELETE","kv":{"key":"aw==","mod_revision":"6"}}])") +
      "}");
  ASSERT_TRUE(changes) << changes.error();
  ASSERT_EQ(changes->events.size(), 2U);
  EXPECT_FALSE(changes->events[0].deleted);
  EXPECT_TRUE(changes->events[1].deleted);
  EXPECT_EQ(changes->events[1].key_value.mod_revision, 6);
  const auto compacted = watch_answer(
      R"({"result":)" + with_header(R"(,"canceled":true,"compact_revision":"11")") + "}");
  EXPECT_TRUE(compacted->canceled);
  EXPECT_EQ(compacted->compact_revision, 11);
  EXPECT_EQ(
      watch_answer(R"({"error":{"grpc_code":14,"http_code":503,"message":"transport is closing"}})")
          .error(),
      "transport is closing");
}

TEST(EtcdWire, WhatIsNoAnswerIsAnErrorInWords) {
  for (const std::string body :
       {"", "[]", "null", "{", "{}", R"({"header":7})", R"({"header":{"revision":"x"}})",
        R"({"header":{},"kvs":7})", R"({"header":{},"kvs":[7]})",
        R"({"header":{},"kvs":[{"key":"%"}]})"}) {
    EXPECT_FALSE(read_answer(body)) << body;
    EXPECT_FALSE(kept_lease(body)) << body;
    EXPECT_FALSE(watch_answer(body)) << body;
  }
  EXPECT_EQ(failure_text(R"({"error":"etcdserver: permission denied","code":7})"),
            "etcdserver: permission denied");
  EXPECT_EQ(failure_text("404 page not found"), "404 page not found");
}

}  // namespace
}  // namespace netbinder::etcd
