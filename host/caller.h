// SPDX-License-Identifier: Apache-2.0
//
// The program that makes a request of the service manager. A plain value, which may be kept.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/ids.h"
#include "core/model/access_rules.h"

namespace netbinder {

class Caller {
 public:
  // It is not known who calls: of a oneway call the driver tells no more than the user.
  Caller() = default;
  Caller(const Subject& subject, std::int32_t pid)
      : known_(true),
        host_(subject.host),
        uid_(subject.uid),
        pid_(pid),
        groups_(subject.groups.begin(), subject.groups.end()) {}

  [[nodiscard]] bool known() const { return known_; }
  [[nodiscard]] std::int32_t pid() const { return pid_; }
  // Valid as long as this is.
  [[nodiscard]] Subject subject() const { return {.host = host_, .uid = uid_, .groups = groups_}; }

 private:
  bool known_ = false;
  HostId host_;
  std::uint32_t uid_ = 0;
  std::int32_t pid_ = 0;
  std::vector<std::uint32_t> groups_;
};

}  // namespace netbinder
