// SPDX-License-Identifier: Apache-2.0
//
// The state that the parts of a TcpTransport share: the event loop, the configuration, the clock,
// how streams are made, and the limit on logging. Owned by the TcpTransport and kept by its parts,
// whose last handlers may outlive it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "transport/config.h"
#include "transport/rdma/adapter.h"
#include "transport/small_payloads.h"
#include "transport/tcp/hot_links.h"
#include "transport/tcp/stream.h"

namespace netbinder::tcp {

// Lets one line through in limits::kLogIntervalMs and counts the others.
class LogLimiter {
 public:
  // How many lines were left out before this one; -1 if this one is to be left out.
  int admit(std::uint64_t now_ms) {
    if (last_ms_ != 0 && now_ms < last_ms_ + limits::kLogIntervalMs) {
      ++left_out_;
      return -1;
    }
    last_ms_ = now_ms;
    return std::exchange(left_out_, 0);
  }

 private:
  std::uint64_t last_ms_ = 0;
  int left_out_ = 0;
};

struct Environment {
  boost::asio::io_context& io;
  TransportConfig config;
  // Wraps a connected socket. `dialed` is the host name expected at the other end if we connected;
  // it is empty if we accepted.
  std::function<std::unique_ptr<Stream>(boost::asio::ip::tcp::socket, const std::string& dialed)>
      make_stream;
  LogLimiter broken_peers;
  std::shared_ptr<rdma::Adapter> adapter;  // none: not configured
  std::string no_adapter;                  // why
  HotLinks hot;
  SmallPayloads small_payloads;

  [[nodiscard]] std::uint64_t now_ms() const {
    return moment_ms != 0 ? moment_ms : rdma::Adapter::now_ms();
  }
  std::uint64_t moment_ms = 0;  // the present Moment's
  // Warns about a connection on which the peer broke the protocol.
  void log_broken_peer(const std::string& remote, const std::string& reason);
  // Whether this address may be used: without certificates only loopback may.
  [[nodiscard]] bool allowed(const boost::asio::ip::address& address) const {
    return config.insecure || config.tls.enabled() || address.is_loopback();
  }
};

// While it lives, now_ms() is the time at which it was made: what a turn of the loop does on a link
// is done at one time, and the clock is read once. Not to be kept longer than that.
class Moment {
 public:
  explicit Moment(Environment& environment) : Moment(environment, environment.now_ms()) {}
  Moment(Environment& environment, std::uint64_t now_ms)
      : environment_(environment), outer_ms_(environment.moment_ms) {
    environment_.moment_ms = now_ms;
  }
  ~Moment() { environment_.moment_ms = outer_ms_; }
  Moment(const Moment&) = delete;
  Moment& operator=(const Moment&) = delete;

 private:
  Environment& environment_;
  const std::uint64_t outer_ms_;
};

}  // namespace netbinder::tcp
