// SPDX-License-Identifier: Apache-2.0
//
// The requests of the core to the program that hosts it: the agent, the simulator or a test. The
// core calls these while it handles an event; they must not call back into the core.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

#include "core/base/ids.h"
#include "core/model/access_rules.h"
#include "core/wire/payload.h"
#include "core/wire/peer_message.h"

namespace netbinder {

// The end of an ioctl. `error` is 0 or a negative errno.
struct IoctlResult {
  int error = 0;
  std::uint64_t write_consumed = 0;  // bytes of the commands given
  std::uint64_t read_consumed = 0;   // bytes put into the read buffer
  // BR_SPAWN_LOOPER replaces the first word of the program's buffer, which an earlier read wrote.
  bool wants_looper = false;
  std::span<const int> close_fds = {};    // the program is to close these of its descriptors
  std::optional<std::int32_t> nice = {};  // the thread is to take on this nice value
  // The thread's next ioctl, if it is a PostedRead, need not be brought to the core until
  // take_posted_read asks for it. Any other ioctl ends that.
  bool may_post_read = false;
};

// A BINDER_WRITE_READ that only reads, may block, and has read nothing yet.
struct PostedRead {
  std::int32_t nice = 0;             // the thread's
  std::span<std::byte> read_buffer;  // valid until ioctl_done; room for any one command
};

// Why a descriptor cannot go to another host.
struct FileRefusal {
  int error = 0;                 // negative errno
  const char* reason = nullptr;  // static text, for the log
};

class Effects {
 public:
  virtual ~Effects() = default;

  // Copies from the memory of a process's program, for an ioctl of that thread. 0, or -EFAULT.
  virtual int read_memory(ProcessId process, ThreadId thread, std::uint64_t address,
                          std::span<std::byte> into) = 0;
  // Takes a reference to the open file of a descriptor of a process's program, for an ioctl of that
  // thread. -EBADF if there is no such descriptor.
  virtual std::expected<FileToken, int> take_file(ProcessId process, ThreadId thread, int fd) = 0;
  virtual void drop_file(FileToken file) = 0;
  // Installs files (which it takes over) in a process's program, close-on-exec; answered by
  // Driver::files_installed.
  virtual void install_files(ProcessId process, ThreadId thread,
                             std::span<const FileToken> files) = 0;

  // Takes a file over, which `peer` will know by the returned number. The next message to that peer
  // names it, unless withdraw_file is called before.
  virtual std::expected<FileNumber, FileRefusal> export_file(HostId peer, FileToken file) = 0;
  // No message will name the file, so it is dropped.
  virtual void withdraw_file(HostId peer, FileNumber file) = 0;
  // Returns the file that `peer` offered by that number, once. -ENOENT if it offered none; any
  // other error means that this host cannot have it.
  virtual std::expected<FileToken, int> import_file(HostId peer, FileNumber file) = 0;

  virtual void ioctl_done(ProcessId process, ThreadId thread, const IoctlResult& result) = 0;
  // Takes the posted read of a thread whose last ioctl ended with may_post_read. Nothing if the
  // thread has not made the read yet; the read then comes as an event.
  virtual std::optional<PostedRead> take_posted_read(ProcessId process, ThreadId thread) = 0;
  // Whether a read of the process would find work: what poll on its descriptor answers.
  virtual void readiness_changed(ProcessId process, bool readable) = 0;

  // Memory for the image of a payload to that peer.
  virtual Payload new_payload(HostId peer, std::uint64_t bytes) = 0;
  virtual void send(HostId peer, PeerMessage message, Payload payload) = 0;
  // The peer broke the protocol: end its session.
  virtual void give_up_peer(HostId peer, std::string_view reason) = 0;
  // A program of this host wants to manage a context whose claims a store decides. Each is answered
  // by Driver::claim_answered, in order.
  virtual void ask_for_claim(std::string_view /*context*/) {}
  // This host's claim of the context is over.
  virtual void release_claim(std::string_view /*context*/) {}
  // Whether the host is a member of the cluster, so that it may connect.
  [[nodiscard]] virtual bool is_member(HostId /*host*/) const { return false; }
  // A host has passed on a node whose home has no session with this host, and cannot have one or
  // has not come in time: here it is dead.
  virtual void home_unreachable(HostId /*home*/, HostId /*passed_on_by*/) {}
  // A peer has told the number of its list of hosts, in this session for the first time or anew.
  virtual void host_list_told(HostId /*peer*/, ListNumber /*number*/) {}
  // The host's policy has denied something.
  virtual void access_denied(const Denial& /*denial*/) {}
  // Driver::timer_expired is to be called at that time, or soon after.
  virtual void set_timer(std::uint64_t deadline_ms) = 0;
};

}  // namespace netbinder
