// SPDX-License-Identifier: Apache-2.0
//
// Makes pages of metrics for those who ask. One is made at a time; those who may see the same, and
// ask before it begins, get the same page, and the others take turns. After a page there is a pause
// of kPauseShares times as long as it took, so that the data plane spends a fixed share of its time
// on them at the most, however many ask however often.
//
// The agent outlives it. Thread: the data-plane thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/lifetime.h"
#include "node-agent/metrics_page.h"

namespace netbinder {

class MetricsPages {
 public:
  static constexpr std::uint64_t kPauseShares = 19;
  using Done = std::function<void(std::shared_ptr<const std::string> page)>;

  MetricsPages(boost::asio::io_context& io, const Agent& agent)
      : io_(io), agent_(agent), pause_(io) {}
  MetricsPages(const MetricsPages&) = delete;
  MetricsPages& operator=(const MetricsPages&) = delete;

  // `done` is called by a later event, unless this ends before.
  void ask(const MetricsPage::Shown& shown, Done done);

 private:
  void begin_next();
  void go_on_later();
  void go_on();

  boost::asio::io_context& io_;
  const Agent& agent_;
  boost::asio::steady_timer pause_;
  bool pausing_ = false;
  std::map<MetricsPage::Shown, std::vector<Done>> waiting_;
  MetricsPage::Shown last_;
  std::optional<MetricsPage> page_;  // that is being made
  std::vector<Done> for_;            // and for whom
  std::uint64_t spent_ns_ = 0;       // on it
  Lifetime lifetime_;
};

}  // namespace netbinder
