// SPDX-License-Identifier: Apache-2.0
#include "core/cluster/peer.h"

#include "core/model/security_context.h"

namespace netbinder {

const std::string& Peer::context_of(std::uint32_t uid) {
  if (context_uid_ != uid) {
    context_ = context_of_user(uid) + "@" + name_;
    context_uid_ = uid;
  }
  return context_;
}

}  // namespace netbinder
