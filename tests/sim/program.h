// SPDX-License-Identifier: Apache-2.0
//
// A program on a simulated host. Its threads call, serve, pass objects on, watch deaths and let go,
// at random but as well-behaved users of the driver: a thread waits for the results of its commands
// before it goes on, as libbinder's threads do. How it handles a call follows from the call's
// number. It checks everything that it reads: objects, payloads, references to its nodes, deaths;
// and it reports calls to the oracle.
//
// There are two kinds of entries: results are noted in ioctl_done, inside an event of the core; the
// program acts on them later, as an event of its own.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/uapi.h"
#include "core/driver.h"
#include "host/process_host.h"
#include "parcel/commands.h"
#include "tests/sim/envelope.h"
#include "tests/sim/open_files.h"
#include "tests/sim/oracle.h"
#include "tests/sim/sg_block.h"

namespace netbinder::sim {

class World;
class SimHost;

class Program final : public ProcessHost {
 public:
  Program(World& world, SimHost& host, std::uint64_t serial);
  ~Program() override;

  void start();
  // Killed: the host's driver is notified. `with_agent`: its agent is gone, and nobody is notified.
  void end(bool with_agent);

  [[nodiscard]] bool alive() const { return alive_; }
  [[nodiscard]] std::uint64_t serial() const { return serial_; }
  [[nodiscard]] HostId host() const { return host_; }
  [[nodiscard]] bool manages() const { return manages_; }
  [[nodiscard]] bool deposed() const;
  [[nodiscard]] Uid manager_node() const { return uid_of(0); }
  [[nodiscard]] const std::string& service_name() const { return service_name_; }
  [[nodiscard]] bool registered() const { return registered_; }

  // From now on it makes no new calls, and completes those it has begun.
  void wind_down();
  // Afterwards it gives back everything it holds.
  void let_go();
  void interrupt(std::uint64_t which);
  void flush();
  void set_frozen(bool frozen);
  [[nodiscard]] bool frozen() const { return frozen_; }

  // The time since when it has held a strong handle of its own to the node; with `weakly`, a strong
  // or a weak one.
  [[nodiscard]] std::optional<std::uint64_t> holds_since(Uid uid, bool weakly) const;
  void check_drained();
  void check_let_go();

  // ---- ProcessHost ----
  int read_memory(ThreadId thread, std::uint64_t address, std::span<std::byte> into) override;
  std::expected<FileToken, int> take_file(ThreadId thread, int fd) override;
  void install_files(ThreadId thread, std::span<const FileToken> tokens) override;
  void ioctl_done(ThreadId thread, const IoctlResult& result) override;
  std::optional<PostedRead> take_posted_read(ThreadId thread) override;
  void readiness_changed(bool) override {}
  [[nodiscard]] std::shared_ptr<void> arena_owner() override { return arena_; }

  static constexpr std::uint32_t kFreezer = 1000;  // a tid
  // The place of the memory that a thread's commands refer to: it begins at this times its tid.
  static constexpr std::uint64_t kStagingStride = 1ULL << 32;

