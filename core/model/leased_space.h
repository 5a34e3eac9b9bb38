// SPDX-License-Identifier: Apache-2.0
//
// A lease (core/wire/lease.h) that has not ended: the owner of the space. The peer finds it by its
// number, the process in a list. It ends, and frees the space, when the first of the two goes.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <utility>

#include "core/base/ids.h"
#include "core/model/allocation.h"

namespace netbinder {

class Peer;

class LeasedSpace {
 public:
  LeasedSpace(LeaseId id, Peer& holder, Allocation space, std::uint64_t image_bytes)
      : id_(id),
        holder_(holder),
        process_(space.process()),
        space_(std::move(space)),
        image_bytes_(image_bytes) {}
  LeasedSpace(const LeasedSpace&) = delete;
  LeasedSpace& operator=(const LeasedSpace&) = delete;

  [[nodiscard]] LeaseId id() const { return id_; }
  [[nodiscard]] Peer& holder() const { return holder_; }
  // The process whose arena has the space.
  [[nodiscard]] Process& process() const { return process_; }
  // Empty once the space has become the place of a message's payload.
  [[nodiscard]] Allocation& space() { return space_; }
  [[nodiscard]] const Allocation& space() const { return space_; }
  // The size of the part at the beginning of the space that is for the payload's image.
  [[nodiscard]] std::uint64_t image_bytes() const { return image_bytes_; }

  boost::intrusive::list_member_hook<> process_hook;  // for the process's list only

 private:
  LeaseId id_;
  Peer& holder_;
  Process& process_;
  Allocation space_;
  std::uint64_t image_bytes_;
};

}  // namespace netbinder
