// SPDX-License-Identifier: Apache-2.0
//
// The fuzzer's bytes, read from the front one decision at a time. At their end every decision is 0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace netbinder::fuzz {

class Input {
 public:
  explicit Input(std::span<const std::uint8_t> bytes) : rest_(bytes) {}

  [[nodiscard]] bool empty() const { return rest_.empty(); }

  std::uint8_t byte() { return number<std::uint8_t>(); }

  template <typename T>
  T number() {
    T value{};
    const std::size_t size = rest_.size() < sizeof value ? rest_.size() : sizeof value;
    std::memcpy(&value, rest_.data(), size);
    rest_ = rest_.subspan(size);
    return value;
  }

  // The next bytes, as many as there are.
  std::span<const std::byte> take(std::size_t bytes) {
    const auto taken = rest_.first(rest_.size() < bytes ? rest_.size() : bytes);
    rest_ = rest_.subspan(taken.size());
    return std::as_bytes(taken);
  }

  // At most 256 choices.
  std::uint32_t below(std::size_t choices) { return static_cast<std::uint32_t>(byte() % choices); }
  bool one_in(std::size_t choices) { return byte() % choices == choices - 1; }

  template <typename Container>
  const auto& choice(const Container& from) {
    return *(std::begin(from) + below(std::size(from)));
  }

  // Some size or offset: mostly small, sometimes at an edge of its type or of an arena.
  std::uint64_t any_size() {
    const std::uint8_t what = byte();
    switch (what >> 5) {
      case 5:
        return std::uint64_t{what & 31U} << 8;
      case 6:
        return (std::uint64_t{1} << (2 * (what & 31U))) - (what & 1U);
      case 7:
        return (what & 1U) != 0 ? UINT64_MAX - ((what & 31U) >> 1) : number<std::uint64_t>();
      default:
        return what & 127U;
    }
  }

 private:
  std::span<const std::uint8_t> rest_;
};

}  // namespace netbinder::fuzz
