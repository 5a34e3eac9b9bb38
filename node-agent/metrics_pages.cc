// SPDX-License-Identifier: Apache-2.0
#include "node-agent/metrics_pages.h"

#include <boost/asio/post.hpp>
#include <chrono>
#include <utility>

#include "host/data_plane.h"
#include "node-agent/clock.h"
#include "transport/log.h"

namespace netbinder {

void MetricsPages::ask(const MetricsPage::Shown& shown, Done done) {
  NB_ON_DATA_PLANE();
  waiting_[shown].push_back(std::move(done));
  if (!page_ && !pausing_) begin_next();
}

void MetricsPages::begin_next() {
  if (waiting_.empty()) return;
  auto next = waiting_.upper_bound(last_);
  if (next == waiting_.end()) next = waiting_.begin();
  last_ = next->first;
  for_ = std::move(next->second);
  waiting_.erase(next);
  const std::uint64_t began_ns = monotonic_ns();
  page_.emplace(agent_, last_);
  spent_ns_ = monotonic_ns() - began_ns;
  go_on_later();
}

void MetricsPages::go_on_later() {
  boost::asio::post(io_, lifetime_.guard([this] { go_on(); }));
}

void MetricsPages::go_on() {
  const std::uint64_t began_ns = monotonic_ns();
  const bool complete = page_->go_on();
  spent_ns_ += monotonic_ns() - began_ns;
  if (!complete) return go_on_later();
  const auto made = std::make_shared<const std::string>(page_->take());
  page_.reset();
  log::agent.trace("a page of metrics of {} bytes has taken {} us of the loop, for {} readers",
                   made->size(), spent_ns_ / 1000, for_.size());
  pausing_ = true;
  pause_.expires_after(std::chrono::nanoseconds(spent_ns_ * kPauseShares));
  pause_.async_wait(lifetime_.guard([this](const boost::system::error_code& error) {
    if (error) return;
    pausing_ = false;
    begin_next();
  }));
  for (const Done& done : std::exchange(for_, {})) done(made);
}

}  // namespace netbinder
