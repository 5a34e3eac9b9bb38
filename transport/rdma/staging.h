// SPDX-License-Identifier: Apache-2.0
//
// Memory that holds the payloads to one peer, for the device to send from. Each of the peer's queue
// pairs registers all of it. Payloads outlive queue pairs, because they are kept until the peer has
// acknowledged them.
//
// Owned by shared_ptr, by the peer's link and by the payloads in it. Thread: the data-plane thread.
#pragma once

#include <boost/interprocess/indexes/iset_index.hpp>
#include <boost/interprocess/managed_external_buffer.hpp>
#include <boost/interprocess/mem_algo/rbtree_best_fit.hpp>
#include <boost/interprocess/sync/mutex_family.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "core/wire/payload.h"

namespace netbinder::rdma {

class Staging : public std::enable_shared_from_this<Staging> {
 public:
  // Throws std::bad_alloc. The system provides the memory only when it is registered.
  explicit Staging(std::size_t bytes);
  ~Staging();
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;

  // Memory for a payload, which keeps all of the staging alive; nothing if there is no room.
  [[nodiscard]] std::optional<Payload> allocate(std::uint64_t bytes);
  [[nodiscard]] std::span<std::byte> memory() const { return memory_; }
  [[nodiscard]] bool holds(std::span<const std::byte> bytes) const {
    return bytes.data() >= memory_.data() && bytes.data() < memory_.data() + memory_.size();
  }

 private:
  static constexpr std::size_t kAlignment = 64;
  using Allocator = boost::interprocess::basic_managed_external_buffer<
      char,
      boost::interprocess::rbtree_best_fit<boost::interprocess::null_mutex_family,
                                           boost::interprocess::offset_ptr<void>, kAlignment>,
      boost::interprocess::iset_index>;

  std::span<std::byte> memory_;
  Allocator allocator_;
};

}  // namespace netbinder::rdma
