// SPDX-License-Identifier: Apache-2.0
//
// A range of a process's arena, free or allocated, and what an allocated one holds. Owned by its
// BufferAllocator, which alone changes the range. Allocation changes what the buffer holds, and in
// the end gives it back.
//
//   free -> reserved        allocate(): an Allocation owns it, it is being filled or is queued
//   free -> lent            lend(): a peer may yet write a payload there (core/wire/lease.h)
//   lent -> reserved        use_lent(): the payload's message has come
//   reserved -> program's   the call or reply has been read (Allocation::hand_over)
//   reserved -> abandoned   its call was discarded unread (Allocation::abandon): nobody's, until
//                           the process ends
//   program's -> reserved   BC_FREE_BUFFER takes it back, to end it at once
//   reserved, lent -> free  its Allocation ends
// No edge leads from the program's or an abandoned buffer to free: only an Allocation frees a
// buffer, or the end of the whole arena.
#pragma once

#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/wire/payload_shape.h"

namespace netbinder {

class Allocation;
class BufferAllocator;
class Node;
class Transaction;

// A node or a reference that an object in a buffer holds, until the buffer is freed.
struct HeldObject {
  std::uint32_t type = 0;   // BINDER_TYPE_*
  std::uint64_t value = 0;  // the node's ptr, or the handle
};

// Two cache lines, as each call touches some buffers of processes that have been idle for long.
class alignas(64) Buffer {
 public:
  enum class Space : bool { kSync, kAsync };

  [[nodiscard]] std::uint64_t offset() const { return offset_; }
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] bool free() const { return free_; }
  [[nodiscard]] bool lent() const { return lent_; }
  [[nodiscard]] bool async() const { return async_; }
  [[nodiscard]] bool spam_suspect() const { return spam_suspect_; }
  [[nodiscard]] std::int32_t sender_pid() const { return sender_pid_; }
  // The extra part includes the security context.
  [[nodiscard]] const PayloadShape& shape() const { return shape_; }
  [[nodiscard]] bool written_by_peer() const { return written_by_peer_; }

  [[nodiscard]] std::uint32_t debug_id() const { return debug_id_; }
  [[nodiscard]] bool is_programs() const { return programs_; }
  // The node that the call is made to; null for replies.
  [[nodiscard]] Node* target() const { return target_; }
  // Whether its oneway call has the turn of the node.
  [[nodiscard]] bool has_turn() const { return has_turn_; }
  // The call or reply that it is part of, while there is one.
  [[nodiscard]] const Transaction* transaction() const { return transaction_; }

 private:
  friend class Allocation;
  friend class BufferAllocator;

  // Few buffers have these.
  struct Extras {
    std::vector<HeldObject> held;
    std::vector<int> array_fds;  // descriptors of fd arrays, closed when the buffer is freed
  };
  Extras& extras() {
    if (!extras_) extras_ = std::make_unique<Extras>();
    return *extras_;
  }

  std::uint64_t offset_ = 0;
  std::uint64_t size_ = 0;
  bool free_ = true;
  bool lent_ = false;
  // A peer's device wrote the payload, and may be able to write there again. So what its objects
  // hold is not read from the arena, but kept apart.
  bool written_by_peer_ = false;
  bool async_ = false;
  bool programs_ = false;  // the program has it, until it frees it
  bool clear_on_free_ = false;
  bool spam_suspect_ = false;
  bool has_turn_ = false;
  std::int32_t sender_pid_ = 0;
  std::uint32_t debug_id_ = 0;
  std::uint32_t objects_ = 0;  // that many of the first objects hold what they name

  Node* target_ = nullptr;  // with a local strong reference
  Transaction* transaction_ = nullptr;
  PayloadShape shape_;
  std::unique_ptr<Extras> extras_;

  boost::intrusive::list_member_hook<> address_hook_;
  boost::intrusive::set_member_hook<boost::intrusive::optimize_size<true>> tree_hook_;
};
static_assert(sizeof(Buffer) == 128);

}  // namespace netbinder
