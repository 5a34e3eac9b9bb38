// SPDX-License-Identifier: Apache-2.0
//
// The thread on which a host is a member at etcd: it runs the state machine (EtcdMember), its
// connections and its timer. Nothing of it happens on the data plane, which gets finished events in
// its own loop.
//
// Owned by the EtcdMembership, whose thread calls the public functions; the rest is the worker's
// own.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "cluster-config/config.h"
#include "membership/etcd/connection.h"
#include "membership/etcd/etcd_member.h"
#include "membership/etcd/requests.h"

namespace netbinder::etcd {

class Worker final : private Requests {
 public:
  // `events` are called on the worker's thread.
  Worker(MemberSetup setup, MembershipSettings settings, MembershipEvents& events);
  // Waits for the thread, which nothing keeps.
  ~Worker() override;
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void start();
  void use(MembershipSettings settings);
  void ask_for_claim(const std::string& context);
  void release_claim(const std::string& context);
  // Waits until this host has left, or that takes too long.
  void leave();
  [[nodiscard]] MembershipStatus status() const;

 private:
  static constexpr int kLeaveMs = 1000;

  // ---- Requests ----
  void use_endpoint(std::size_t index) override;
  void use_token(const std::string& token) override { token_ = token; }
  void call(Request request) override;
  void watch(std::string body) override;
  void set_timer(std::uint64_t deadline_ms) override;
  [[nodiscard]] std::expected<std::string, std::string> password() override;

  void run();
  // An event of the state machine, on this thread.
  void handle(const std::function<void()>& event);
  // The same, from another thread.
  void post(std::function<void()> event);
  [[nodiscard]] std::shared_ptr<Connection> new_connection();

  MembershipSettings settings_;
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> stays_;
  boost::asio::steady_timer timer_;
  EtcdMember member_;
  std::size_t endpoint_ = 0;
  std::string token_;
  std::shared_ptr<Connection> calls_;  // null: none can be made
  std::shared_ptr<Connection> watch_;
  std::string problem_;  // why there is none

  mutable std::mutex mutex_;  // guards the following two
  MembershipStatus status_;
  std::uint64_t status_ms_ = 0;  // when it was so
  std::thread thread_;
};

}  // namespace netbinder::etcd
