// SPDX-License-Identifier: Apache-2.0
//
// A call or a reply between being sent and being read, and a synchronous call until its reply.
//
// A synchronous call is on the stack of the thread that sent it (linked by from_parent) and, once
// read, on the stack of the thread that handles it (linked by to_parent). Either end may be on
// another host; that end's thread is null here.
// Whoever takes a transaction off its last stack or list destroys it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/buffer_allocator.h"
#include "core/ids.h"
#include "core/work.h"

namespace netbinder {

struct Peer;
struct Process;
struct Thread;

// A descriptor in flight, in the host program's table of files.
using FileToken = StrongId<struct FileTokenTag, std::uint64_t>;

// A descriptor to be written into the receiver's buffer when it reads the transaction.
struct FileFixup {
  FileToken file;
  std::uint64_t offset = 0;  // in the buffer
  bool of_array = false;     // closed again when the buffer is freed
};

struct Transaction : Work {
  Transaction() : Work(WorkKind::kTransaction) {}

  std::uint32_t debug_id = 0;
  std::uint32_t code = 0;
  std::uint32_t flags = 0;
  std::uint32_t sender_euid = 0;
  std::int32_t from_pid = 0;  // for the debug files
  std::uint32_t from_tid = 0;
  std::uint64_t start_ms = 0;
  std::int32_t nice = 0;        // of the caller
  std::int32_t saved_nice = 0;  // of the thread that handles it, before it did
  bool is_reply = false;
  bool outstanding = false;  // counted in to_process->outstanding_transactions

  Thread* from = nullptr;
  Transaction* from_parent = nullptr;
  Process* to_process = nullptr;
  Thread* to_thread = nullptr;
  Transaction* to_parent = nullptr;

  Peer* remote_from = nullptr;  // the caller is on that host; `call` is its number there
  CallId call;
  ProcessId remote_caller;              // its process, by the number it has there
  std::vector<CallAncestor> ancestors;  // of a call from another host
  // Our number for a call other hosts know of: one to another host, or one on whose behalf a call
  // was made to another host. 0 is none.
  CallId own_call;
  // BR_TRANSACTION_COMPLETE of a call to another host that has not said yet that it is in the
  // target's queue. It is told with whatever comes first; not at all if the call fails before.
  bool completion_owed = false;
  // The call has failed, but its caller is handling another one that came in meanwhile: it hears
  // of it when that one is done. 0 is none.
  std::uint32_t doom_command = 0;
  std::int32_t doom_error = 0;

  Buffer* buffer = nullptr;  // in to_process's arena
  std::uint64_t security_context_offset = 0;
  std::uint64_t security_context_size = 0;  // with its final zero; 0 is none
  std::vector<FileFixup> files;
};

}  // namespace netbinder
