// SPDX-License-Identifier: Apache-2.0
#include "transport/rdma/staging.h"

#include <sys/mman.h>

#include <new>

namespace netbinder::rdma {

Staging::Staging(std::size_t bytes) {
  void* const base =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED) throw std::bad_alloc();
  memory_ = {static_cast<std::byte*>(base), bytes};
  allocator_ = Allocator(boost::interprocess::create_only, base, bytes);
}

Staging::~Staging() {
  allocator_ = Allocator();
  ::munmap(memory_.data(), memory_.size());
}

std::optional<Payload> Staging::allocate(std::uint64_t bytes) {
  void* const place = allocator_.allocate(bytes, std::nothrow);
  if (place == nullptr) return std::nullopt;
  std::shared_ptr<void> owner(place, [self = shared_from_this()](void* released) {
    self->allocator_.deallocate(released);
  });
  return Payload({static_cast<std::byte*>(place), bytes}, std::move(owner));
}

}  // namespace netbinder::rdma
