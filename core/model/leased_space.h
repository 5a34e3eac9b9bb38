// SPDX-License-Identifier: Apache-2.0
//
// A lease (core/wire/lease.h) that has not ended: the owner of the space. The peer has it by its
// number, the process in a list; whichever of the two goes first ends it, and so the space.
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
  // In whose arena the space is.
  [[nodiscard]] Process& process() const { return process_; }
  // None once it has become the place of a message's payload.
  [[nodiscard]] Allocation& space() { return space_; }
  [[nodiscard]] const Allocation& space() const { return space_; }
  // At the beginning of the space, for the payload's image.
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
