// SPDX-License-Identifier: Apache-2.0
//
// A free list of objects of one type: after warm-up, creating and destroying allocates nothing.
// The pool owns the storage; its users own the objects and destroy each exactly once.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "core/check.h"

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
    if (free_.empty()) grow();
    Slot* slot = free_.back();
    free_.pop_back();
    return ::new (static_cast<void*>(slot->bytes)) T(std::forward<Args>(args)...);
#endif
  }

  void destroy(T* object) {
    NB_CHECK(object != nullptr && live_ > 0);
    --live_;
#ifdef NB_ADDRESS_SANITIZER
    delete object;
#else
    object->~T();
    free_.push_back(reinterpret_cast<Slot*>(object));
#endif
  }

  [[nodiscard]] std::size_t live() const { return live_; }
  [[nodiscard]] std::uint64_t created() const { return created_; }

 private:
  static constexpr std::size_t kSlotsPerBlock = 64;
  struct Slot {
    alignas(T) std::byte bytes[sizeof(T)];
  };

  void grow() {
    blocks_.push_back(std::make_unique<Slot[]>(kSlotsPerBlock));
    free_.reserve(blocks_.size() * kSlotsPerBlock);
    for (std::size_t i = kSlotsPerBlock; i-- > 0;) free_.push_back(&blocks_.back()[i]);
  }

  std::vector<std::unique_ptr<Slot[]>> blocks_;
  std::vector<Slot*> free_;
  std::size_t live_ = 0;
  std::uint64_t created_ = 0;
};

}  // namespace netbinder
