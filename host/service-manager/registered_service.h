// SPDX-License-Identifier: Apache-2.0
//
// A service that is registered on one host.
#pragma once

#include <cstdint>

#include "core/base/ids.h"
#include "host/service-manager/dialect.h"
#include "host/service-manager/protocol.h"
#include "parcel/writer.h"

namespace netbinder {

// Clients may register the manager itself under another name. It has no handle for its own node,
// and its process never gets handle 0, so that number stands for the manager.
inline constexpr Handle kItself{0};

struct RegisteredService {
  HostId host;  // where it is registered
  Handle handle;
  HostId home{};          // the home of its node, mostly the same
  std::int32_t pid = 0;   // 0: on another host
  std::uint32_t uid = 0;  // who registered it, if that was on this host
  bool allow_isolated = false;
  std::uint32_t dump_priority = 0;
  std::uint32_t stability = 0;
  bool tells_lookups = false;  // another host's: it wants a report of the next lookup here
  bool asked_about = false;    // another host's: it has asked for such a report
  // A program of this host was given it when no callback was there, and may have gone since. The
  // next callback is told of it, or a lazy service would wait for a client for ever.
  bool unseen_client = false;
};

inline void put_binder(ParcelWriter& parcel, const RegisteredService& service) {
  if (service.handle == kItself) {
    parcel.binder(kManagerNode, 0);
  } else {
    parcel.handle(service.handle);
  }
}

inline void put_handle(ParcelWriter& parcel, const RegisteredService& service, Dialect dialect) {
  put_binder(parcel, service);
  parcel.u32(stability_word(dialect, service.stability));
}

}  // namespace netbinder