 private:
  // The calls that a thread is in, innermost last.
  struct Frame {
    enum class Kind { kOutgoing, kIncoming, kManager } kind;
    std::uint64_t number = 0;
    std::vector<std::uint32_t> offered = {};  // handles that came with an incoming call
    std::uint32_t steps = 0;                  // to do before the reply
    // For calls to the built-in manager.
    enum class Manager { kAdd, kLookUp, kWatch, kLeave } manager = Manager::kLookUp;
    std::string asked = {};  // the name that is looked up
    std::uint64_t asked_ms = 0;
  };
  // The result that a written command has yet to bring.
  struct Expected {
    enum class Kind { kCall, kOneway, kReply, kManager } kind;
    std::uint64_t number = 0;
  };
  struct Command {
    std::vector<std::byte> bytes;
    std::optional<Expected> expected;  // a transaction
  };
  struct Thread {
    std::uint32_t tid = 0;
    bool in_ioctl = false;
    bool may_post = false;
    bool posted = false;  // in a read that the driver has not heard of
    enum class Control { kNone, kGreeting, kClaiming } control = Control::kNone;
    bool scheduled = false;
    bool greeted = false;
    bool looper = false;
    std::vector<Frame> stack;
    std::deque<Expected> expected;
    std::vector<Command> batch;
    std::vector<std::byte> commands;
    std::vector<std::byte> staging;  // payloads of the batch
    std::vector<std::byte> read;
    std::vector<std::uint32_t> pinned;  // handles in the batch
    std::vector<int> lent;              // descriptors in the batch, closed when it is done
    bool delayed = false;               // what it reads waited for descriptors
  };
  struct Node {
    // Acquired minus released, by what was read: one or none. But while one thread's read waits for
    // descriptors, another thread may read what comes after it.
    int weak_told = 0, strong_told = 0;
    bool unlisted = false;
    std::uint64_t oneway = 0;  // the call whose buffer is held
  };
  struct Watch {
    enum class State { kArmed, kTold, kClearing, kClearingTold, kGivenUp } state = State::kArmed;
    std::uint64_t cookie = 0;
    Uid uid = 0;
    std::uint32_t handle = 0;
    std::uint64_t since_ms = 0;  // the reference is in one piece
    std::uint64_t losses = 0;    // of sessions to the node's host, when it was asked for
  };
  struct FreezeWatch {
    Uid uid = 0;
    std::uint32_t handle = 0;
    std::uint64_t since_ms = 0;  // as Watch's
    std::optional<bool> told;
    bool requested = false;  // it has been carried out
    bool clearing = false;
  };
  struct Held {
    Uid uid = 0;
    std::uint64_t since_ms = 0;
    std::uint32_t acquired = 0;
    std::uint32_t buffers = 0;
    std::uint32_t weak_acquired = 0;
    std::uint32_t weak_buffers = 0;
    std::uint32_t pins = 0;               // by commands that may be carried out later
    std::optional<std::uint64_t> watch;   // its cookie
    std::optional<std::uint64_t> freeze;  // the same of freeze notifications

    [[nodiscard]] bool strong() const { return acquired > 0 || buffers > 0; }
    [[nodiscard]] bool any() const { return strong() || weak_acquired > 0 || weak_buffers > 0; }
  };
  struct BufferHandle {
    std::uint32_t handle = 0;
    bool weak = false;
  };
  // The content of a call or a reply.
  struct Cargo {
    std::vector<Thing> things;
    std::optional<SgBlock> block;
  };
  // Descriptors that came with a call or a reply, until that is read.
  struct Installing {
    std::vector<OpenFile> files;
    bool fails = false;
  };
  struct Buffer {
    std::uint64_t address = 0;
    std::uint64_t offset = 0, size = 0, hash = 0;
    std::vector<BufferHandle> handles;
    std::vector<int> array;         // descriptors that go with it
    std::uint32_t oneway_node = 0;  // index + 1
  };

  static constexpr std::size_t kCallbackNode = 3;

  // ---- acting (program.cc, program_send.cc, program_house.cc) ----
  void schedule(Thread& thread, std::uint64_t delay_ms);
  void act(std::uint32_t tid);
  void act_idle(Thread& thread);
  void serve(Thread& thread);
  void greet(Thread& thread);
  void claim_manager(Thread& thread);
  void told_deposed(std::int32_t error);
  void exit_thread(Thread& thread);
  void call(Thread& thread, std::uint32_t handle, bool oneway, std::size_t times = 1);
  void reply(Thread& thread);
  // Writes housekeeping commands and the batch, and reads.
  void submit(Thread& thread, bool nonblocking);
  void bring_read(Thread& thread);
  void add_transaction(Thread& thread, std::uint32_t command, Expected expected,
                       binder_transaction_data data, const ParcelBytes& parcel,
                       std::uint64_t extra_bytes = 0);
  void add_cargo(Thread& thread, std::uint32_t command, Expected expected,
                 binder_transaction_data data, Envelope envelope, const Cargo& cargo);
  std::vector<Thing> some_things();
  void pin(Thread& thread, std::uint32_t handle);
  std::optional<std::uint32_t> any_handle();   // that is held strongly or weakly
  std::optional<std::uint32_t> some_handle();  // strongly
  void keep_house();
  void watch_freezing(Thread& thread);
  void clear_freeze(std::uint32_t handle, std::uint64_t cookie);
  void let_go_of_everything();

