// SPDX-License-Identifier: Apache-2.0
//
// Strong identifiers. Two identifiers of different meaning never convert into each other, even
// where both are the same integer on the wire.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace netbinder {

template <typename Tag, typename Rep>
class StrongId {
 public:
  using rep = Rep;

  constexpr StrongId() = default;
  constexpr explicit StrongId(Rep value) : value_(value) {}

  [[nodiscard]] constexpr Rep value() const { return value_; }
  friend constexpr auto operator<=>(StrongId, StrongId) = default;

 private:
  Rep value_{};
};

// A host of the cluster, as numbered by the configuration. 0 is no host.
using HostId = StrongId<struct HostIdTag, std::uint32_t>;
// The number of a list of hosts: of two lists the one with the larger number is newer. 0: the list
// is not numbered, and is compared with no other.
using ListNumber = StrongId<struct ListNumberTag, std::uint64_t>;
// One run of a host's agent, chosen at random when the agent starts. 0 is none.
using Incarnation = StrongId<struct IncarnationTag, std::uint64_t>;
// A binder process: one open of a binder device. Never reused within an incarnation.
using ProcessId = StrongId<struct ProcessIdTag, std::uint64_t>;
// A thread of a binder process, by the tid its program gave. Unique within its process only.
using ThreadId = StrongId<struct ThreadIdTag, std::uint32_t>;
// A node, numbered by its home host. Never reused within an incarnation; 0 is none.
using NodeNumber = StrongId<struct NodeNumberTag, std::uint64_t>;
// A program's name for a reference: local to its process, the lowest free number.
using Handle = StrongId<struct HandleTag, std::uint32_t>;
// A call to another host, numbered by the calling host. Never reused, in no incarnation of it.
using CallId = StrongId<struct CallIdTag, std::uint64_t>;
// A reference on its way through a third host, numbered by the host that introduces it. Never
// reused, in no incarnation of it; 0 is none.
using HandoffId = StrongId<struct HandoffIdTag, std::uint64_t>;
// A descriptor on its way to another host, numbered by the host that sends it. Never reused within
// an incarnation; 0 is none.
using FileNumber = StrongId<struct FileNumberTag, std::uint64_t>;
// An open file in flight: its place in the host program's table of files. 0 is none.
using FileToken = StrongId<struct FileTokenTag, std::uint64_t>;
// Space in an arena, lent to a peer (core/wire/lease.h). 0 is none.
using LeaseId = StrongId<struct LeaseIdTag, std::uint64_t>;

// A call, on every host that it touches; also its reply. Numbered by the host that it begins at; 0 is
// none.
using SpanId = StrongId<struct SpanIdTag, std::uint64_t>;
// A call and all that were made while it was handled, on every host: the span of that first call.
using TraceId = StrongId<struct TraceIdTag, std::uint64_t>;

// Cluster-global identity of a node. Equality of nodes is equality of identities.
struct NodeIdentity {
  HostId host;
  Incarnation incarnation;
  NodeNumber number;

  friend constexpr auto operator<=>(const NodeIdentity&, const NodeIdentity&) = default;
};

// The number at which an incarnation of a host begins to number what other hosts know by that
// number. It is far from where any other incarnation begins, so that a message meant for an earlier
// one matches nothing here. Never 0, and never near the end.
constexpr std::uint64_t first_number_of(Incarnation incarnation) {
  std::uint64_t mixed = incarnation.value() + 0x9E3779B97F4A7C15ULL;
  mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9ULL;
  mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBULL;
  return ((mixed ^ (mixed >> 31)) >> 1) + 1;
}

// Where an incarnation of a host begins to number spans: apart from every other host (below 65536), and
// most likely from its own earlier incarnations. Nothing but the reading of traces depends on it.
constexpr std::uint64_t first_span_of(HostId host, Incarnation incarnation) {
  return (std::uint64_t{host.value() & 0xFFFF} << 48 |
          (first_number_of(incarnation) & 0xFFFF) << 32) + 1;
}

}  // namespace netbinder

template <typename Tag, typename Rep>
struct std::hash<netbinder::StrongId<Tag, Rep>> {
  std::size_t operator()(netbinder::StrongId<Tag, Rep> id) const noexcept {
    return std::hash<Rep>{}(id.value());
  }
};

template <>
struct std::hash<netbinder::NodeIdentity> {
  std::size_t operator()(const netbinder::NodeIdentity& id) const noexcept {
    // There are few hosts and incarnations but many numbers, so the number decides the bucket.
    return std::hash<std::uint64_t>{}(id.number.value() * 0x9E3779B97F4A7C15ULL ^
                                      id.incarnation.value() ^ id.host.value());
  }
};
