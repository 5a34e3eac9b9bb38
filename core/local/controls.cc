// SPDX-License-Identifier: Apache-2.0
#include "core/local/controls.h"

#include <cerrno>
#include <cstring>
#include <optional>

#include "core/local/freezes.h"
#include "core/local/managers.h"

namespace netbinder {

namespace {

// The structure that the program's pointer leads to, or nothing if the pointer was bad.
template <typename T>
std::optional<T> argument_as(std::span<std::byte> argument) {
  T value;
  if (argument.size() != sizeof value) return std::nullopt;
  std::memcpy(&value, argument.data(), sizeof value);
  return value;
}

template <typename T>
void give(std::span<std::byte> argument, const T& value) {
  std::memcpy(argument.data(), &value, sizeof value);
}

Outcome done(int error) {
  if (error != 0) return std::unexpected(error);
  return Step::kDone;
}

}  // namespace

Outcome Controls::run(Thread& thread, std::uint32_t command, std::span<std::byte> argument) {
  Process& process = thread.process();
  switch (command) {
    case BINDER_SET_MAX_THREADS: {
      const auto max_threads = argument_as<std::uint32_t>(argument);
      if (!max_threads) return done(-EINVAL);
      process.loopers().set_max_threads(*max_threads);
      return Step::kDone;
    }
    case BINDER_SET_CONTEXT_MGR:
      return managers_.become_manager(thread, {});
    case BINDER_SET_CONTEXT_MGR_EXT: {
      const auto object = argument_as<flat_binder_object>(argument);
      if (!object) return done(-EINVAL);
      return managers_.become_manager(
          thread, {.ptr = object->binder, .cookie = object->cookie, .flags = object->flags});
    }
    case BINDER_VERSION:
      if (argument.size() != sizeof(binder_version)) return done(-EINVAL);
      give(argument, binder_version{.protocol_version = BINDER_CURRENT_PROTOCOL_VERSION});
      return Step::kDone;
    case BINDER_GET_NODE_DEBUG_INFO: {
      auto info = argument_as<binder_node_debug_info>(argument);
      if (!info) return done(-EFAULT);
      const int error = node_debug_info(process, *info);
      if (error == 0) give(argument, *info);
      return done(error);
    }
    case BINDER_GET_NODE_INFO_FOR_REF: {
      auto info = argument_as<binder_node_info_for_ref>(argument);
      if (!info) return done(-EFAULT);
      const int error = node_info_for_ref(process, *info);
      if (error == 0) give(argument, *info);
      return done(error);
    }
    case BINDER_FREEZE: {
      const auto info = argument_as<binder_freeze_info>(argument);
      if (!info) return done(-EFAULT);
      return freezes_.freeze(thread, *info);
    }
    case BINDER_GET_FROZEN_INFO: {
      auto info = argument_as<binder_frozen_status_info>(argument);
      if (!info) return done(-EFAULT);
      const int error = freezes_.frozen_info(*info);
      if (error == 0) give(argument, *info);
      return done(error);
    }
    case BINDER_ENABLE_ONEWAY_SPAM_DETECTION: {
      const auto enable = argument_as<std::uint32_t>(argument);
      if (!enable) return done(-EFAULT);
      process.detect_spam(*enable != 0);
      return Step::kDone;
    }
    case BINDER_GET_EXTENDED_ERROR: {
      if (argument.size() != sizeof(binder_extended_error)) return done(-EFAULT);
      const ExtendedError error = thread.take_extended_error();
      give(argument,
           binder_extended_error{.id = error.id, .command = error.command, .param = error.param});
      return Step::kDone;
    }
    default:
      return done(-EINVAL);
  }
}

int Controls::node_debug_info(const Process& process, binder_node_debug_info& info) {
  const std::uint64_t after = info.ptr;
  info = {};
  const auto next = process.nodes().upper_bound(after);
  if (next != process.nodes().end()) {
    info.ptr = next->ptr();
    info.cookie = next->cookie();
    info.has_strong_ref = next->owner_has_strong();
    info.has_weak_ref = next->owner_has_weak();
  }
  return 0;
}

int Controls::node_info_for_ref(const Process& process, binder_node_info_for_ref& info) {
  if (info.strong_count != 0 || info.weak_count != 0 || info.reserved1 != 0 ||
      info.reserved2 != 0 || info.reserved3 != 0) {
    return -EINVAL;
  }
  const Node* manager = process.context().manager();
  if (manager == nullptr || manager->owner() != &process) return -EPERM;
  const Node* node = process.refs().node_of(Handle{info.handle}, RefKind::kStrong);
  if (node == nullptr) return -EINVAL;
  info.strong_count = static_cast<__u32>(node->local_strong() + node->internal_strong());
  info.weak_count = static_cast<__u32>(node->local_weak());
  return 0;
}

}  // namespace netbinder
