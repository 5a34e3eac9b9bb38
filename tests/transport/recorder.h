// SPDX-License-Identifier: Apache-2.0
//
// PeerEvents that record everything, and fail the test if the order of events is not what
// transport.h promises.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "transport/frame.h"
#include "transport/transport.h"

namespace netbinder {

struct Received {
  PeerMessage message;
  std::vector<std::byte> payload;
  friend bool operator==(const Received&, const Received&) = default;
};

// The content of a place for a payload before the payload arrives.
inline constexpr std::byte kUnwritten{0xEE};

class Recorder : public PeerEvents {
 public:
  struct Peer {
    bool established = false;
    Incarnation incarnation;
    WireVersion version;
    int sessions = 0;
    int losses = 0;
    int abandoned = 0;
    std::vector<Received> messages;  // of the present session, or of the last one
    std::optional<PeerMessage> arriving;
    std::span<std::byte> place;
    std::shared_ptr<std::vector<std::byte>> place_owner;
    std::map<LeaseId, std::span<std::byte>> leases;  // given and not ended
  };

  std::map<HostId, Peer> peers;
  bool discard_payloads = false;
  bool gives_leases = true;
  std::uint64_t leases_given = 0;
  std::uint64_t leases_ahead = 0;  // of these
  std::function<void(HostId)> on_established;
  std::function<void(HostId, const Received&)> on_message;
  std::function<void(HostId)> on_arriving;
  std::function<void(HostId)> on_lost;

  void session_established(HostId host, Incarnation incarnation, WireVersion version) override {
    auto& peer = peers[host];
    EXPECT_FALSE(peer.established) << "established twice";
    peer.established = true;
    peer.incarnation = incarnation;
    peer.version = version;
    peer.messages.clear();
    ++peer.sessions;
    if (on_established) on_established(host);
  }

  void session_lost(HostId host) override {
    auto& peer = peers[host];
    EXPECT_TRUE(peer.established) << "lost what was not there";
    EXPECT_FALSE(peer.arriving) << "lost with a payload arriving";
    peer.established = false;
    ++peer.losses;
    if (on_lost) on_lost(host);
  }

  PayloadDestination payload_arriving(HostId host, const PeerMessage& message,
                                      std::uint64_t payload_bytes, LeaseId lease) override {
    auto& peer = peers[host];
    EXPECT_TRUE(peer.established);
    EXPECT_FALSE(peer.arriving) << "two payloads at once";
    EXPECT_TRUE(has_payload(message));
    EXPECT_EQ(payload_bytes, payload_image_bytes(message));
    peer.arriving = message;
    if (lease != LeaseId{}) {
      const auto found = peer.leases.find(lease);
      EXPECT_TRUE(found != peer.leases.end()) << "a lease that was not given";
      peer.place = found->second.first(payload_bytes);
      peer.place_owner = made_arena();
      peer.leases.erase(found);
    } else {
      peer.place_owner = std::make_shared<std::vector<std::byte>>(payload_bytes, kUnwritten);
      peer.place = *peer.place_owner;
    }
    if (on_arriving) on_arriving(host);
    if (discard_payloads) return {};
    return {.bytes = peer.place, .owner = peer.place_owner};
  }

  // Space anywhere in one arena: where none of the leases is that have not ended.
  std::optional<LeasedPlace> lease_wanted(HostId host, const LeaseRequest& request) override {
    auto& peer = peers[host];
    EXPECT_TRUE(peer.established);
    if (!gives_leases) return std::nullopt;
    if (next_ + request.bytes > arena().size()) next_ = 0;
    const auto place = arena().subspan(next_, request.bytes);
    for (auto& [id, other] : peers) {
      for (auto& [lease, taken] : other.leases) {
        if (taken.data() < place.data() + place.size() &&
            place.data() < taken.data() + taken.size())
          return std::nullopt;
      }
    }
    next_ += request.bytes;
    std::ranges::fill(place, kUnwritten);
    const LeaseId id{++leases_given};
    peer.leases[id] = place;
    if (request.ahead) ++leases_ahead;
    return LeasedPlace{.id = id,
                       .process = ProcessId(1),
                       .place = {.bytes = place, .owner = made_arena()},
                       .arena = arena()};
  }

  [[nodiscard]] std::span<std::byte> arena() { return *made_arena(); }

  void lease_ended(HostId host, LeaseId lease) override { peers[host].leases.erase(lease); }

  void payload_abandoned(HostId host, const PeerMessage& message) override {
    auto& peer = peers[host];
    EXPECT_TRUE(peer.established);
    ASSERT_TRUE(peer.arriving);
    EXPECT_EQ(*peer.arriving, message);
    peer.arriving.reset();
    ++peer.abandoned;
  }

  void message_arrived(HostId host, PeerMessage message) override {
    auto& peer = peers[host];
    EXPECT_TRUE(peer.established) << "a message outside a session";
    Received received{std::move(message), {}};
    if (has_payload(received.message)) {
      ASSERT_TRUE(peer.arriving);
      EXPECT_EQ(*peer.arriving, received.message);
      received.payload.assign(peer.place.begin(), peer.place.end());
      peer.arriving.reset();
    } else {
      EXPECT_FALSE(peer.arriving);
    }
    peer.messages.push_back(received);
    if (on_message) on_message(host, received);
  }

 private:
  // Few need it, and it takes a while to make.
  const std::shared_ptr<std::vector<std::byte>>& made_arena() {
    if (!arena_) arena_ = std::make_shared<std::vector<std::byte>>(16U << 20);
    return arena_;
  }

  std::shared_ptr<std::vector<std::byte>> arena_;
  std::size_t next_ = 0;
};

// A call with this number and a payload of this size, whose bytes depend on both.
inline Received numbered_call(std::uint64_t number, std::uint64_t data_size) {
  Received call{peer::Call{.call = CallId(number),
                           .target = NodeNumber(number + 1),
                           .caller = ProcessId(17),
                           .code = 7,
                           .flags = 0x10,
                           .sender_euid = 1000,
                           .security_context = "",
                           .ancestors = {},
                           .shape = {.data_size = data_size},
                           .objects = {}},
                {}};
  call.payload.resize(payload_image_bytes(call.message));
  std::uint64_t state = number * 0x9E3779B97F4A7C15ULL + data_size;
  for (auto& byte : call.payload) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    byte = static_cast<std::byte>(state >> 56);
  }
  return call;
}

}  // namespace netbinder
