// SPDX-License-Identifier: Apache-2.0
//
// What the agent has behind a binder process of the core: a program's channel, or a binder process
// of the agent's own. The agent routes the core's effects here.
//
// Thread: the data-plane thread. These are called while the core handles an event and must not
// call back into it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>

#include "core/model/effects.h"
#include "core/base/ids.h"
#include "node-agent/unique_fd.h"

namespace netbinder {

class ProcessHost {
 public:
  virtual ~ProcessHost() = default;
  virtual int read_memory(ThreadId thread, std::uint64_t address, std::span<std::byte> into) = 0;
  virtual std::expected<UniqueFd, int> take_file(ThreadId thread, int fd) = 0;
  virtual void install_files(ThreadId thread, std::span<const int> fds) = 0;
  virtual void ioctl_done(ThreadId thread, const IoctlResult& result) = 0;
  // A host that brings every read has no posted one.
  virtual std::optional<PostedRead> take_posted_read(ThreadId /*thread*/) { return std::nullopt; }
  virtual void readiness_changed(bool readable) = 0;
  // Keeps the arena's memory alive, for payloads on their way into it.
  [[nodiscard]] virtual std::shared_ptr<void> arena_owner() = 0;
};

}  // namespace netbinder
