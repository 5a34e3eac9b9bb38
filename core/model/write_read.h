// SPDX-License-Identifier: Apache-2.0
//
// A BINDER_WRITE_READ in progress: how far its commands have been carried out, and what has been
// put into its read buffer, which is write-only memory of the host program. Part of its thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include "core/base/check.h"
#include "core/base/uapi.h"

namespace netbinder {

// A BINDER_WRITE_READ as it begins. The commands were copied from the program already and are only
// used during the call; the read buffer stays valid until ioctl_done.
struct WriteReadRequest {
  std::span<const std::byte> commands;
  bool reads = false;      // read_size was not 0
  bool fresh_read = true;  // read_consumed was 0
  bool nonblocking = false;
  std::int32_t nice = 0;  // the thread's
  std::span<std::byte> read_buffer;
};

class WriteRead {
 public:
  void begin(const WriteReadRequest& request) {
    *this = {};
    commands_ = request.commands;
    read_buffer_ = request.read_buffer;
    reads_ = request.reads;
    fresh_read_ = request.fresh_read;
    nonblocking_ = request.nonblocking;
  }
  void begin_posted(std::span<std::byte> read_buffer) {
    *this = {};
    read_buffer_ = read_buffer;
    reads_ = fresh_read_ = true;
  }
  void reset() { *this = {}; }

  // ---- commands ----
  [[nodiscard]] std::span<const std::byte> rest() const {
    return commands_.subspan(write_consumed_);
  }
  [[nodiscard]] bool written() const { return write_consumed_ >= commands_.size(); }
  [[nodiscard]] std::uint64_t write_consumed() const { return write_consumed_; }
  void consume(std::size_t bytes) { write_consumed_ += bytes; }
  // Whether any command follows the one that is being carried out.
  [[nodiscard]] bool commands_follow() const {
    std::uint32_t running = 0;
    NB_CHECK(rest().size() >= sizeof running);
    std::memcpy(&running, rest().data(), sizeof running);
    return rest().size() > sizeof running + _IOC_SIZE(running);
  }
  // Whether the commands were copied to last beyond the event: the request's end with it.
  [[nodiscard]] bool kept() const { return kept_; }
  [[nodiscard]] std::span<const std::byte> commands() const { return commands_; }
  void keep(std::span<const std::byte> copy) {
    kept_ = true;
    commands_ = copy;
  }
  void commands_done() {
    kept_ = false;
    commands_ = {};
  }

  // ---- reading ----
  [[nodiscard]] bool reads() const { return reads_; }
  [[nodiscard]] bool fresh_read() const { return fresh_read_; }
  [[nodiscard]] bool nonblocking() const { return nonblocking_; }
  [[nodiscard]] std::uint64_t read_consumed() const { return read_position_; }
  [[nodiscard]] std::size_t room() const { return read_buffer_.size() - read_position_; }
  void start_reading() {
    read_position_ = 0;
    if (fresh_read_ && read_buffer_.size() >= sizeof(std::uint32_t)) {
      const std::uint32_t noop = BR_NOOP;
      put(&noop, sizeof noop);
    }
  }
  void discard_read() { read_position_ = 0; }
  void put(const void* bytes, std::size_t size) {
    NB_CHECK(room() >= size);
    std::memcpy(read_buffer_.data() + read_position_, bytes, size);
    read_position_ += size;
  }
  // Whether it holds nothing but the BR_NOOP that a fresh read begins with.
  [[nodiscard]] bool said_nothing() const {
    return fresh_read_ && read_position_ == sizeof(std::uint32_t);
  }
  // BR_SPAWN_LOOPER replaces the first command: the BR_NOOP, or whatever an earlier read has put
  // there, which only the host program can reach.
  void ask_for_looper() {
    if (!fresh_read_) {
      wants_looper_ = true;
      return;
    }
    const std::uint32_t spawn = BR_SPAWN_LOOPER;
    std::memcpy(read_buffer_.data(), &spawn, sizeof spawn);
  }
  [[nodiscard]] bool has_first_command() const {
    return !fresh_read_ || read_position_ >= sizeof(std::uint32_t);
  }
  bool take_wants_looper() { return std::exchange(wants_looper_, false); }

 private:
  std::span<const std::byte> commands_;
  std::uint64_t write_consumed_ = 0;
  std::span<std::byte> read_buffer_;
  std::uint64_t read_position_ = 0;
  bool reads_ = false;
  bool fresh_read_ = false;  // starts with BR_NOOP
  bool nonblocking_ = false;
  bool wants_looper_ = false;  // reported apart from the read buffer
  bool kept_ = false;
};

}  // namespace netbinder
