// SPDX-License-Identifier: Apache-2.0
//
// Objects in memory of the C library. The C++ library's new and delete would bring its exceptions along,
// and with them symbols that older C libraries lack. Any thread.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>
#include <utility>

namespace netbinder {

// Null if memory is short.
template <typename T, typename... Arguments>
T* make_object(Arguments&&... arguments) {
  constexpr std::size_t kBytes = (sizeof(T) + alignof(T) - 1) / alignof(T) * alignof(T);
  void* const memory =
      alignof(T) > alignof(std::max_align_t) ? std::aligned_alloc(alignof(T), kBytes)
                                             : std::malloc(kBytes);
  return memory == nullptr ? nullptr : ::new (memory) T{std::forward<Arguments>(arguments)...};
}

template <typename T>
void destroy_object(T* object) {
  object->~T();
  std::free(object);
}

// Allocates that many objects, as their default initializers leave them.
template <typename T>
T* make_objects(std::size_t count) {
  static_assert(alignof(T) <= alignof(std::max_align_t));
  void* const memory = std::malloc(count * sizeof(T));
  if (memory == nullptr) return nullptr;
  for (std::size_t i = 0; i < count; ++i) ::new (static_cast<T*>(memory) + i) T{};
  return static_cast<T*>(memory);
}

}  // namespace netbinder
