// SPDX-License-Identifier: Apache-2.0
#include "node-agent/http_pages.h"

#include <utility>

#include "node-agent/agent.h"
#include "node-agent/metrics_pages.h"

namespace netbinder {

void HttpPages::answer(const http::Request& request, const MetricsPage::Shown& shown,
                       const Done& done) {
  if (request.method != "GET" && request.method != "HEAD") {
    return done({.status = 405, .body = "only GET and HEAD are answered here\n"});
  }
  if (request.path == "/healthz") return done({.body = "ok\n"});
  if (request.path == "/readyz") return done(ready());
  if (request.path == "/metrics") {
    return metrics_.ask(shown, [done](const std::shared_ptr<const std::string>& page) {
      done({.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = *page});
    });
  }
  done({.status = 404, .body = "there are /metrics, /healthz and /readyz\n"});
}

// Other hosts that are away do not count: this one serves its programs without them.
http::Answer HttpPages::ready() const {
  const MembershipStatus membership = agent_.membership();
  if (membership.kind == "static" || membership.joined) return {.body = "ok\n"};
  return {.status = 503,
          .body = "this host has not joined the cluster: " + membership.last_error + "\n"};
}

}  // namespace netbinder
