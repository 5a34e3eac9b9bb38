// SPDX-License-Identifier: Apache-2.0
#include "ndk/parcel/spare_memory.h"

#include <cstdlib>
#include <utility>

namespace netbinder::ndk {
namespace {

// Under a sanitizer each parcel has memory of its own, or what is written behind one would not be
// seen.
#if defined(__SANITIZE_ADDRESS__)
#define NETBINDER_EACH_ITS_OWN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define NETBINDER_EACH_ITS_OWN 1
#endif
#endif
#if defined(NETBINDER_EACH_ITS_OWN)
constexpr bool kKeeps = false;
#else
constexpr bool kKeeps = true;
#endif

// Parcels may end later than this, with objects of the program's that outlive the thread's own.
enum class State { kNone, kThere, kEnded };
thread_local constinit State state = State::kNone;

struct Spare {
  Spare() { state = State::kThere; }
  ~Spare() {
    state = State::kEnded;
    std::free(memory);
  }
  Spare(const Spare&) = delete;
  Spare& operator=(const Spare&) = delete;

  void* memory = nullptr;
  std::size_t size = 0;
};

Spare& spare() {
  static thread_local Spare mine;
  return mine;
}

}  // namespace

void* take_memory(std::size_t& size) {
  if (kKeeps && state == State::kThere && spare().size >= size && size <= kMostSpareBytes) {
    size = std::exchange(spare().size, 0);
    return std::exchange(spare().memory, nullptr);
  }
  return std::malloc(size);
}

void give_back_memory(void* memory, std::size_t size) {
  if (!kKeeps || size > kMostSpareBytes || state == State::kEnded || spare().size >= size) {
    std::free(memory);
    return;
  }
  std::free(std::exchange(spare().memory, memory));
  spare().size = size;
}

}  // namespace netbinder::ndk
