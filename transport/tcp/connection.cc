// SPDX-License-Identifier: Apache-2.0
#include "transport/tcp/connection.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cstring>
#include <utility>

#include "core/base/check.h"
#include "transport/codec.h"
#include "transport/limits.h"

namespace netbinder::tcp {

using boost::system::error_code;

Connection::Connection(boost::asio::any_io_executor executor, std::unique_ptr<Stream> stream,
                       ConnectionOwner& owner, std::string remote)
    : executor_(std::move(executor)),
      stream_(std::move(stream)),
      owner_(&owner),
      remote_(std::move(remote)) {
  batch_.reserve(limits::kMaxGatherBuffers);
  batch_buffers_.reserve(limits::kMaxGatherBuffers);
}

void Connection::start() { stream_->handshake(shared_from_this()); }

void Connection::ready(const error_code& error) {
  if (closed_) return;
  if (error) {
    const std::string more = stream_->handshake_failure();
    owner_->failed(*this, error.message() + (more.empty() ? "" : ": " + more), false);
    return;
  }
  open_ = true;
  owner_->opened(*this);
  if (closed_) return;
  pump();
  watch();
}

void Connection::close() {
  if (closed_) return;
  closed_ = true;
  destination_ = {};
  stream_->close();
}

void Connection::fail_later(std::string reason) {
  stopped_ = true;
  boost::asio::post(executor_, [self = shared_from_this(), reason = std::move(reason)] {
    if (!self->closed_) self->owner_->failed(*self, reason, false);
  });
}

// --- Reading

void Connection::make_space(std::size_t bytes) {
  if (begin_ == end_) {
    begin_ = end_ = 0;
    if (buffer_.size() != limits::kReceiveBufferBytes && bytes <= limits::kReceiveBufferBytes) {
      buffer_ = std::vector<std::byte>(limits::kReceiveBufferBytes);
    }
  }
  if (buffer_.size() - begin_ < bytes) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, available());
    end_ = available();
    begin_ = 0;
    if (buffer_.size() < bytes) buffer_.resize(bytes);
  }
}

bool Connection::poll() {
  // A turn reads no more than this, so that a peer with much to say does not keep others waiting.
  constexpr int kMaxReads = 4;
  const std::uint64_t before = counters_.bytes_received;
  for (int reads = 0; reads < kMaxReads && read(); ++reads) {
  }
  if (counters_.bytes_received == before) return false;
  if (!closed_) owner_->settle(*this);
  return true;
}

void Connection::watch() {
  if (!open_ || closed_ || stopped_ || watching_) return;
  watching_ = true;
  stream_->wait_readable(shared_from_this());
}

void Connection::readable() {
  watching_ = false;
  const auto self = shared_from_this();
  (void)poll();
  if (!closed_ && !owner_->polls(*this)) watch();
}

bool Connection::read() {
  if (!open_ || closed_ || stopped_) return false;
  Stream::ReadBuffers buffers;
  std::size_t offered = 0;  // of the payload's final place
  if (payload_remaining_ > 0 && !destination_.bytes.empty()) {
    const auto rest = destination_.bytes.last(payload_remaining_);
    buffers[0] = boost::asio::buffer(rest.data(), rest.size());
    offered = rest.size();
  }
  if (begin_ == end_) make_space(kFramePrefixBytes);
  NB_CHECK(end_ < buffer_.size());
  const std::size_t room = buffer_.size() - end_;
  buffers[1] = boost::asio::buffer(buffer_.data() + end_, room);
  error_code error;
  const std::size_t bytes = stream_->read_now(buffers, error);
  if (error) {
    owner_->failed(*this, error.message(), false);
    return false;
  }
  if (bytes == 0) return false;
  const bool filled = bytes == offered + room;
  read_bytes(bytes, std::min(bytes, offered));
  return filled;
}

void Connection::read_bytes(std::size_t bytes, std::size_t direct) {
  counters_.bytes_received += bytes;
  owner_->heard(*this);
  payload_remaining_ -= direct;
  end_ += bytes - direct;
  if (direct > 0 && payload_remaining_ == 0) apply(owner_->payload_arrived(*this), 0);
  process();
}

