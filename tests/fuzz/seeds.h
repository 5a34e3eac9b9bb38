// SPDX-License-Identifier: Apache-2.0
//
// Inputs that a fuzz target starts from: what real encoders write, so that the fuzzer need not
// guess a format. tests/fuzz/corpus has them as files; `fuzz_NAME_replay --write-seeds DIRECTORY`
// writes them anew.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace netbinder::fuzz {

struct Seed {
  std::string name;
  std::vector<std::uint8_t> bytes;

  Seed& byte(std::uint8_t value) {
    bytes.push_back(value);
    return *this;
  }
  // Little-endian, as all machines are that this runs on.
  template <typename T>
  Seed& number(T value) {
    return raw(std::as_bytes(std::span(&value, 1)));
  }
  Seed& raw(std::span<const std::byte> more) {
    const auto* begin = reinterpret_cast<const std::uint8_t*>(more.data());
    bytes.insert(bytes.end(), begin, begin + more.size());
    return *this;
  }
  Seed& text(std::string_view more) { return raw(std::as_bytes(std::span(more))); }
};

// Each target has these; those of the core's are none, as nearly any bytes are a long story there.
std::vector<Seed> make_seeds();

}  // namespace netbinder::fuzz
