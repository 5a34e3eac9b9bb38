// SPDX-License-Identifier: Apache-2.0
//
// A lease (core/lease.h) that has not ended: the peer has it by its number, the process in a list.
// Whichever of the two goes first ends it.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstdint>

#include "core/ids.h"

namespace netbinder {

struct Buffer;
struct Peer;
struct Process;

struct LeasedSpace {
  LeasedSpace(LeaseId with_id, Peer& to, Process& of, Buffer& lent, std::uint64_t image_bytes)
      : id(with_id), peer(to), process(of), buffer(lent), bytes(image_bytes) {}

  LeaseId id;
  Peer& peer;
  Process& process;
  Buffer& buffer;       // lent
  std::uint64_t bytes;  // of the image, at the buffer's beginning

  boost::intrusive::list_member_hook<> process_hook;
};

}  // namespace netbinder
