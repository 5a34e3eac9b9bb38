// SPDX-License-Identifier: Apache-2.0
//
// A host of the cluster, as the membership knows it. A plain value.
#pragma once

#include <map>
#include <string>

#include "core/base/ids.h"

namespace netbinder {

struct Member {
  std::string name;
  HostId id;
  std::string address;      // where other hosts find it: "ip:port", "[ipv6]:port" or "name:port"
  Incarnation incarnation;  // of its agent; 0: not known, as of a list
  std::map<std::string, std::string> labels;
  friend bool operator==(const Member&, const Member&) = default;
};

}  // namespace netbinder
