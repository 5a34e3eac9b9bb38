// SPDX-License-Identifier: Apache-2.0
//
// The memory of the programs. Everything placed in it stays, because calls that wait read it later.
// Reading elsewhere faults.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace netbinder::fuzz {

class ProgramMemory {
 public:
  // Readable at any size: a program's large mapping.
  static constexpr std::uint64_t kEverywhere = std::uint64_t{1} << 46;

  // `changes`: after each read it is something else.
  std::uint64_t place(std::vector<std::byte> bytes, bool changes) {
    const std::uint64_t address = next_;
    next_ += (bytes.size() + 4096) & ~std::uint64_t{15};
    regions_.push_back({.address = address, .changes = changes, .bytes = std::move(bytes)});
    return address;
  }

  int read(std::uint64_t address, std::span<std::byte> into) {
    if (address >= kEverywhere && address < 2 * kEverywhere) {
      std::memset(into.data(), static_cast<int>(address & 0x7F), into.size());
      return 0;
    }
    auto found = std::upper_bound(
        regions_.begin(), regions_.end(), address,
        [](std::uint64_t wanted, const Region& region) { return wanted < region.address; });
    if (found == regions_.begin()) return -EFAULT;
    Region& region = *--found;
    const std::uint64_t offset = address - region.address;
    if (offset > region.bytes.size() || region.bytes.size() - offset < into.size()) return -EFAULT;
    std::memcpy(into.data(), region.bytes.data() + offset, into.size());
    if (region.changes) {
      for (std::size_t i = 0; i < region.bytes.size(); i += 8) region.bytes[i] ^= std::byte{0x18};
    }
    return 0;
  }

  // An address where something was placed recently, or an invalid one.
  [[nodiscard]] std::uint64_t recent(std::size_t back) const {
    return back < regions_.size() ? regions_[regions_.size() - 1 - back].address : next_;
  }

 private:
  struct Region {
    std::uint64_t address;
    bool changes;
    std::vector<std::byte> bytes;
  };
  std::vector<Region> regions_;  // by address
  std::uint64_t next_ = 0x10000;
};

}  // namespace netbinder::fuzz
