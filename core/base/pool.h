// SPDX-License-Identifier: Apache-2.0
//
// A free list of objects of one type: after warm-up, creating and destroying allocates nothing.
// The pool owns the storage. An object belongs to the Owner that make() returns; where objects are
// kept in intrusive lists and tables, create() and destroy() are for the class whose table it is.
//
// The object destroyed last is used next, and storage that was never used is not touched, so a pool
// with few live objects takes little memory and little of the processor's cache.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "core/base/check.h"

#if defined(__SANITIZE_ADDRESS__)
#define NB_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define NB_ADDRESS_SANITIZER 1
#endif
#endif

namespace netbinder {

template <typename T>
class Pool {
 public:
  Pool() = default;
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  template <typename... Args>
  [[nodiscard]] T* create(Args&&... args) {
    ++live_;
    ++created_;
#ifdef NB_ADDRESS_SANITIZER
    // From the heap, so that the sanitizer sees who uses an object that was destroyed.
    return new T(std::forward<Args>(args)...);
#else
    return ::new (take()) T(std::forward<Args>(args)...);
#endif
  }

  void destroy(T* object) {
    NB_CHECK(object != nullptr && live_ > 0);
    --live_;
#ifdef NB_ADDRESS_SANITIZER
    delete object;
#else
    object->~T();
    free_ = ::new (static_cast<void*>(object)) Free{free_};
#endif
  }

  struct Destroy {
    Pool* pool;
    void operator()(T* object) const { pool->destroy(object); }
  };
  // Destroys the object unless it is released into a list or table before.
  using Owner = std::unique_ptr<T, Destroy>;

  template <typename... Args>
  [[nodiscard]] Owner make(Args&&... args) {
    return Owner(create(std::forward<Args>(args)...), Destroy{this});
  }

  [[nodiscard]] std::size_t live() const { return live_; }
  [[nodiscard]] std::uint64_t created() const { return created_; }

 private:
  // Each block is twice as large as the one before it, so that a small pool takes little memory.
  static constexpr std::size_t kFirstBlockSlots = 4;
  static constexpr std::size_t kMaxBlockSlots = 64;

  struct Free {
    Free* next;
  };
  struct Slot {
    alignas(std::max(alignof(T), alignof(Free))) std::byte bytes[std::max(sizeof(T), sizeof(Free))];
  };

  void* take() {
    if (free_ != nullptr) return std::exchange(free_, free_->next);
    if (unused_ == 0) {
      block_slots_ = std::min(block_slots_ * 2, kMaxBlockSlots);
      blocks_.push_back(std::make_unique_for_overwrite<Slot[]>(block_slots_));
      unused_ = block_slots_;
    }
    return blocks_.back()[block_slots_ - unused_--].bytes;
  }

  std::vector<std::unique_ptr<Slot[]>> blocks_;
  std::size_t block_slots_ = kFirstBlockSlots / 2;  // of the latest block
  std::size_t unused_ = 0;                          // at its end
  Free* free_ = nullptr;
  std::size_t live_ = 0;
  std::uint64_t created_ = 0;
};

}  // namespace netbinder
