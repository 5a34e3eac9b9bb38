// SPDX-License-Identifier: Apache-2.0
//
// The RDMA device of a transport. It is opened when first needed; its completions are handed to
// their queue pairs, and its registered memory is counted against a limit.
//
// States:  Closed ── open() ──→ Open ── the device or its port fails ──→ Lost
//          Lost ── no queue pair is left, open() ──→ Open, with a device of its own
//
// Owned by the transport by shared_ptr; endpoints hold it too. Thread: the data-plane thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "transport/rdma/verbs.h"

namespace netbinder::rdma {

// The receiver of a queue pair's completions.
class CompletionSink {
 public:
  virtual ~CompletionSink() = default;
  // Each notes a completion.
  virtual void receive_done(const Completion& completion) = 0;
  virtual void send_done(const Completion& completion) = 0;
  // Called after some of these: handles the noted completions. May end any queue pair.
  virtual void process() = 0;
  // The device can no longer be used. May end any queue pair.
  virtual void device_lost(const std::string& reason) = 0;
};

class Adapter : public std::enable_shared_from_this<Adapter> {
 public:
  Adapter(boost::asio::io_context& io, std::unique_ptr<Verbs> verbs, DeviceChoice choice,
          std::uint64_t max_registered_bytes);
  ~Adapter();
  Adapter(const Adapter&) = delete;
  Adapter& operator=(const Adapter&) = delete;

  // Makes sure that a device is open. An error says what is missing.
  std::expected<void, std::string> open();
  [[nodiscard]] Device& device() const { return *device_; }

  // `sink` receives this queue pair's completions until it is removed.
  void add(QueuePairNumber number, CompletionSink& sink) { sinks_.emplace(number, &sink); }
  void remove(QueuePairNumber number) { sinks_.erase(number); }

  // Handles what has completed. True if there was anything.
  bool poll();
  // From here on completions wake the event loop. False if some were there already; they are
  // handled.
  bool arm();

  // Counts memory to be registered. False if there would be too much of it.
  [[nodiscard]] bool reserve(std::uint64_t bytes);
  void release(std::uint64_t bytes);
  [[nodiscard]] std::uint64_t registered_bytes() const { return registered_bytes_; }
  [[nodiscard]] std::uint64_t max_registered_bytes() const { return max_registered_bytes_; }

  [[nodiscard]] boost::asio::io_context& io() const { return io_; }
  [[nodiscard]] static std::uint64_t now_ms();

 private:
  void watch();
  void lose(std::string reason);
  CompletionSink* sink_of(QueuePairNumber number) const;
  void note(QueuePairNumber number);

  boost::asio::io_context& io_;
  std::unique_ptr<Verbs> verbs_;
  const DeviceChoice choice_;
  const std::uint64_t max_registered_bytes_;
  std::uint64_t registered_bytes_ = 0;

  std::unique_ptr<Device> device_;
  std::string lost_;  // why, if it is
  boost::asio::posix::stream_descriptor watch_;
  bool armed_ = false;
  boost::unordered_flat_map<QueuePairNumber, CompletionSink*, std::hash<QueuePairNumber>> sinks_;
  std::vector<QueuePairNumber> noted_;
};

}  // namespace netbinder::rdma
