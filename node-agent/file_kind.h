// SPDX-License-Identifier: Apache-2.0
//
// What a descriptor is, and whether it can travel to another host: pipes and connected sockets do,
// relayed; files that nobody can change any more, and ones that are only open for reading, do by
// content. Everything else means something on its own host only.
#pragma once

#include <cstdint>
#include <expected>

#include "core/model/effects.h"
#include "core/wire/peer_message.h"

namespace netbinder {

struct FileKind {
  peer::FileOffered::Kind kind = peer::FileOffered::Kind::kStream;
  bool socket = false;
  bool readable = false;
  bool writable = false;
  bool nonblocking = false;
  bool sealed = false;  // of a content: it stays as it is
};

std::expected<FileKind, FileRefusal> file_kind(int fd);

}  // namespace netbinder
