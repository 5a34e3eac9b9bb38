// SPDX-License-Identifier: Apache-2.0
//
// What simulated programs write into their payloads: the number of the call, what the objects in it
// are, and bytes that follow from the number. So the receiver can tell whether it has been given
// what was sent.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/uapi.h"
#include "tests/sim/oracle.h"
#include "transport/sim/random.h"

namespace netbinder::sim {

// An object as its sender knows it. `since_ms`: since when the reference is in one piece, whatever
// hands it went through.
struct Thing {
  Uid uid = 0;
  std::uint64_t since_ms = 0;
  flat_binder_object object{};
};

struct Envelope {
  static constexpr std::uint64_t kMagic = 0x656e76656c6f7065;
  std::uint64_t magic = kMagic;
  std::uint64_t number = 0;
  std::uint64_t order = 0;  // of a oneway call, among its thread's to its node
  std::uint32_t is_reply = 0;
  std::uint32_t things = 0;
  std::uint64_t filler = 0;
};

struct Parcel {
  std::vector<std::byte> data;
  std::vector<binder_size_t> offsets;
};

inline Parcel pack(const Envelope& envelope, const std::vector<Thing>& things) {
  Parcel parcel;
  const auto put = [&parcel](const auto& value) {
    const auto* begin = reinterpret_cast<const std::byte*>(&value);
    parcel.data.insert(parcel.data.end(), begin, begin + sizeof value);
  };
  put(envelope);
  for (const Thing& thing : things) {
    parcel.offsets.push_back(parcel.data.size());
    put(thing.object);
    put(thing.uid);
    put(thing.since_ms);
  }
  for (std::uint64_t i = 0; i < envelope.filler; ++i) {
    parcel.data.push_back(static_cast<std::byte>(envelope.number * 31 + i));
  }
  return parcel;
}

// Nothing: it is not as it was packed, and `wrong` says how.
inline std::optional<Envelope> unpack(std::span<const std::byte> data,
                                      std::span<const binder_size_t> offsets,
                                      std::vector<Thing>& things, std::string& wrong) {
  Envelope envelope;
  if (data.size() < sizeof envelope) {
    wrong = "a payload too short for its envelope";
    return std::nullopt;
  }
  std::memcpy(&envelope, data.data(), sizeof envelope);
  constexpr std::size_t kThing = sizeof(flat_binder_object) + 2 * sizeof(std::uint64_t);
  if (envelope.magic != Envelope::kMagic || envelope.things != offsets.size() ||
      data.size() != sizeof envelope + envelope.things * kThing + envelope.filler) {
    wrong = "a payload that is not what was sent";
    return std::nullopt;
  }
  std::size_t at = sizeof envelope;
  for (std::size_t i = 0; i < envelope.things; ++i, at += kThing) {
    if (offsets[i] != at) {
      wrong = "an object's offset has changed";
      return std::nullopt;
    }
    Thing& thing = things.emplace_back();
    std::memcpy(&thing.object, data.data() + at, sizeof thing.object);
    std::memcpy(&thing.uid, data.data() + at + sizeof thing.object, sizeof thing.uid);
    std::memcpy(&thing.since_ms, data.data() + at + sizeof thing.object + sizeof thing.uid,
                sizeof thing.since_ms);
  }
  for (std::uint64_t i = 0; i < envelope.filler; ++i) {
    if (data[at + i] != static_cast<std::byte>(envelope.number * 31 + i)) {
      wrong = "a payload's bytes have changed";
      return std::nullopt;
    }
  }
  return envelope;
}

}  // namespace netbinder::sim
