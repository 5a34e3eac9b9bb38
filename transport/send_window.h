// SPDX-License-Identifier: Apache-2.0
//
// The messages of one direction of a session that the peer has not acknowledged, in order. Owned
// by the Session. A cursor divides them: before it, in flight (handed to the link, so a payload may
// be on the wire right now); from it on, waiting.
//
//   sequence   first … cursor-1 | cursor … last
//              in flight        | waiting
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "transport/config.h"
#include "transport/frame.h"

namespace netbinder {

class SendWindow {
 public:
  explicit SendWindow(const SessionLimits& limits) : limits_(limits) {}

  // The number of the next message to be added.
  [[nodiscard]] Sequence next_sequence() const {
    return Sequence(first_sequence_ + retained_.size());
  }
  // Whether a frame of this size may be added without breaking the bound of the backlog.
  [[nodiscard]] bool has_room(std::uint64_t frame_bytes) const;
  // An empty frame: one that was acknowledged, if it is kept, so that its memory is used again.
  [[nodiscard]] std::shared_ptr<OutgoingFrame> fresh_frame();
  // Adds the frame, whose sequence is next_sequence().
  void push(std::shared_ptr<OutgoingFrame> frame);

  // Returns the first waiting message, which is in flight from then on; null if there is none, or
  // if as much is in flight as is allowed.
  std::shared_ptr<const OutgoingFrame> next();
  [[nodiscard]] bool has_next() const;

  // Everything up to and including `received` has arrived. False if that is impossible.
  [[nodiscard]] bool acknowledge(Sequence received);
  // There is a new link, and the peer has received everything up to `received`: messages in flight
  // after that wait again. False if that is impossible.
  [[nodiscard]] bool rewind(Sequence received);

  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] std::size_t messages() const { return retained_.size(); }
  [[nodiscard]] std::uint64_t in_flight_bytes() const { return in_flight_bytes_; }

 private:
  // How many frames are kept for the next ones, and how large they may be without their payload.
  static constexpr std::size_t kMostSpare = 16;
  static constexpr std::size_t kMostSpareBytes = 1024;
  // Keeps the frame, if nobody else has it.
  void recycle(std::shared_ptr<OutgoingFrame> frame);

  SessionLimits limits_;
  std::deque<std::shared_ptr<OutgoingFrame>> retained_;
  std::vector<std::shared_ptr<OutgoingFrame>> spare_;
  std::uint64_t first_sequence_ = 1;  // of retained_.front()
  std::size_t cursor_ = 0;            // index into retained_
  std::uint64_t bytes_ = 0;
  std::uint64_t in_flight_bytes_ = 0;
};

}  // namespace netbinder
