// SPDX-License-Identifier: Apache-2.0
//
// The agent's answers over HTTP, on the admin socket and on the address of [metrics]:
//   /metrics   Prometheus' text format (node-agent/metrics_page.h)
//   /healthz   200: the agent's loop runs. There is no other answer, but there may be none.
//   /readyz    200: programs are served, and this host has joined the cluster; 503: with the reason
//
// Thread: the data-plane thread.
#pragma once

#include <functional>

#include "node-agent/http.h"
#include "node-agent/metrics_page.h"

namespace netbinder {

class Agent;
class MetricsPages;

class HttpPages {
 public:
  using Done = std::function<void(http::Answer)>;

  HttpPages(const Agent& agent, MetricsPages& metrics) : agent_(agent), metrics_(metrics) {}

  // `done` is called before this returns, or by a later event.
  void answer(const http::Request& request, const MetricsPage::Shown& shown, const Done& done);

 private:
  [[nodiscard]] http::Answer ready() const;

  const Agent& agent_;
  MetricsPages& metrics_;
};

}  // namespace netbinder
