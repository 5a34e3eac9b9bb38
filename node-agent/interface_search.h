// SPDX-License-Identifier: Apache-2.0
//
// Finds the interfaces of nodes: calls say their interface at the beginning of their payload,
// and who listens to calls reads it once for each node. Nodes share places by their number; a node
// that takes a place begins a search of its own. A node whose calls have said nothing kMostNameless
// times is looked at no more.
//
// Owned by a listener to calls. No allocation. Thread: the data-plane thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "parcel/token.h"

namespace netbinder {

template <std::size_t places>
class InterfaceSearch {
 public:
  static constexpr std::uint8_t kMostNameless = 16;

  [[nodiscard]] static std::size_t place_of(std::uint32_t node) { return node % places; }
  [[nodiscard]] bool holds_place(std::uint32_t node) const {
    return node != 0 && places_[place_of(node)].node == node;
  }
  // For a node that does not hold its place; `node` is not 0.
  void take_place(std::uint32_t node) { places_[place_of(node)] = {.node = node}; }

  // The name's bytes, put into `name`, if a call with this payload is the first to say it; else 0.
  // The node holds its place. An empty payload counts as no call.
  [[nodiscard]] std::size_t look(std::uint32_t node, std::span<const std::byte> payload,
                                 std::span<char> name) {
    Place& place = places_[place_of(node)];
    if (place.ended || payload.empty()) return 0;
    const std::size_t size = copy_interface_name(payload, name);
    place.ended = size > 0 || ++place.nameless >= kMostNameless;
    return size;
  }

 private:
  struct Place {
    std::uint32_t node = 0;  // 0: none has it
    bool ended = false;
    std::uint8_t nameless = 0;
  };

  std::array<Place, places> places_{};
};

}  // namespace netbinder
