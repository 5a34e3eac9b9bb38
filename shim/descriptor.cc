// SPDX-License-Identifier: Apache-2.0
#include "shim/descriptor.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

#include "shim/allocation.h"
#include "shim/known_fds.h"
#include "shim/process_state.h"
#include "shim/real_calls.h"

namespace netbinder {
namespace {

constinit Descriptor* all_descriptors = nullptr;  // guarded by the state lock

void end_channel(Descriptor& descriptor) {
  for (std::atomic<int>& helper : descriptor.helpers) {
    const int fd = helper.exchange(-1, std::memory_order_relaxed);
    if (fd < 0) continue;
    KnownFds::forget(fd);
    real::syscall(SYS_close, fd);
  }
  descriptor.memory.end();
}

void drop_reference(Descriptor& descriptor) {
  // The step to zero is made below, when nothing of the channel is left: after it the pool may hand
  // the Descriptor out again.
  std::uint32_t references = descriptor.references.load(std::memory_order_relaxed);
  while (references > 1) {
    if (descriptor.references.compare_exchange_weak(references, references - 1,
                                                    std::memory_order_acq_rel)) {
      return;
    }
  }
  const StateLock lock;
  // Another thread may have found it in the table at the last moment.
  if (descriptor.references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  end_channel(descriptor);
  descriptor.generation.fetch_add(1, std::memory_order_release);
}

}  // namespace

bool Descriptor::is_opener() const { return !foreign && opened_in == fork_generation(); }

DescriptorReference::~DescriptorReference() {
  if (descriptor_ != nullptr) drop_reference(*descriptor_);
}

DescriptorReference& DescriptorReference::operator=(DescriptorReference&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

DescriptorReference try_reference(Descriptor* descriptor) {
  std::uint32_t references = descriptor->references.load(std::memory_order_acquire);
  while (references > 0) {
    if (descriptor->references.compare_exchange_weak(references, references + 1,
                                                     std::memory_order_acquire)) {
      return DescriptorReference(descriptor);
    }
  }
  return {};
}

DescriptorReference find_by_socket(dev_t device, ino_t inode) {
  const StateLock lock;
  for (Descriptor* each = all_descriptors; each != nullptr; each = each->next) {
    if (each->socket_inode != inode || each->socket_device != device) continue;
    if (DescriptorReference reference = try_reference(each)) return reference;
  }
  return {};
}

Descriptor* new_descriptor() {
  const StateLock lock;
  Descriptor* found = all_descriptors;
  while (found != nullptr && (found->references.load(std::memory_order_acquire) != 0)) {
    found = found->next;
  }
  if (found == nullptr) {
    found = make_object<Descriptor>();
    if (found == nullptr) return nullptr;
    found->next = all_descriptors;
    all_descriptors = found;
  }
  found->nonblocking.store(false, std::memory_order_relaxed);
  found->closed.store(false, std::memory_order_relaxed);
  found->dead.store(false, std::memory_order_relaxed);
  for (std::atomic<int>& helper : found->helpers) helper.store(-1, std::memory_order_relaxed);
  for (std::uint64_t& word : found->handed_over) word = 0;
  found->shows_namespaces.store(false, std::memory_order_relaxed);
  found->open_fds = 0;
  found->forked = false;
  found->arena_bytes.store(0, std::memory_order_relaxed);
  found->foreign = false;
  found->opened_in = fork_generation();
  found->references.store(1, std::memory_order_release);
  return found;
}

void note_fork_of_descriptors() {
  for (Descriptor* each = all_descriptors; each != nullptr; each = each->next) {
    each->forked = true;
  }
}

Descriptor* first_descriptor() {
  const StateLock lock;
  return all_descriptors;
}

void settle_descriptors_after_fork(bool (*is_in_use)(const Descriptor& descriptor)) {
  for (Descriptor* each = all_descriptors; each != nullptr; each = each->next) {
    each->install_mutex = PTHREAD_MUTEX_INITIALIZER;
    if (each->references.load(std::memory_order_relaxed) == 0) continue;
    each->forked = true;
    // The calls in progress belong to other threads, which do not exist in this process. A call of
    // this very thread (fork in a signal handler) keeps what it uses: such a Descriptor is never
    // given back.
    if (is_in_use(*each)) continue;
    if (each->open_fds > 0) {
      each->references.store(1, std::memory_order_relaxed);
    } else {
      each->references.store(0, std::memory_order_relaxed);
      end_channel(*each);
      each->generation.fetch_add(1, std::memory_order_release);
    }
  }
}

}  // namespace netbinder
