// SPDX-License-Identifier: Apache-2.0
//
// The other side of a binder process of the core: a program's channel, a binder process of the
// host's own, or a simulated program. A NodeHost routes the core's effects here.
//
// Owned by whoever opened the process; known to the NodeHost from NodeHost::add_process to
// NodeHost::close_process. Thread: the data-plane thread. These are called while the core handles
// an event and must not call back into it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>

#include "core/model/effects.h"
#include "core/base/ids.h"

namespace netbinder {

class ProcessHost {
 public:
  virtual ~ProcessHost() = default;
  virtual int read_memory(ThreadId thread, std::uint64_t address, std::span<std::byte> into) = 0;
  // Takes a reference to the open file of the program's descriptor. From then on it is in flight,
  // and the NodeHost's Files know it.
  virtual std::expected<FileToken, int> take_file(ThreadId thread, int fd) = 0;
  // Installs these in the program; they are in flight no more.
  virtual void install_files(ThreadId thread, std::span<const FileToken> files) = 0;
  virtual void ioctl_done(ThreadId thread, const IoctlResult& result) = 0;
  // A host that brings every read to the core has no posted ones.
  virtual std::optional<PostedRead> take_posted_read(ThreadId /*thread*/) { return std::nullopt; }
  virtual void readiness_changed(bool readable) = 0;
  // Keeps the arena's memory alive while payloads are on their way into it.
  [[nodiscard]] virtual std::shared_ptr<void> arena_owner() = 0;
};

}  // namespace netbinder
