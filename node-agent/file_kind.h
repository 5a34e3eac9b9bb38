// SPDX-License-Identifier: Apache-2.0
//
// Determines what a descriptor is, and whether it can travel to another host. Pipes, connected
// sockets and eventfds can, by relays. Files that nobody can change any more, or that are open for
// reading only, travel by content. Any other descriptor has a meaning only on its own host.
#pragma once

#include <cstdint>
#include <expected>

#include "core/model/effects.h"
#include "core/wire/peer_message.h"
#include "node-agent/file_counter.h"

namespace netbinder {

struct FileKind {
  peer::FileOffered::Kind kind = peer::FileOffered::Kind::kStream;
  bool socket = false;
  bool readable = false;
  bool writable = false;
  bool nonblocking = false;
  bool sealed = false;  // of a file's content: it cannot change
  EventfdState counter = {};  // of an eventfd
};

std::expected<FileKind, FileRefusal> file_kind(int fd);

}  // namespace netbinder
