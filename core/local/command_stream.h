// SPDX-License-Identifier: Apache-2.0
//
// Writing: the BC_* commands of a BINDER_WRITE_READ, one after the other, then its read. A command
// that waits for another host suspends those behind it, which are kept until it is done. Owned by
// the Driver.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/model/model.h"

namespace netbinder {

class Calls;
class Freezes;
class Ioctls;
class ReadSide;

class CommandStream {
 public:
  CommandStream(Model& model, Ioctls& ioctls, ReadSide& read_side, Calls& calls, Freezes& freezes)
      : model_(model), ioctls_(ioctls), read_side_(read_side), calls_(calls), freezes_(freezes) {}

  void begin(Thread& thread, const WriteReadRequest& request);
  // The event that the thread's command waited for has come: the commands behind it go on.
  void resume(Thread& thread);
  // Whether a call or a reply among these commands, which the thread is about to begin, is for
  // another host. `thread` is null if it has made no ioctl yet. Changes nothing.
  [[nodiscard]] static bool leads_elsewhere(const Process& process, const Thread* thread,
                                            std::span<const std::byte> commands);

 private:
  void go_on(Thread& thread);
  Outcome run_commands(Thread& thread);
  Outcome run_command(Thread& thread, std::uint32_t command, std::span<const std::byte> payload);
  // 0 or a negative errno.
  int add_reference(Thread& thread, Handle handle, RefKind kind);
  void drop_reference(Thread& thread, Handle handle, RefKind kind);
  void reference_acknowledged(Thread& thread, const binder_ptr_cookie& who, RefKind kind);

  Model& model_;
  Ioctls& ioctls_;
  ReadSide& read_side_;
  Calls& calls_;
  Freezes& freezes_;
};

}  // namespace netbinder
