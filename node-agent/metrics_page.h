// SPDX-License-Identifier: Apache-2.0
//
// The page of metrics of an agent, as Prometheus reads it. It is made in slices, between other
// events, each of bounded work: processes are counted some hundreds at a time, and no more than
// some hundreds of samples are written at once. The number of samples is bounded by what the
// operator has configured (hosts, devices), by kMaxUsers and by CallLatencies::kMostInterfaces.
//
// Nothing in it tells one program from another; users are told apart only for who may see them, and
// interfaces where the operator has asked for their latencies.
//
// The agent outlives it. Thread: the data-plane thread.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "core/driver.h"
#include "core/view/usage_collection.h"
#include "core/view/viewer.h"
#include "node-agent/metric_text.h"
#include "transport/transport.h"

namespace netbinder {

class Agent;

class MetricsPage {
 public:
  // Users with more processes than others have samples of their own; the rest is summed up.
  static constexpr std::size_t kMaxUsers = 64;
  static constexpr std::size_t kSamplesAtOnce = 400;

  // Decides whose use of the agent is shown: that of the users whom `viewer` sees, or nobody's.
  struct Shown {
    bool users = false;
    Viewer viewer = {};
    friend bool operator<(const Shown& a, const Shown& b) {
      return a.users != b.users ? a.users < b.users : a.viewer.euid < b.viewer.euid;
    }
  };

  MetricsPage(const Agent& agent, const Shown& shown);

  // Does a slice. True: it is complete.
  bool go_on();
  [[nodiscard]] std::string take() { return text_.take(); }

 private:
  struct User {
    std::string uid;  // or "other"
    std::size_t processes = 0, threads = 0, nodes = 0, refs = 0, todos = 0, files = 0;
  };
  // A part of the page that is written at once.
  using Part = void (MetricsPage::*)();
  static const std::vector<Part> kParts;

  [[nodiscard]] std::vector<User> users_seen() const;
  // False: there is nothing left to write.
  bool write_next();

  void agent();
  void loop();
  void channels();
  void commands();
  void users();
  void user_limits();
  void membership();
  void certificates();
  void calls_of_next_context();
  // One metric of all contexts, or of all links.
  void context_metric(std::size_t number);
  // One interface's calls, or the handling of these.
  void latencies_of_next_interface();
  void links();
  void link_metric(std::size_t number);

  const Agent& agent_;
  const Shown shown_;
  UsageCollection collection_;
  bool collected_ = false;
  Usage usage_;
  std::vector<LinkStatus> links_;
  std::size_t part_ = 0;
  std::map<std::string, ContextUsage>::const_iterator calls_;  // whose calls are next
  std::size_t context_metric_ = 0;
  enum class Latency : std::uint8_t { kCall, kHandling, kDone };
  Latency latency_ = Latency::kCall;
  std::size_t interface_ = 0;  // whose latencies are next
  bool links_told_ = false;
  std::size_t link_metric_ = 0;
  MetricText text_;
};

}  // namespace netbinder
