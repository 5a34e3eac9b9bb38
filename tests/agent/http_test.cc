// SPDX-License-Identifier: Apache-2.0
//
// Requests of HTTP as they come from strangers, in pieces, too large or wrong; and answers.
#include "node-agent/http.h"

#include <gtest/gtest.h>

#include <optional>

namespace netbinder::http {
namespace {

std::optional<Request> whole(std::string& bytes) {
  const auto taken = take_request(bytes);
  const auto* request = std::get_if<Request>(&taken);
  return request == nullptr ? std::nullopt : std::optional(*request);
}

unsigned refusal(std::string bytes) {
  const auto taken = take_request(bytes);
  const auto* refused = std::get_if<Refused>(&taken);
  return refused == nullptr ? 0 : refused->status;
}

TEST(HttpRequest, IsTakenWhenItIsWhole) {
  const std::string all = "GET /metrics?x=1 HTTP/1.1\r\nHost: here\r\nAccept: */*\r\n\r\n";
  std::string bytes;
  for (std::size_t i = 0; i + 1 < all.size(); ++i) {
    bytes += all[i];
    const auto taken = take_request(bytes);
    ASSERT_TRUE(std::holds_alternative<Incomplete>(taken)) << i;
    ASSERT_EQ(bytes.size(), i + 1);
  }
  bytes += all.back();
  bytes += "HEAD /healthz HTTP/1.0\r\n\r\n";
  const auto first = whole(bytes);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->method, "GET");
  EXPECT_EQ(first->path, "/metrics");
  EXPECT_EQ(first->host, "here");
  EXPECT_TRUE(first->keep_alive);
  const auto second = whole(bytes);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->method, "HEAD");
  EXPECT_EQ(second->host, "");
  EXPECT_FALSE(second->keep_alive);
  EXPECT_EQ(bytes, "");
}

TEST(HttpRequest, ThatIsNoneIsRefused) {
  EXPECT_EQ(refusal("GET\r\n\r\n"), 400U);
  EXPECT_EQ(refusal("GET / HTTP/9.9\r\n\r\n"), 400U);
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\nno colon\r\n\r\n"), 400U);
  EXPECT_EQ(refusal("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"), 413U);
  EXPECT_EQ(refusal("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 413U);
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\nContent-Length: 18446744073709551616\r\n\r\n"), 400U);
}

TEST(HttpRequest, ThatIsTooLargeIsRefused) {
  const std::string start = "GET / HTTP/1.1\r\nX: ";
  EXPECT_EQ(refusal(start + std::string(2 * kMaxHeaderBytes, 'x')), 431U);
  EXPECT_EQ(refusal("GET /" + std::string(2 * kMaxHeaderBytes, 'x')), 431U);
}

TEST(HttpAnswer, HasItsLengthAndWhetherTheConnectionEnds) {
  const std::string bytes = to_bytes({.status = 404, .body = "no\n"}, "GET", Then::kClose);
  EXPECT_EQ(bytes.substr(0, bytes.find('\r')), "HTTP/1.1 404 Not Found");
  EXPECT_NE(bytes.find("Content-Length: 3\r\n"), std::string::npos) << bytes;
  EXPECT_NE(bytes.find("Connection: close\r\n"), std::string::npos) << bytes;
  EXPECT_TRUE(bytes.ends_with("\r\n\r\nno\n"));
  const std::string head = to_bytes({.body = "page"}, "HEAD", Then::kKeepOpen);
  EXPECT_NE(head.find("Content-Length: 4\r\n"), std::string::npos) << head;
  EXPECT_EQ(head.find("close"), std::string::npos) << head;
  EXPECT_TRUE(head.ends_with("\r\n\r\n"));
}

}  // namespace
}  // namespace netbinder::http
