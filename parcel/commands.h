// SPDX-License-Identifier: Apache-2.0
//
// A thread's conversation with the driver as bytes: the BC commands that it is to write, and the BR
// returns that it has read. Whoever has a thread exchanges them, by an ioctl or as an event of the
// core, and decides what follows from a return.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <type_traits>
#include <vector>

#include "core/base/uapi.h"
#include "parcel/view.h"

namespace netbinder {

// ---- commands ----

inline void put_command(std::vector<std::byte>& commands, std::uint32_t command) {
  const std::size_t at = commands.size();
  commands.resize(at + sizeof command);
  std::memcpy(commands.data() + at, &command, sizeof command);
}

template <typename Payload>
void put_command(std::vector<std::byte>& commands, std::uint32_t command, const Payload& payload) {
  static_assert(std::is_trivially_copyable_v<Payload>);
  const std::size_t at = commands.size();
  commands.resize(at + sizeof command + sizeof payload);
  std::memcpy(commands.data() + at, &command, sizeof command);
  std::memcpy(commands.data() + at + sizeof command, &payload, sizeof payload);
}

// A transaction of this parcel, whose bytes have to stay until the command has been carried out.
[[nodiscard]] binder_transaction_data transaction_of(const ParcelView& parcel);
// BC_TRANSACTION, or BC_REPLY; of a parcel with buffers its variant with their size.
enum class Direction : std::uint8_t { kCall, kReply };
void put_transaction(std::vector<std::byte>& commands, Direction direction,
                     const binder_transaction_data& data, const ParcelBytes& parcel);

// ---- returns ----

struct Return {
  std::uint32_t name = 0;
  std::span<const std::byte> payload;  // as long as the name says

  template <typename Payload>
  [[nodiscard]] Payload as() const {
    static_assert(std::is_trivially_copyable_v<Payload>);
    Payload value{};
    std::memcpy(&value, payload.data(), std::min(sizeof value, payload.size()));
    return value;
  }
};

class Returns {
 public:
  Returns() = default;
  explicit Returns(std::span<const std::byte> bytes) : left_(bytes) {}

  [[nodiscard]] bool empty() const { return left_.empty(); }
  // The next one; nothing if there is none, or if it is cut off.
  [[nodiscard]] std::optional<Return> next() {
    Return made;
    if (left_.size() < sizeof made.name) return std::nullopt;
    std::memcpy(&made.name, left_.data(), sizeof made.name);
    const std::size_t size = _IOC_SIZE(made.name);
    if (left_.size() - sizeof made.name < size) return std::nullopt;
    made.payload = left_.subspan(sizeof made.name, size);
    left_ = left_.subspan(sizeof made.name + size);
    return made;
  }

 private:
  std::span<const std::byte> left_;
};

// The parcel of a transaction that was read, which is in the program's arena.
[[nodiscard]] ParcelView parcel_of(const binder_transaction_data& data,
                                   std::span<const std::byte> arena = {});
// A return that ends a call with an error, by its name; null for any other.
[[nodiscard]] const char* failure_of_call(const Return& got);
// BR_INCREFS and BR_ACQUIRE are acknowledged. True if it was one of the returns about the holding
// of nodes, which are all that a process whose nodes live as long as itself has to know of.
bool acknowledge_reference(const Return& got, std::vector<std::byte>& commands);

}  // namespace netbinder
