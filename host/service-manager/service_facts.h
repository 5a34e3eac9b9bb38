// SPDX-License-Identifier: Apache-2.0
//
// The facts that the built-in manager tells `netbinder service list` about services: the
// request and the answer. A plain value; no state.
//
// The request (kCode) has a name (String16): the answer is about the names behind it, in order, no
// more than kMostNames of them, and only those that the caller may find. No name is left when it
// has none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/uapi.h"
#include "parcel/reader.h"
#include "parcel/view.h"
#include "parcel/writer.h"

namespace netbinder {

struct ServiceFacts {
  static constexpr std::uint32_t kCode = B_PACK_CHARS('_', 'S', 'F', 'T');
  static constexpr std::size_t kMostNames = 256;
  static constexpr std::size_t kMostInstances = 2048;  // of all names but the last

  // The name on one host; the preferred one comes first.
  struct Instance {
    std::string host;
    std::int32_t pid = 0;   // 0: on another host
    std::uint32_t uid = 0;  // whose program has registered it; of another host: not known
    bool lazy = false;      // it leaves when it has no clients
    friend bool operator==(const Instance&, const Instance&) = default;
  };
  std::string name;
  std::vector<Instance> instances;
  friend bool operator==(const ServiceFacts&, const ServiceFacts&) = default;
};

void write_service_facts(ParcelWriter& reply, const std::vector<ServiceFacts>& services);
// Nothing if these are none.
[[nodiscard]] std::optional<std::vector<ServiceFacts>> read_service_facts(ParcelView reply);

}  // namespace netbinder
