// SPDX-License-Identifier: Apache-2.0
#include "membership/etcd/worker.h"

#include <boost/asio/post.hpp>
#include <chrono>
#include <future>
#include <stdexcept>
#include <utility>

#include "membership/etcd/password_file.h"
#include "transport/all_signals_blocked.h"

namespace netbinder::etcd {

namespace {

std::uint64_t monotonic_ms() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(since).count());
}

}  // namespace

Worker::Worker(MemberSetup setup, MembershipSettings settings, MembershipEvents& events)
    : settings_(std::move(settings)),
      stays_(boost::asio::make_work_guard(io_)),
      timer_(io_),
      member_(std::move(setup), *this, events) {
  status_.kind = "etcd";
  status_.available = false;
  status_ms_ = monotonic_ms();
}

Worker::~Worker() {
  if (!thread_.joinable()) return;
  io_.stop();
  thread_.join();
}

void Worker::start() {
  const AllSignalsBlocked without_signals;
  thread_ = std::thread([this] { run(); });
}

void Worker::run() {
  handle([this] {
    member_.use(settings_.endpoints, settings_.user);
    member_.start();
  });
  io_.run();
}

void Worker::handle(const std::function<void()>& event) {
  const std::uint64_t now_ms = monotonic_ms();
  member_.set_time(now_ms);
  event();
  MembershipStatus status = member_.status();
  const std::lock_guard lock(mutex_);
  std::swap(status_, status);
  status_ms_ = now_ms;
}

void Worker::post(std::function<void()> event) {
  boost::asio::post(io_, [this, event = std::move(event)] { handle(event); });
}

void Worker::use(MembershipSettings settings) {
  post([this, settings = std::move(settings)] {
    settings_ = settings;
    member_.use(settings_.endpoints, settings_.user);
  });
}

void Worker::ask_for_claim(const std::string& context) {
  post([this, context] { member_.ask_for_claim(context); });
}

void Worker::release_claim(const std::string& context) {
  post([this, context] { member_.release_claim(context); });
}

void Worker::leave() {
  if (!thread_.joinable()) return;
  const auto left = std::make_shared<std::promise<void>>();
  auto waits = left->get_future();
  post([this, left] { member_.leave([left] { left->set_value(); }); });
  (void)waits.wait_for(std::chrono::milliseconds(kLeaveMs));
  io_.stop();
  thread_.join();
}

MembershipStatus Worker::status() const {
  const std::lock_guard lock(mutex_);
  MembershipStatus status = status_;
  const std::uint64_t age_ms = monotonic_ms() - status_ms_;
  status.since_ms += age_ms;
  status.lease_left_ms -= static_cast<std::int64_t>(age_ms);
  return status;
}

// ---- Requests ----

std::shared_ptr<Connection> Worker::new_connection() {
  try {
    const auto endpoint = parse_endpoint(settings_.endpoints.at(endpoint_));
    if (!endpoint) throw std::runtime_error(endpoint.error());
    return endpoint->tls ? make_tls_connection(io_, *endpoint, settings_.tls)
                         : make_plain_connection(io_, *endpoint);
  } catch (const std::exception& error) {
    problem_ = error.what();
    return nullptr;
  }
}

void Worker::use_endpoint(std::size_t index) {
  endpoint_ = index;
  if (calls_) calls_->close();
  if (watch_) watch_->close();
  watch_.reset();
  calls_ = new_connection();
}

void Worker::call(Request request) {
  const RequestId id = request.id;
  if (!calls_) {
    return boost::asio::post(
        io_, [this, id, why = problem_] { handle([&] { member_.failed(id, why); }); });
  }
  calls_->call({.path = std::move(request.path), .body = std::move(request.body), .token = token_},
               request.timeout_ms,
               [this, id](const std::expected<HttpAnswer, std::string>& answer) {
                 handle([&] {
                   if (answer) {
                     member_.answered(id, answer->status, answer->body);
                   } else {
                     member_.failed(id, answer.error());
                   }
                 });
               });
}

void Worker::watch(std::string body) {
  if (watch_) watch_->close();
  watch_ = new_connection();
  if (!watch_) {
    return boost::asio::post(io_,
                             [this, why = problem_] { handle([&] { member_.watch_ended(why); }); });
  }
  watch_->stream(
      {.path = "/v3/watch", .body = std::move(body), .token = token_}, EtcdMember::kMaxTimeoutMs,
      [this](const std::string& line) { handle([&] { member_.watch_line(line); }); },
      [this](const std::string& why) { handle([&] { member_.watch_ended(why); }); });
}

void Worker::set_timer(std::uint64_t deadline_ms) {
  const std::uint64_t now_ms = monotonic_ms();
  timer_.expires_after(std::chrono::milliseconds(deadline_ms > now_ms ? deadline_ms - now_ms : 0));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) handle([this] { member_.timer(); });
  });
}

std::expected<std::string, std::string> Worker::password() {
  return password_in(settings_.password_file);
}

}  // namespace netbinder::etcd
