// SPDX-License-Identifier: Apache-2.0
//
// The requests of the state machine of a host's membership (etcd_member.h) to whoever does its I/O.
// These do not call back into it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>

#include "core/base/ids.h"

namespace netbinder::etcd {

using RequestId = StrongId<struct RequestIdTag, std::uint64_t>;

struct Request {
  RequestId id;
  std::string path;  // "/v3/kv/range"
  std::string body;  // empty: it is a GET
  std::uint32_t timeout_ms = 0;
};

class Requests {
 public:
  virtual ~Requests() = default;
  // Later requests go to that endpoint, named by its place in the list, over new connections.
  // Requests that were made before are dropped unanswered.
  virtual void use_endpoint(std::size_t index) = 0;
  // Later requests bear this token; empty: none.
  virtual void use_token(const std::string& token) = 0;
  // Answered by answered() or failed(), in any order.
  virtual void call(Request request) = 0;
  // A stream of lines, in the place of an earlier one: watch_line(), and perhaps watch_ended().
  virtual void watch(std::string body) = 0;
  // timer() is to be called then or soon after; in the place of an earlier one.
  virtual void set_timer(std::uint64_t deadline_ms) = 0;
  // The password of the configured user, read anew. Or why it cannot be had.
  [[nodiscard]] virtual std::expected<std::string, std::string> password() = 0;
};

}  // namespace netbinder::etcd
