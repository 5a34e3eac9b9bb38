// SPDX-License-Identifier: Apache-2.0
//
// The service that a host's own binder process runs (host/local_process.h), and the calls it
// receives.
//
// Thread: the data-plane thread.
#pragma once

#include <cstdint>
#include <optional>

#include "core/base/ids.h"
#include "parcel/view.h"

namespace netbinder {

// A synchronous call that is answered later.
using ReplyTo = ThreadId;

struct IncomingCall {
  ReplyTo reply_to;
  std::uint64_t target = 0;  // ptr of the node called
  std::uint32_t code = 0;
  std::uint32_t flags = 0;
  std::int32_t sender_pid = 0;  // 0: on another host, or a oneway call
  std::uint32_t sender_euid = 0;
  ParcelView parcel;  // valid during the call of LocalService::call
};

// The answer to a synchronous call. With TF_STATUS_CODE in `flags` the data is one i32.
struct OutgoingReply {
  std::uint32_t flags = 0;
  ParcelBytes parcel;
};

// Called by LocalProcess::run; may use the LocalProcess.
class LocalService {
 public:
  virtual ~LocalService() = default;
  // The reply of a oneway call is not sent. Nothing means that LocalProcess::reply follows, exactly
  // once; allowed only if LocalProcess::can_defer().
  virtual std::optional<OutgoingReply> call(const IncomingCall& call) = 0;
  // The node of a handle linked with `cookie` has died. The handle still has its references:
  // release them.
  virtual void died(std::uint64_t cookie) = 0;
};

}  // namespace netbinder
