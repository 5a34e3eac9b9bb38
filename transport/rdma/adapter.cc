// SPDX-License-Identifier: Apache-2.0
#include "transport/rdma/adapter.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "core/base/check.h"
#include "transport/log.h"
#include "transport/rdma/limits.h"

namespace netbinder::rdma {

Adapter::Adapter(boost::asio::io_context& io, std::unique_ptr<Verbs> verbs, DeviceChoice choice,
                 std::uint64_t max_registered_bytes)
    : io_(io),
      verbs_(std::move(verbs)),
      choice_(std::move(choice)),
      max_registered_bytes_(max_registered_bytes),
      watch_(io) {}

Adapter::~Adapter() {
  NB_CHECK(sinks_.empty() && registered_bytes_ == 0);
  if (watch_.is_open()) watch_.release();  // the device's to close
}

std::expected<void, std::string> Adapter::open() {
  if (!lost_.empty()) {
    if (!sinks_.empty()) return std::unexpected(lost_);
    device_.reset();
    lost_.clear();
  }
  if (device_) return {};
  auto opened = verbs_->open(choice_);
  if (!opened) return std::unexpected(opened.error());
  device_ = std::move(*opened);
  armed_ = false;
  watch_.assign(device_->event_fd());
  watch();
  log::rdma.info("RDMA device {}", device_->description());
  return {};
}

void Adapter::watch() {
  watch_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                    [weak = weak_from_this()](const boost::system::error_code& error) {
                      const auto self = weak.lock();
                      if (!self || error || !self->watch_.is_open()) return;
                      self->armed_ = false;
                      auto failure = self->device_->take_events();
                      (void)self->poll();
                      if (failure && self->lost_.empty()) self->lose(std::move(*failure));
                      if (self->watch_.is_open()) self->watch();
                    });
}

void Adapter::lose(std::string reason) {
  log::rdma.warn("RDMA device {}: {}", device_->description(), reason);
  lost_ = std::move(reason);
  watch_.release();
  std::vector<QueuePairNumber> numbers;
  for (const auto& [number, sink] : sinks_) numbers.push_back(number);
  for (const QueuePairNumber number : numbers) {
    if (CompletionSink* sink = sink_of(number)) sink->device_lost(lost_);
  }
}

CompletionSink* Adapter::sink_of(QueuePairNumber number) const {
  const auto found = sinks_.find(number);
  return found == sinks_.end() ? nullptr : found->second;
}

void Adapter::note(QueuePairNumber number) {
  if (std::ranges::find(noted_, number) == noted_.end()) noted_.push_back(number);
}

bool Adapter::poll() {
  if (sinks_.empty()) return false;
  std::array<Completion, kPollBatch> batch;
  bool any = false;
  // Messages of peers come before the completions of our own requests.
  const std::size_t received = device_->poll_receives(batch);
  for (const Completion& completion : std::span(batch).first(received)) {
    if (CompletionSink* sink = sink_of(completion.queue_pair)) {
      sink->receive_done(completion);
      note(completion.queue_pair);
    }
  }
  any = received > 0;
  const std::size_t sent = device_->poll_sends(batch);
  for (const Completion& completion : std::span(batch).first(sent)) {
    if (CompletionSink* sink = sink_of(completion.queue_pair)) {
      sink->send_done(completion);
      note(completion.queue_pair);
    }
  }
  any = any || sent > 0;
  const auto noted = std::exchange(noted_, {});
  for (const QueuePairNumber number : noted) {
    if (CompletionSink* sink = sink_of(number)) sink->process();
  }
  noted_.clear();
  return any;
}

bool Adapter::arm() {
  if (sinks_.empty() || !lost_.empty()) return true;
  if (!armed_) {
    if (const int error = device_->arm(); error != 0) {
      lose("cannot ask for completions: error " + std::to_string(-error));
      return false;
    }
    armed_ = true;
  }
  return !poll();
}

std::uint64_t Adapter::now_ms() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

bool Adapter::reserve(std::uint64_t bytes) {
  if (bytes > max_registered_bytes_ - registered_bytes_) return false;
  registered_bytes_ += bytes;
  return true;
}

void Adapter::release(std::uint64_t bytes) {
  NB_CHECK(bytes <= registered_bytes_);
  registered_bytes_ -= bytes;
}

}  // namespace netbinder::rdma
