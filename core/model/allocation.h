// SPDX-License-Identifier: Apache-2.0
//
// The owner of one buffer of an arena, from its allocation until the program gets it. When it ends,
// it ends all that the buffer holds, in one place (end()): the turn of its node's oneway calls, the
// reference to that node, the nodes and references of its objects, its contents if the sender asked
// for that, and the range itself.
//
// Owned by a Transaction until that is read, by an ArrivingPayload while the payload arrives, by a
// LeasedSpace while the buffer is lent, or by the code that makes the call.
#pragma once

#include <cstdint>
#include <span>
#include <utility>

#include "core/base/check.h"
#include "core/model/buffer.h"

namespace netbinder {

class Process;
class Thread;

class Allocation {
 public:
  Allocation() = default;
  Allocation(Process& process, Buffer& buffer) : process_(&process), buffer_(&buffer) {}
  Allocation(Allocation&& other) noexcept
      : process_(other.process_), buffer_(std::exchange(other.buffer_, nullptr)) {}
  Allocation& operator=(Allocation&& other) noexcept {
    if (this != &other) {
      end();
      process_ = other.process_;
      buffer_ = std::exchange(other.buffer_, nullptr);
    }
    return *this;
  }
  ~Allocation() { end(); }

  explicit operator bool() const { return buffer_ != nullptr; }
  [[nodiscard]] Process& process() const { return *process_; }
  [[nodiscard]] const Buffer& buffer() const { return *buffer_; }

  // ---- what it is part of, and what it holds ----
  void set_debug_id(std::uint32_t debug_id) { buffer_->debug_id_ = debug_id; }
  void clear_when_freed(bool clear) { buffer_->clear_on_free_ = clear; }
  // The buffer is that of a call of the node, and holds a strong reference to it.
  void call_of(Node& node);
  // The first `count` objects in the buffer hold the nodes and references that they name.
  void objects_hold(std::uint64_t count) { buffer_->objects_ = static_cast<std::uint32_t>(count); }
  // One more object holds what it names, in a buffer that a peer's device has written.
  void object_holds(const HeldObject& held) { buffer_->extras().held.push_back(held); }
  // A descriptor of an fd array: the program closes it when it has freed the buffer.
  void add_array_fd(int fd) { buffer_->extras().array_fds.push_back(fd); }
  // Its oneway call has the turn of its node from now on.
  void take_turn() { buffer_->has_turn_ = true; }
  Buffer* carried_by(Transaction* transaction) {
    buffer_->transaction_ = transaction;
    return buffer_;
  }
  // The lent buffer becomes that of a payload. -EINVAL: it is too small, and nothing has changed.
  [[nodiscard]] int use_lent(const PayloadShape& shape, std::int32_t sender_pid);

  // ---- ends ----
  void end();
  // The payload has been read: the buffer is the program's from now on.
  void hand_over() { std::exchange(buffer_, nullptr)->programs_ = true; }
  // Takes back the program's buffer at an address, which that thread frees (BC_FREE_BUFFER). The
  // thread returns to its program, which then closes the descriptors of fd arrays in the buffer.
  static Allocation take_back(Thread& thread, std::uint64_t user_address);
  // Leaves the buffer to nobody until its process ends: as with the kernel's driver, a call that
  // was discarded unread leaves its buffer where it is.
  void abandon() {
    (void)carried_by(nullptr);
    buffer_ = nullptr;
  }
  // The transaction of a buffer that is the program's already has ended.
  static void unlink(Buffer& buffer) { buffer.transaction_ = nullptr; }

 private:
  void pass_turn_on();
  void release_objects();
  void release_object(const HeldObject& held);

  Process* process_ = nullptr;
  Buffer* buffer_ = nullptr;
};

}  // namespace netbinder
