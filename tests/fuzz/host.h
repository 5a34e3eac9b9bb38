// SPDX-License-Identifier: Apache-2.0
//
// One host: a Driver, the programs on it, and checks that the driver's effects keep the rules. All
// memory that the driver is lent is a heap block of exactly that size, so that the sanitizer sees
// every access beyond it.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/driver.h"
#include "tests/fuzz/program_memory.h"

namespace netbinder::fuzz {

// A payload a program was given and has not freed: the driver may not change it any more.
struct GivenBuffer {
  std::uint64_t offset;  // in the arena
  std::uint64_t size;
  std::uint64_t hash;
};

// The ioctl of a thread.
struct PendingIoctl {
  bool busy = false;
  bool installing = false;
  bool may_post = false;
  bool posted = false;  // busy with a read that the driver has not heard of
  std::size_t files = 0;
  std::size_t command_bytes = 0;
  std::size_t read_bytes = 0;
  std::unique_ptr<std::byte[]> read_buffer;
  std::vector<std::uint64_t> frees;  // buffers its commands free, perhaps later
  bool frees_any = false;            // nobody knows which
  std::uint32_t calls = 0;           // read and to be replied to
};

struct CommandStream {
  std::vector<std::byte> bytes;
  std::vector<std::uint64_t> frees;
  bool frees_any = false;
};

struct Program {
  ProcessId id;
  std::int32_t pid = 0;
  std::string context;
  bool builtin = false;  // the context's built-in manager
  std::uint64_t user_base = 0;
  std::size_t arena_bytes = 0;
  std::unique_ptr<std::byte[]> arena;
  std::map<std::uint32_t, PendingIoctl> threads;

  // Values that the program has read, so that commands can use them. Some are out of date.
  std::vector<GivenBuffer> given;
  std::deque<std::uint64_t> buffers;  // addresses
  std::deque<std::pair<std::uint32_t, binder_ptr_cookie>> to_acknowledge;
  std::deque<std::uint64_t> deaths;   // cookies
  std::deque<std::uint64_t> freezes;  // cookies
  std::deque<std::uint32_t> handles;

  void check_given() const;
  void forget_given(std::uint64_t address);
};

// The values that a host sent to another one, for forging messages.
struct Overheard {
  std::vector<std::uint64_t> nodes{1, 2};
  std::vector<std::uint64_t> calls{1};
  std::vector<std::uint64_t> handoffs{1};
  std::vector<peer::ClaimRef> claims;
};

struct Letter {
  PeerMessage message;
  Payload payload;
  std::set<std::uint64_t> offers;  // the files that were offered ahead of it
};

class Host final : public Effects {
 public:
  Host(std::uint32_t with_id, std::uint64_t incarnation, ProgramMemory& memory);

  std::uint32_t id;
  Driver driver;
  std::vector<std::unique_ptr<Program>> programs;
  std::map<std::uint32_t, std::deque<Letter>> outbox;        // by the host it is for
  std::map<std::uint32_t, Overheard> overheard;              // by the host that was told
  std::map<std::uint32_t, std::set<std::uint64_t>> offered;  // files, by the host that offers them
  std::vector<std::uint32_t> given_up;
  std::set<std::string> builtin_in;  // contexts
  std::uint64_t now_ms = 0;

  Program* find(ProcessId process);
  Program* open(const std::string& context, std::int32_t pid, std::uint32_t euid);
  void map(Program& program, std::uint64_t user_base, std::size_t bytes);
  void close(Program& program);
  void write_read(Program& program, std::uint32_t tid, const CommandStream& commands,
                  std::size_t read_bytes, bool fresh, bool nonblocking);
  void interrupt(Program& program, std::uint32_t tid);
  void control(Program& program, std::uint32_t tid, std::uint32_t command,
               const std::vector<std::byte>& argument);
  // An error, or as many descriptors as asked for, or fewer.
  void install(Program& program, std::uint32_t tid, int error, bool too_few);
  void check() const;
  // After the end of every session: every ioctl ends, every process closes, nothing is left.
  void end_everything();

  int read_memory(ProcessId process, ThreadId thread, std::uint64_t address,
                  std::span<std::byte> into) override;
  std::expected<FileToken, int> take_file(ProcessId process, ThreadId thread, int fd) override;
  void drop_file(FileToken file) override;
  void install_files(ProcessId process, ThreadId thread, std::span<const FileToken> files) override;
  std::expected<FileNumber, FileRefusal> export_file(HostId peer, FileToken file) override;
  void withdraw_file(HostId peer, FileNumber file) override;
  std::expected<FileToken, int> import_file(HostId peer, FileNumber file) override;
  void ioctl_done(ProcessId process, ThreadId thread, const IoctlResult& result) override;
  std::optional<PostedRead> take_posted_read(ProcessId process, ThreadId thread) override;
  void readiness_changed(ProcessId process, bool now_readable) override;
  Payload new_payload(HostId peer, std::uint64_t bytes) override;
  void send(HostId peer, PeerMessage message, Payload payload) override;
  void give_up_peer(HostId peer, std::string_view reason) override;
  void set_timer(std::uint64_t deadline_ms) override;

 private:
  void take_returned(Program& program, PendingIoctl& thread, std::span<const std::byte> returned);
  static void take_payload(Program& program, const binder_transaction_data& data);

  ProgramMemory& memory_;
  std::uint64_t next_file_ = 1;
  std::uint64_t next_number_ = 1;
  // Exported, and in no message yet: by the host it is for.
  std::map<std::uint32_t, std::set<std::uint64_t>> exported_;
  std::set<std::uint64_t> files_;
  std::map<std::uint64_t, bool> readable_;
  int next_fd_ = 100;
};

}  // namespace netbinder::fuzz
