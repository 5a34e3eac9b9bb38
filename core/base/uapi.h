// SPDX-License-Identifier: Apache-2.0
//
// The driver's user interface: the system's header, and what newer kernels added to it under names
// of our own, so that a newer header does no harm.
#pragma once

#include <linux/android/binder.h>

#include <cstdint>
#include <type_traits>

namespace netbinder {

struct binder_frozen_state {  // follows BR_FROZEN_BINDER
  std::uint64_t cookie;
  std::uint32_t is_frozen;
  std::uint32_t reserved;
};
static_assert(sizeof(binder_frozen_state) == 16);

inline constexpr std::uint32_t kBcRequestFreezeNotification =
    _IOW('c', 19, struct binder_handle_cookie);
inline constexpr std::uint32_t kBcClearFreezeNotification =
    _IOW('c', 20, struct binder_handle_cookie);
inline constexpr std::uint32_t kBcFreezeNotificationDone = _IOW('c', 21, binder_uintptr_t);
inline constexpr std::uint32_t kBrTransactionPendingFrozen = _IO('r', 20);
inline constexpr std::uint32_t kBrFrozenBinder = _IOR('r', 21, binder_frozen_state);
inline constexpr std::uint32_t kBrClearFreezeNotificationDone = _IOR('r', 22, binder_uintptr_t);

// Part of the interface since 5.13; TF_* is an enum, so its presence cannot be tested for.
inline constexpr std::uint32_t kTfUpdateTxn = 0x40;
inline constexpr std::uint32_t kTfClearBuf = 0x20;

static_assert(sizeof(binder_transaction_data) == 64);
static_assert(sizeof(binder_transaction_data_sg) == 72);
static_assert(sizeof(binder_transaction_data_secctx) == 72);
static_assert(sizeof(flat_binder_object) == 24);
static_assert(sizeof(binder_fd_object) == 24);
static_assert(sizeof(binder_fd_array_object) == 32);
static_assert(sizeof(binder_buffer_object) == 40);
static_assert(sizeof(binder_handle_cookie) == 12);
static_assert(sizeof(binder_write_read) == 48);
static_assert(std::is_trivially_copyable_v<binder_transaction_data>);

}  // namespace netbinder
