// SPDX-License-Identifier: Apache-2.0
#include "parcel/commands.h"

namespace netbinder {

binder_transaction_data transaction_of(const ParcelView& parcel) {
  binder_transaction_data data{};
  data.data_size = parcel.data.size();
  data.offsets_size = parcel.offsets.size_bytes();
  data.data.ptr.buffer = reinterpret_cast<binder_uintptr_t>(parcel.data.data());
  data.data.ptr.offsets = reinterpret_cast<binder_uintptr_t>(parcel.offsets.data());
  return data;
}

void put_transaction(std::vector<std::byte>& commands, Direction direction,
                     const binder_transaction_data& data, const ParcelBytes& parcel) {
  const bool calls = direction == Direction::kCall;
  if (parcel.buffers.empty()) {
    put_command(commands, calls ? BC_TRANSACTION : BC_REPLY, data);
    return;
  }
  binder_transaction_data_sg with_buffers{.transaction_data = data, .buffers_size = 0};
  for (const auto& buffer : parcel.buffers) {
    with_buffers.buffers_size += (buffer.size() + 7) & ~std::size_t{7};
  }
  put_command(commands, calls ? BC_TRANSACTION_SG : BC_REPLY_SG, with_buffers);
}

ParcelView parcel_of(const binder_transaction_data& data, std::span<const std::byte> arena) {
  return {{reinterpret_cast<const std::byte*>(data.data.ptr.buffer), data.data_size},
          {reinterpret_cast<const binder_size_t*>(data.data.ptr.offsets),
           data.offsets_size / sizeof(binder_size_t)},
          arena};
}

const char* failure_of_call(const Return& got) {
  switch (got.name) {
    case BR_DEAD_REPLY:
      return "BR_DEAD_REPLY";
    case BR_FAILED_REPLY:
      return "BR_FAILED_REPLY";
    case BR_FROZEN_REPLY:
      return "BR_FROZEN_REPLY";
    default:
      return nullptr;
  }
}

bool acknowledge_reference(const Return& got, std::vector<std::byte>& commands) {
  switch (got.name) {
    case BR_INCREFS:
      put_command(commands, BC_INCREFS_DONE, got.as<binder_ptr_cookie>());
      return true;
    case BR_ACQUIRE:
      put_command(commands, BC_ACQUIRE_DONE, got.as<binder_ptr_cookie>());
      return true;
    case BR_RELEASE:
    case BR_DECREFS:
      return true;
    default:
      return false;
  }
}

}  // namespace netbinder
