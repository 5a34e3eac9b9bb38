// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/mutation.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <random>

namespace netbinder::fuzz {

namespace {

constexpr std::size_t kMaxBytes = 64 * 1024;

// Values at the edges of types and of usual bounds.
constexpr std::array<std::uint64_t, 14> kEdges = {
    0,      1,      7,      8,          0x7F,       0x80,       0xFF,
    0x1000, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 1ULL << 63, ~0ULL};

class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : random_(seed) {}

  std::size_t below(std::size_t bound) { return bound == 0 ? 0 : random_() % bound; }

  void change(Bytes& bytes, const Bytes& other) {
    switch (below(8)) {
      case 0:  // a bit
        if (!bytes.empty()) bytes[below(bytes.size())] ^= static_cast<std::uint8_t>(1U << below(8));
        return;
      case 1:  // a byte
        if (!bytes.empty()) bytes[below(bytes.size())] = static_cast<std::uint8_t>(random_());
        return;
      case 2:  // a number
        overwrite(bytes, kEdges[below(kEdges.size())], std::size_t{1} << below(4));
        return;
      case 3:  // a number, a little more or less
        add(bytes, static_cast<std::uint8_t>(below(17)));
        return;
      case 4: {  // bytes go
        const std::size_t from = below(bytes.size());
        const std::size_t count = std::min(bytes.size() - from, 1 + below(16));
        bytes.erase(at(bytes, from), at(bytes, from + count));
        return;
      }
      case 5:  // the end goes
        bytes.resize(below(bytes.size() + 1));
        return;
      case 6: {  // bytes come, of its own
        const Bytes part = part_of(bytes);
        bytes.insert(at(bytes, below(bytes.size() + 1)), part.begin(), part.end());
        return;
      }
      default: {  // or of another
        const Bytes part = part_of(other);
        bytes.insert(at(bytes, below(bytes.size() + 1)), part.begin(), part.end());
        return;
      }
    }
  }

 private:
  static Bytes::iterator at(Bytes& bytes, std::size_t offset) {
    return bytes.begin() + static_cast<std::ptrdiff_t>(offset);
  }
  void overwrite(Bytes& bytes, std::uint64_t value, std::size_t width) {
    if (bytes.size() < width) return;
    std::memcpy(bytes.data() + below(bytes.size() - width + 1), &value, width);
  }
  void add(Bytes& bytes, std::uint8_t amount) {
    if (bytes.empty()) return;
    std::uint8_t& byte = bytes[below(bytes.size())];
    byte = static_cast<std::uint8_t>(byte + amount - 8);
  }
  Bytes part_of(const Bytes& bytes) {
    const std::size_t from = below(bytes.size());
    const std::size_t count = std::min(bytes.size() - from, 1 + below(64));
    return {bytes.begin() + static_cast<std::ptrdiff_t>(from),
            bytes.begin() + static_cast<std::ptrdiff_t>(from + count)};
  }

  std::mt19937_64 random_;
};

}  // namespace

Bytes mutation(const std::vector<Bytes>& inputs, std::uint64_t number) {
  Mutator mutator(number);
  Bytes bytes = inputs[mutator.below(inputs.size())];
  const Bytes& other = inputs[mutator.below(inputs.size())];
  for (std::size_t changes = 1 + mutator.below(6); changes > 0; --changes) {
    mutator.change(bytes, other);
  }
  bytes.resize(std::min(bytes.size(), kMaxBytes));
  return bytes;
}

}  // namespace netbinder::fuzz
