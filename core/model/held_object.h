// SPDX-License-Identifier: Apache-2.0
//
// A flat object in a buffer holds a count for the receiver: of one of its own nodes, or of one of
// its refs.
#pragma once

#include "core/base/uapi.h"
#include "core/model/buffer.h"
#include "core/model/imported_node.h"

namespace netbinder {

inline bool is_flat_object(std::uint32_t type) {
  return type == BINDER_TYPE_BINDER || type == BINDER_TYPE_WEAK_BINDER ||
         type == BINDER_TYPE_HANDLE || type == BINDER_TYPE_WEAK_HANDLE;
}

inline bool names_node(const HeldObject& held) {
  return held.type == BINDER_TYPE_BINDER || held.type == BINDER_TYPE_WEAK_BINDER;
}

inline RefKind kind_of(const HeldObject& held) {
  const bool strong = held.type == BINDER_TYPE_BINDER || held.type == BINDER_TYPE_HANDLE;
  return strong ? RefKind::kStrong : RefKind::kWeak;
}

inline HeldObject held_by(const flat_binder_object& object) {
  HeldObject held{.type = object.hdr.type, .value = object.binder};
  if (!names_node(held)) held.value = object.handle;
  return held;
}

}  // namespace netbinder
