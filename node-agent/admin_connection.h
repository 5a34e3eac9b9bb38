// SPDX-License-Identifier: Apache-2.0
//
// A connection to the agent's admin socket, or to the address of [metrics]. Its first byte tells
// what is spoken: requests of HTTP begin with a capital, those of lines with '{'.
//
// States: Waiting ── bytes ──→ Reading ── a whole request ──→ Answering ── the answer is sent ──→
// Waiting
//         Waiting, Reading ── kIdleMs; the other end closes; what is no request ──→ ended
//         Answering ── the answer is ready, and is not read for kIdleMs ──→ ended
//
// Owns itself, until it ends. Thread: the data-plane thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "node-agent/http_pages.h"
#include "node-agent/unique_fd.h"
#include "node-agent/users.h"

namespace netbinder {

class Agent;
class Reload;

class AdminConnection : public std::enable_shared_from_this<AdminConnection> {
 public:
  static constexpr std::size_t kMaxRequestBytes = 64 * 1024;
  static constexpr std::size_t kMaxOfUser = 16;
  // How long a request may take to arrive, and an answer to be read.
  static constexpr int kIdleMs = 30'000;

  // All connections to one listening socket share it; it lives as long as one of them does.
  struct Shared {
    Agent& agent;
    HttpPages& pages;
    Reload* reload;  // null: lines are not answered here, only HTTP
    // Those whom the kernel does not tell are one user, kNobody.
    std::map<std::uint32_t, std::size_t> connections;  // by user
    std::map<std::uint32_t, UserAccount> accounts;     // of users whose requests took long
  };

  // Begins, unless the user has kMaxOfUser already.
  static void begin(boost::asio::io_context& io, ForeignFd socket, std::uint32_t uid,
                    const MetricsPage::Shown& shown, const std::shared_ptr<Shared>& shared);
  ~AdminConnection();
  AdminConnection(const AdminConnection&) = delete;
  AdminConnection& operator=(const AdminConnection&) = delete;

 private:
  enum class Spoken : std::uint8_t { kUnknown, kLines, kHttp };

  AdminConnection(boost::asio::io_context& io, ForeignFd socket, std::uint32_t uid,
                  const MetricsPage::Shown& shown, std::shared_ptr<Shared> shared);

  void wait_for_request();
  void wait();
  void read();
  // Answers the next request, if it is whole; otherwise waits for the rest.
  void go_on();
  void go_on_with_line();
  void go_on_with_http();
  // False: the user has used his share of time, and this goes on later.
  bool may_take_time();
  void took_time(std::uint64_t began_ns);
  // The descriptor, if there is one, goes with the first byte.
  void send(std::string bytes, http::Then then, int fd = -1);
  // How much of the reply was sent, with the descriptor; 0: nothing.
  [[nodiscard]] std::size_t send_with(int fd);
  // Hangs up if nothing happens before that.
  void expire_after(int limit_ms);

  boost::asio::posix::stream_descriptor socket_;
  boost::asio::steady_timer timer_;
  const std::uint32_t uid_;
  const MetricsPage::Shown shown_;
  const std::shared_ptr<Shared> shared_;
  Spoken spoken_ = Spoken::kUnknown;
  std::string received_;
  std::string reply_;
};

}  // namespace netbinder
