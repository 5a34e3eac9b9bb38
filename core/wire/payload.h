// SPDX-License-Identifier: Apache-2.0
//
// The image of a payload on its way to another host: bytes, and the owner of their memory. The host
// program gives the memory (Effects::new_payload), so that a transport can choose memory that its
// device can read. Copies of a Payload share the bytes. Fresh memory is not initialized.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace netbinder {

class Payload {
 public:
  Payload() = default;
  Payload(std::span<std::byte> bytes, std::shared_ptr<void> owner)
      : bytes_(bytes), owner_(std::move(owner)) {}
  Payload(
      std::vector<std::byte> bytes) {  // NOLINT(google-explicit-constructor): a payload as it is
    auto owner = std::make_shared<std::vector<std::byte>>(std::move(bytes));
    bytes_ = *owner;
    owner_ = std::move(owner);
  }
  // In plain memory. One of no bytes has none.
  static Payload allocate(std::uint64_t bytes) {
    if (bytes == 0) return {};
    std::shared_ptr<std::byte[]> memory = std::make_shared_for_overwrite<std::byte[]>(bytes);
    std::byte* const begin = memory.get();
    return {{begin, bytes}, std::move(memory)};
  }

  [[nodiscard]] std::span<std::byte> bytes() const { return bytes_; }
  [[nodiscard]] std::byte* data() const { return bytes_.data(); }
  [[nodiscard]] std::uint64_t size() const { return bytes_.size(); }
  [[nodiscard]] bool empty() const { return bytes_.empty(); }

 private:
  std::span<std::byte> bytes_;
  std::shared_ptr<void> owner_;
};

}  // namespace netbinder
