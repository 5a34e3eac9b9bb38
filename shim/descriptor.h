// SPDX-License-Identifier: Apache-2.0
//
// One open of a binder device as the program sees it: its end of the channel (channel/layout.h),
// shared by all descriptors that were dup'ed from what open returned.
//
// Descriptors live in a pool and their memory is never given back, so a thread may look at one that
// has just been closed; `references` says whether it is still in use. The open descriptors together
// hold one reference, and so does every call in progress. When the last reference goes, the channel
// ends in this process.
//
// Any thread. Members that are not atomic are set before the Descriptor can be found in the table,
// or are guarded by the state lock.
#pragma once

#include <pthread.h>
#include <sys/stat.h>

#include <atomic>
#include <cstdint>

#include "channel/hello.h"
#include "channel/layout.h"
#include "shim/channel_memory.h"

namespace netbinder {

// The members that a call needs are in the first cache line.
struct alignas(64) Descriptor {
  std::atomic<std::uint32_t> references = 0;
  std::atomic<std::uint32_t> generation = 1;  // grows whenever the pool gets it back

  std::atomic<bool> nonblocking = false;
  std::atomic<bool> closed = false;  // the last descriptor is gone; calls under way must end
  std::atomic<bool> dead = false;    // the agent is gone

  std::atomic<std::uint32_t> user_changes_told = 0;  // shim/identity.h
  std::atomic<bool> shows_namespaces = false;        // with its next request

  std::atomic<int> helpers[kHelloDescriptors];  // descriptors of ours, in the channel's order
  bool foreign = false;         // another program opened it, and this process came by it
  std::uint32_t opened_in = 0;  // fork_generation of the process that opened it
  char device[sizeof(Hello::name)] = {};
  bool in_binderfs = false;     // the device is one of a binderfs only
  dev_t socket_device = 0;  // tells our socket from a later file of the same number
  ino_t socket_inode = 0;

  // Guarded by the state lock.
  std::uint32_t open_fds = 0;
  bool forked = false;         // some other process may have copies of the descriptors
  Descriptor* next = nullptr;  // in the list of all, used or not

  // Descriptors that arrive for another thread's mailbox are put into its `fds` and noted here.
  pthread_mutex_t install_mutex = PTHREAD_MUTEX_INITIALIZER;
  std::uint64_t handed_over[kMailboxes / 64] = {};  // guarded by install_mutex

  ChannelMemory memory;
  // The opener's mapping of the arena; size 0 if it has none.
  std::atomic<std::uint64_t> arena_address = 0;
  std::atomic<std::uint64_t> arena_bytes = 0;

  [[nodiscard]] int helper(HelloDescriptor which) const {
    return helpers[which].load(std::memory_order_relaxed);
  }
  // This process is the one that opened it. Others may use it, but the arena is the opener's.
  [[nodiscard]] bool is_opener() const;
};

// A reference to a Descriptor, or nothing.
class DescriptorReference {
 public:
  DescriptorReference() = default;
  // Takes over a reference that is already counted.
  explicit DescriptorReference(Descriptor* counted) : descriptor_(counted) {}
  DescriptorReference(DescriptorReference&& other) noexcept : descriptor_(other.descriptor_) {
    other.descriptor_ = nullptr;
  }
  DescriptorReference& operator=(DescriptorReference&& other) noexcept;
  ~DescriptorReference();

  explicit operator bool() const { return descriptor_ != nullptr; }
  Descriptor* get() const { return descriptor_; }
  Descriptor* operator->() const { return descriptor_; }
  Descriptor& operator*() const { return *descriptor_; }

 private:
  Descriptor* descriptor_ = nullptr;
};

// A reference to it, or nothing if it is in the pool.
DescriptorReference try_reference(Descriptor* descriptor);

// The Descriptor that belongs to this socket. It may be closed already, with calls still in
// progress. Nothing if this process has none.
DescriptorReference find_by_socket(dev_t device, ino_t inode);

// A fresh one from the pool, with one reference; null if memory is short.
Descriptor* new_descriptor();

// For the fork handlers: the first with the state lock held, the second as the only thread of the
// process. `is_in_use` says whether the remaining thread is in a call on the Descriptor.
void note_fork_of_descriptors();
void settle_descriptors_after_fork(bool (*is_in_use)(const Descriptor& descriptor));

// None is ever taken out of the list that begins with this one; null if there is none.
Descriptor* first_descriptor();

// Calls it with each Descriptor that is in use.
template <typename Call>
void for_each_descriptor(Call call) {
  for (Descriptor* each = first_descriptor(); each != nullptr; each = each->next) {
    if (const DescriptorReference reference = try_reference(each)) call(*reference);
  }
}

}  // namespace netbinder
