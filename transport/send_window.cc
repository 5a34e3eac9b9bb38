// SPDX-License-Identifier: Apache-2.0
#include "transport/send_window.h"

#include "core/base/check.h"

namespace netbinder {

bool SendWindow::has_room(std::uint64_t frame_bytes) const {
  return retained_.size() < limits_.backlog_messages && frame_bytes <= limits_.backlog_bytes &&
         bytes_ <= limits_.backlog_bytes - frame_bytes;
}

std::shared_ptr<OutgoingFrame> SendWindow::fresh_frame() {
  if (spare_.empty()) return std::make_shared<OutgoingFrame>();
  std::shared_ptr<OutgoingFrame> frame = std::move(spare_.back());
  spare_.pop_back();
  return frame;
}

void SendWindow::recycle(std::shared_ptr<OutgoingFrame> frame) {
  if (spare_.size() == kMostSpare || frame.use_count() > 1 ||
      frame->head.capacity() > kMostSpareBytes) {
    return;
  }
  std::vector<std::byte> head = std::move(frame->head);
  head.clear();
  *frame = {};
  frame->head = std::move(head);
  spare_.push_back(std::move(frame));
}

void SendWindow::push(std::shared_ptr<OutgoingFrame> frame) {
  NB_CHECK(frame->sequence == next_sequence());
  bytes_ += frame->size();
  retained_.push_back(std::move(frame));
}

bool SendWindow::has_next() const {
  if (cursor_ == retained_.size()) return false;
  if (cursor_ == 0) return true;
  return cursor_ < limits_.in_flight_messages &&
         in_flight_bytes_ + retained_[cursor_]->size() <= limits_.in_flight_bytes;
}

std::shared_ptr<const OutgoingFrame> SendWindow::next() {
  if (!has_next()) return nullptr;
  const auto& frame = retained_[cursor_++];
  in_flight_bytes_ += frame->size();
  return frame;
}

bool SendWindow::acknowledge(Sequence received) {
  // An acknowledgement may be older than the last one: it was written before that.
  if (received.value() < first_sequence_) return true;
  const std::uint64_t count = received.value() - first_sequence_ + 1;
  if (count > cursor_) return false;
  for (std::uint64_t i = 0; i < count; ++i) {
    bytes_ -= retained_.front()->size();
    in_flight_bytes_ -= retained_.front()->size();
    recycle(std::move(retained_.front()));
    retained_.pop_front();
  }
  first_sequence_ += count;
  cursor_ -= count;
  return true;
}

bool SendWindow::rewind(Sequence received) {
  // Messages that were once acknowledged have been received, and are dropped here.
  if (received.value() + 1 < first_sequence_) return false;
  if (!acknowledge(received)) return false;
  cursor_ = 0;
  in_flight_bytes_ = 0;
  return true;
}

}  // namespace netbinder
