// SPDX-License-Identifier: Apache-2.0
//
// A program on a simulated host: threads that call, serve, pass objects on, watch deaths and let
// go, by chance, as a well-behaved user of the driver does (a thread waits for what its commands
// brought about before it goes on, as libbinder's do). What it is to do with a call follows from
// the call's number. It checks all that it is told: objects, payloads, references to its nodes,
// deaths; and tells the oracle of calls.
//
// Two kinds of entries: what it is told is noted in ioctl_done, inside an event of the core; what
// it does comes later, as an event of its own.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/driver.h"
#include "core/base/uapi.h"
#include "node-agent/process_host.h"
#include "tests/sim/envelope.h"
#include "tests/sim/oracle.h"

namespace netbinder::sim {

class World;
class SimHost;

class Program final : public ProcessHost {
 public:
  Program(World& world, SimHost& host, std::uint64_t serial);
  ~Program() override;

  void start();
  // Killed: the host's driver hears of it. `with_agent`: its agent is gone, and nobody hears.
  void end(bool with_agent);

  [[nodiscard]] bool alive() const { return alive_; }
  [[nodiscard]] std::uint64_t serial() const { return serial_; }
  [[nodiscard]] HostId host() const { return host_; }
  [[nodiscard]] bool manages() const { return manages_; }
  [[nodiscard]] const std::string& service_name() const { return service_name_; }
  [[nodiscard]] bool registered() const { return registered_; }

  // No new calls from now on; what is begun is brought to its end.
  void wind_down();
  // And everything held is given back.
  void let_go();
  void interrupt(std::uint64_t which);
  void flush();
  void set_frozen(bool frozen);
  [[nodiscard]] bool frozen() const { return frozen_; }

  // A strong handle of its own to the node, and since when.
  [[nodiscard]] std::optional<std::uint64_t> holds_since(Uid uid) const;
  void check_drained();
  void check_let_go();

  // ---- ProcessHost ----
  int read_memory(ThreadId thread, std::uint64_t address, std::span<std::byte> into) override;
  std::expected<UniqueFd, int> take_file(ThreadId, int) override { return std::unexpected(-EBADF); }
  void install_files(ThreadId, std::span<const int>) override {}
  void ioctl_done(ThreadId thread, const IoctlResult& result) override;
  std::optional<PostedRead> take_posted_read(ThreadId thread) override;
  void readiness_changed(bool) override {}
  [[nodiscard]] std::shared_ptr<void> arena_owner() override { return arena_; }

  static constexpr std::uint32_t kFreezer = 1000;  // a tid

 private:
  // What a thread is at, innermost last.
  struct Frame {
    enum class Kind { kOutgoing, kIncoming, kManager } kind;
    std::uint64_t number = 0;
    std::vector<std::uint32_t> offered = {};  // handles that came with an incoming call
    std::uint32_t steps = 0;                  // to do before the reply
    std::string asked = {};                   // of the built-in manager: the name, if looked up
    std::uint64_t asked_ms = 0;
  };
  // What a command that was written is still to bring.
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
  };
  struct Node {
    bool weak_told = false, strong_told = false, unlisted = false;
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
    std::uint32_t pins = 0;               // by commands that may be carried out later
    std::optional<std::uint64_t> watch;   // its cookie
    std::optional<std::uint64_t> freeze;  // the same of freeze notifications
  };
  struct Buffer {
    std::uint64_t address = 0;
    std::uint64_t offset = 0, size = 0, hash = 0;
    std::vector<std::uint32_t> handles;
    std::uint32_t oneway_node = 0;  // index + 1
  };

  // ---- doing (program.cc) ----
  void schedule(Thread& thread, std::uint64_t delay_ms);
  void act(std::uint32_t tid);
  void act_idle(Thread& thread);
  void serve(Thread& thread);
  void greet(Thread& thread);
  void claim_manager(Thread& thread);
  void exit_thread(Thread& thread);
  void call(Thread& thread, std::uint32_t handle, bool oneway, std::size_t times = 1);
  void reply(Thread& thread);
  void ask_manager(Thread& thread);
  // Writes housekeeping and the batch, and reads.
  void submit(Thread& thread, bool nonblocking);
  void bring_read(Thread& thread);
  void add_transaction(Thread& thread, std::uint32_t command, Expected expected,
                       binder_transaction_data data, const Parcel& parcel);
  std::vector<Thing> some_things();
  void pin(Thread& thread, std::uint32_t handle);
  std::optional<std::uint32_t> some_handle();
  void keep_house();
  void watch_freezing(Thread& thread);
  void clear_freeze(std::uint32_t handle, std::uint64_t cookie);
  void let_go_of_everything();

  // ---- being told (program_told.cc) ----
  void told(Thread& thread, std::span<const std::byte> commands);
  void told_call(Thread& thread, const binder_transaction_data& data);
  void told_reply(Thread& thread, const binder_transaction_data& data);
  void told_error(Thread& thread, std::uint32_t command);
  void told_reference(std::uint32_t command, const binder_ptr_cookie& who);
  void told_death(std::uint64_t cookie);
  void told_cleared(std::uint64_t cookie);
  void told_frozen(const binder_frozen_state& state);
  void told_freeze_cleared(std::uint64_t cookie);
  void told_by_manager(Frame frame, const binder_transaction_data& data);
  Buffer& take_buffer(const binder_transaction_data& data, std::vector<Thing>& things,
                      std::optional<Envelope>& envelope);
  void take_things(Buffer& buffer, const std::vector<Thing>& things);
  void take_handle(Buffer& buffer, std::uint32_t handle, const Thing& thing);
  void free_buffer(std::size_t index);
  void fail(const std::string& what);

  template <typename T>
  void later(std::uint32_t command, const T& payload) {
    Command& made = pending_.emplace_back();
    made.bytes.resize(sizeof command + sizeof payload);
    std::memcpy(made.bytes.data(), &command, sizeof command);
    std::memcpy(made.bytes.data() + sizeof command, &payload, sizeof payload);
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
  bool frozen_ = false;
  int freeze_error_ = 0;
  bool registered_ = false;
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
};

}  // namespace netbinder::sim
