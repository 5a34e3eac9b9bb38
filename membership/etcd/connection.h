// SPDX-License-Identifier: Apache-2.0
//
// A connection to one endpoint of etcd, over HTTP/1.1, plain or with TLS. Implementations are in
// plain_connection.cc and tls_connection.cc, as Boost.Beast costs whoever includes it seconds.
//
// Owned by its user, and by what is under way. Thread: that of the io_context. Handlers are called
// from there, never from inside a function of this class.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>

#include "cluster-config/config.h"
#include "cluster-config/endpoint.h"

namespace netbinder::etcd {

struct HttpRequest {
  std::string path;
  std::string body;   // empty: a GET
  std::string token;  // empty: none
};

struct HttpAnswer {
  int status = 0;
  std::string body;
};

class Connection {
 public:
  static constexpr std::uint64_t kMaxAnswerBytes = 64ULL << 20;

  virtual ~Connection() = default;
  // One after the other. An error, in words, is the end of the connection and of all that were
  // asked.
  using Answered = std::function<void(std::expected<HttpAnswer, std::string>)>;
  virtual void call(HttpRequest request, std::uint32_t timeout_ms, Answered answered) = 0;
  // The answer is a stream of lines, which goes on until it ends with a reason. Nothing else may be
  // asked over this connection. The timeout is for its beginning.
  using Line = std::function<void(const std::string&)>;
  using Ended = std::function<void(const std::string&)>;
  virtual void stream(HttpRequest request, std::uint32_t timeout_ms, Line line, Ended ended) = 0;
  // Closes it; no handler is called any more.
  virtual void close() = 0;
};

[[nodiscard]] std::shared_ptr<Connection> make_plain_connection(boost::asio::io_context& io,
                                                                const Endpoint& endpoint);
// The files are read now. Throws std::runtime_error if they cannot be used.
[[nodiscard]] std::shared_ptr<Connection> make_tls_connection(boost::asio::io_context& io,
                                                              const Endpoint& endpoint,
                                                              const MembershipTlsSettings& files);

// Why these files cannot be used for TLS; empty: they can.
[[nodiscard]] std::string problem_with(const MembershipTlsSettings& files);

}  // namespace netbinder::etcd