  // ---- descriptors (program_files.cc) ----
  enum class FilesAccepted { kYes, kNo };
  // `to` is the host that it goes to, if that is known.
  Cargo some_cargo(Thread& thread, Errand errand, FilesAccepted accepted, std::optional<HostId> to);
  void add_files(Thread& thread, Cargo& cargo, Errand errand, FilesAccepted accepted,
                 std::optional<HostId> to);
  int put_file(OpenFile file);
  int lend_file(Thread& thread, Errand errand);
  void finish_install(std::uint32_t tid);
  void take_file_thing(const Thing& thing, Errand errand);
  void take_block(Buffer& buffer, const binder_transaction_data& data,
                  std::span<const std::byte> objects, std::uint32_t count, std::uint64_t first,
                  Errand errand);
  void free_array(Buffer& buffer);
  void closed_by_driver(std::span<const int> fds);
  void close_some_file();
  [[nodiscard]] bool is_lent(int fd) const;
  static bool node_accepts_files(std::uint64_t index) { return index != 2; }
  // Whether the call's reply may carry descriptors; both sides know it from the call's number.
  [[nodiscard]] bool call_accepts_files(std::uint64_t number) const;

  // ---- the built-in manager (program_lazy.cc) ----
  void ask_manager(Thread& thread);
  void told_by_manager(const Frame& frame, const binder_transaction_data& data);
  void manager_call_failed(const Frame& frame);
  void told_clients(const binder_transaction_data& data);
  void check_knows_clients();

  // ---- reading (program_told.cc) ----
  void told(Thread& thread, std::span<const std::byte> commands);
  void told_call(Thread& thread, const binder_transaction_data& data);
  void told_reply(Thread& thread, const binder_transaction_data& data);
  void told_error(Thread& thread, std::uint32_t command);
  void told_reference(const Thread& thread, std::uint32_t command, const binder_ptr_cookie& who);
  void told_death(std::uint64_t cookie);
  void told_cleared(std::uint64_t cookie);
  void told_frozen(const binder_frozen_state& state);
  void told_freeze_cleared(std::uint64_t cookie);
  Buffer& take_buffer(const binder_transaction_data& data, std::vector<Thing>& things,
                      std::optional<Envelope>& envelope);
  void take_things(Buffer& buffer, const std::vector<Thing>& things, Errand errand);
  void take_handle(Buffer& buffer, std::uint32_t handle, const Thing& thing);
  void free_buffer(std::size_t index);
  void fail(const std::string& what);

  template <typename T>
  void later(std::uint32_t command, const T& payload) {
    Command& made = pending_.emplace_back();
    put_command(made.bytes, command, payload);
  }
  [[nodiscard]] Uid uid_of(std::size_t node) const { return serial_ * kNodesOfProgram + node + 1; }
  [[nodiscard]] static std::uint64_t ptr_of(std::size_t node) { return 0x1000 + node * 16; }

  World& world_;
  HostId host_;
  std::uint64_t life_;
  std::uint64_t serial_;
  ProcessId id_;
  bool alive_ = true;
  bool winding_down_ = false;
  bool letting_go_ = false;
  bool manages_ = false;
  bool told_deposed_ = false;
  bool frozen_ = false;
  int freeze_error_ = 0;
  bool registered_ = false;
  // Its service is lazy: it asks to be notified of clients (once watched_), and may leave.
  bool lazy_ = false;
  bool asking_about_own_ = false;
  bool watched_ = false;
  std::uint64_t watched_since_ms_ = 0;
  bool has_clients_ = false;  // as it was told
  std::string service_name_;
  std::uint64_t user_base_;
  std::shared_ptr<std::byte[]> arena_;
  std::size_t arena_bytes_;
  std::map<std::uint32_t, Thread> threads_;
  std::uint32_t next_tid_ = 1;
  std::vector<Node> nodes_;
  std::map<std::uint32_t, Held> held_;            // by handle
  std::map<std::uint64_t, Watch> watches_;        // by cookie
  std::map<std::uint64_t, FreezeWatch> freezes_;  // by cookie
  std::vector<Buffer> buffers_;
  std::deque<Command> pending_;  // to be written, in this order, whoever comes first
  std::uint64_t next_cookie_ = 1;
  bool thread_reads_envelopes_ = true;  // not the built-in manager's answers
  std::map<int, OpenFile> fds_;
  std::set<int> array_fds_;    // of those, such as go with a buffer that is held
  std::set<int> closing_fds_;  // of those, such as the driver is to have closed
  int next_fd_ = 3;
  std::map<std::uint32_t, Installing> installing_;  // by tid
};

}  // namespace netbinder::sim
