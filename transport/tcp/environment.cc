// SPDX-License-Identifier: Apache-2.0
#include "transport/tcp/environment.h"

#include "transport/log.h"

namespace netbinder::tcp {

void Environment::log_broken_peer(const std::string& remote, const std::string& reason) {
  const int left_out = broken_peers.admit(now_ms());
  if (left_out < 0) return;
  if (left_out == 0) {
    log::transport.warn("connection with {} closed: {}", remote, reason);
  } else {
    log::transport.warn("connection with {} closed: {} ({} more like it)", remote, reason, left_out);
  }
}

}  // namespace netbinder::tcp