void Connection::process() {
  while (!closed_ && !stopped_) {
    if (!(payload_remaining_ > 0 ? process_payload() : process_frame())) return;
  }
}

// Both return whether more can be done with the bytes that were read.
bool Connection::process_payload() {
  const std::size_t bytes = std::min<std::uint64_t>(available(), payload_remaining_);
  if (bytes == 0) return false;
  if (!destination_.bytes.empty()) {
    std::memcpy(destination_.bytes.last(payload_remaining_).data(), buffer_.data() + begin_, bytes);
  }
  begin_ += bytes;
  payload_remaining_ -= bytes;
  if (payload_remaining_ > 0) return false;
  apply(owner_->payload_arrived(*this), 0);
  return true;
}

bool Connection::process_frame() {
  if (available() < kFramePrefixBytes) {
    make_space(kFramePrefixBytes);
    return false;
  }
  const auto prefix =
      decode_prefix({buffer_.data() + begin_, kFramePrefixBytes}, max_message_bytes_);
  if (!prefix) {
    owner_->failed(*this, prefix.error(), true);
    return false;
  }
  const std::size_t frame_bytes = kFramePrefixBytes + prefix->message_bytes;
  if (available() < frame_bytes) {
    make_space(frame_bytes);
    return false;
  }
  auto frame = decode_frame({buffer_.data() + begin_ + kFramePrefixBytes, prefix->message_bytes},
                            prefix->payload_bytes);
  if (!frame) {
    owner_->failed(*this, frame.error(), true);
    return false;
  }
  begin_ += frame_bytes;
  apply(owner_->frame_arrived(*this, std::move(*frame), prefix->payload_bytes),
        prefix->payload_bytes);
  return true;
}

void Connection::apply(FrameOutcome outcome, std::uint64_t payload_bytes) {
  destination_ = std::move(outcome.destination);
  switch (outcome.next) {
    case FrameOutcome::Next::kReadOn:
      break;
    case FrameOutcome::Next::kPayload:
      NB_CHECK(payload_bytes > 0);
      payload_remaining_ = payload_bytes;
      break;
    case FrameOutcome::Next::kStop:
      stopped_ = true;
      break;
  }
}

// --- Writing

void Connection::write(std::shared_ptr<const OutgoingFrame> frame) {
  batch_.push_back(std::move(frame));
  pump();
}

void Connection::fill_batch() {
  while (2 * batch_.size() + 2 <= limits::kMaxGatherBuffers) {
    auto frame = owner_->next_frame(*this);
    if (!frame) break;
    batch_.push_back(std::move(frame));
  }
  batch_buffers_.clear();
  std::size_t skip = batch_offset_;
  for (const auto& frame : batch_) {
    for (const std::span<const std::byte> part :
         {std::span<const std::byte>(frame->head),
          std::span<const std::byte>(frame->payload.bytes())}) {
      if (skip >= part.size()) {
        skip -= part.size();
        continue;
      }
      batch_buffers_.emplace_back(part.data() + skip, part.size() - skip);
      skip = 0;
    }
  }
}

void Connection::written(std::size_t bytes) {
  counters_.bytes_sent += bytes;
  batch_offset_ += bytes;
  std::size_t done = 0;
  while (done < batch_.size() && batch_offset_ >= batch_[done]->size()) {
    batch_offset_ -= batch_[done]->size();
    ++done;
  }
  batch_.erase(batch_.begin(), batch_.begin() + static_cast<std::ptrdiff_t>(done));
}

void Connection::pump() {
  if (!open_) return;
  while (!closed_ && !writing_) {
    fill_batch();
    if (batch_buffers_.empty()) return;
    error_code error;
    const std::size_t bytes = stream_->write_now(batch_buffers_, error);
    if (error) {
      writing_ = true;  // for good
      fail_later(error.message());
      return;
    }
    written(bytes);
    if (bytes > 0) continue;
    writing_ = true;
    stream_->wait_writable(shared_from_this());
  }
}

void Connection::writable() {
  if (closed_) return;
  writing_ = false;
  pump();
}

}  // namespace netbinder::tcp
