// SPDX-License-Identifier: Apache-2.0
//
// The content of simulated payloads: the number of the call, the kinds of the objects in it, and
// bytes that follow from the number. By it the receiver can check that it was given what was sent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/uapi.h"
#include "parcel/view.h"
#include "tests/sim/oracle.h"
#include "tests/sim/sg_block.h"
#include "transport/sim/random.h"

namespace netbinder::sim {

template <typename T>
void append(std::vector<std::byte>& bytes, const T& value) {
  const auto* begin = reinterpret_cast<const std::byte*>(&value);
  bytes.insert(bytes.end(), begin, begin + sizeof value);
}

// The kind of an object when it was sent.
enum class ThingKind : std::uint64_t { kStrong, kWeak, kFile };

// An object as its sender knows it. `since_ms` is the time since which the reference has existed
// without a gap, through whatever hands it went. For a descriptor the uid is the FileId.
struct Thing {
  Uid uid = 0;
  std::uint64_t since_ms = 0;
  ThingKind kind = ThingKind::kStrong;
  flat_binder_object object{};  // a binder_fd_object looks the same
};
static_assert(sizeof(binder_fd_object) == sizeof(flat_binder_object));
static_assert(offsetof(binder_fd_object, fd) == offsetof(flat_binder_object, handle));

struct Envelope {
  static constexpr std::uint64_t kMagic = 0x656e76656c6f7065;
  std::uint64_t magic = kMagic;
  std::uint64_t number = 0;
  std::uint64_t order = 0;  // of a oneway call, among its thread's to its node
  std::uint32_t is_reply = 0;
  std::uint32_t things = 0;
  std::uint32_t scattered = 0;  // objects of an SgBlock after the things; 0: there is none
  std::uint32_t reserved = 0;
  std::uint64_t filler = 0;
};

// `scattered` are the objects of an SgBlock.
inline ParcelBytes pack(const Envelope& envelope, const std::vector<Thing>& things,
                        std::span<const std::byte> scattered = {}) {
  ParcelBytes parcel;
  const auto put = [&parcel](const auto& value) { append(parcel.data, value); };
  put(envelope);
  for (const Thing& thing : things) {
    parcel.offsets.push_back(parcel.data.size());
    put(thing.object);
    put(thing.uid);
    put(thing.since_ms);
    put(thing.kind);
  }
  for (std::uint32_t i = 0; i < envelope.scattered; ++i) {
    parcel.offsets.push_back(parcel.data.size() + i * sizeof(binder_buffer_object));
  }
  parcel.data.insert(parcel.data.end(), scattered.begin(), scattered.end());
  for (std::uint64_t i = 0; i < envelope.filler; ++i) {
    parcel.data.push_back(static_cast<std::byte>(envelope.number * 31 + i));
  }
  return parcel;
}

// Nothing if it is not as it was packed; `wrong` then says how. `objects` are those of an SgBlock.
inline std::optional<Envelope> unpack(std::span<const std::byte> data,
                                      std::span<const binder_size_t> offsets,
                                      std::vector<Thing>& things,
                                      std::span<const std::byte>& objects, std::string& wrong) {
  Envelope envelope;
  if (data.size() < sizeof envelope) {
    wrong = "a payload too short for its envelope";
    return std::nullopt;
  }
  std::memcpy(&envelope, data.data(), sizeof envelope);
  constexpr std::size_t kThing = sizeof(flat_binder_object) + 3 * sizeof(std::uint64_t);
  const std::size_t scattered =
      envelope.scattered == 0 ? 0 : SgBlock::object_bytes(envelope.scattered);
  if (envelope.magic != Envelope::kMagic ||
      std::size_t{envelope.things} + envelope.scattered != offsets.size() ||
      data.size() != sizeof envelope + envelope.things * kThing + scattered + envelope.filler) {
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
    std::memcpy(&thing.kind, data.data() + at + kThing - sizeof thing.kind, sizeof thing.kind);
  }
  for (std::uint32_t i = 0; i < envelope.scattered; ++i) {
    if (offsets[envelope.things + i] == at + i * sizeof(binder_buffer_object)) continue;
    wrong = "an object's offset has changed";
    return std::nullopt;
  }
  objects = data.subspan(at, scattered);
  at += scattered;
  for (std::uint64_t i = 0; i < envelope.filler; ++i) {
    if (data[at + i] != static_cast<std::byte>(envelope.number * 31 + i)) {
      wrong = "a payload's bytes have changed";
      return std::nullopt;
    }
  }
  return envelope;
}

}  // namespace netbinder::sim
