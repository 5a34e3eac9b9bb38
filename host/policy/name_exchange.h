// SPDX-License-Identifier: Apache-2.0
//
// Decides which names of this host other hosts see (export) and which of theirs are seen here
// (import), in one context. A handle that is passed inside a call is no name: it remains a
// capability.
//
// Plain values.
#pragma once

#include <map>
#include <string_view>

#include "core/base/ids.h"
#include "host/policy/name_globs.h"

namespace netbinder {

// A filter of names to or from other hosts. A name must pass the context's, and the host's, if that
// has one.
struct NameFilter {
  NameGlobs of_context;
  std::map<HostId, NameGlobs> of_hosts;

  [[nodiscard]] bool passes(HostId host, std::string_view name) const {
    const auto of_host = of_hosts.find(host);
    return of_context.contain(name) && (of_host == of_hosts.end() || of_host->second.contain(name));
  }
  friend bool operator==(const NameFilter&, const NameFilter&) = default;
};

struct NameExchange {
  NameFilter exports;
  NameFilter imports;

  // Whether that host is shown a name of this one.
  [[nodiscard]] bool shows(HostId to, std::string_view name) const {
    return exports.passes(to, name);
  }
  // Whether a name of that host is seen here.
  [[nodiscard]] bool takes(HostId from, std::string_view name) const {
    return imports.passes(from, name);
  }
  friend bool operator==(const NameExchange&, const NameExchange&) = default;
};

}  // namespace netbinder
