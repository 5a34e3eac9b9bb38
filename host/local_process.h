// SPDX-License-Identifier: Apache-2.0
//
// A binder process of the host's own. It uses the core's interface like any program: it opens,
// maps, reads and writes BC and BR commands, only without a channel in between. The built-in
// service manager runs on one. As deterministic as the core: no I/O, no clock.
//
// It never blocks its host. One serving thread reads, or another one while a call that the first
// has taken is still to be answered. Oneway calls go out on threads of their own, one for each host
// that they lead to, so that a slow host delays only its own calls.
//
// Owned by the object it serves (BuiltinManager). Thread: the data-plane thread.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/driver.h"
#include "host/caller.h"
#include "host/local_service.h"
#include "host/process_host.h"
#include "parcel/view.h"

namespace netbinder {

class LocalProcess final : public ProcessHost {
 public:
  static constexpr std::size_t kArenaBytes = 1U << 20;

  // `service`, `driver` and `has_work` must outlive it. `has_work` is set whenever run() has
  // something to do; several processes may share it. Throws std::runtime_error if the context does
  // not exist.
  LocalProcess(Driver& driver, const std::string& context, LocalService& service, bool& has_work);
  ~LocalProcess() override;

  [[nodiscard]] ProcessId id() const { return id_; }
  // Begins to serve. Not part of construction, because the NodeHost must know the process first.
  void start();
  // Handles what has been read, some of it at least: `has_work` is set if there is more. True if
  // there was anything. To be called after every event, if there is something to do.
  bool run();

  // ---- for the service; these take effect in order, at the latest when run() returns ----
  void acquire(Handle handle);
  void release(Handle handle);
  void link_to_death(Handle handle, std::uint64_t cookie);
  void unlink_death(Handle handle, std::uint64_t cookie);
  void call_oneway(Handle handle, std::uint32_t code, ParcelBytes parcel);
  // A synchronous call, made while another one is handled that is to be answered later. The same
  // thread makes it, so that it can nest in a caller with a single thread. run() calls `heard` with
  // the reply, or with nothing if the call failed.
  using Heard = std::function<void(std::optional<ParcelView>)>;
  void ask(ReplyTo thread, Handle handle, std::uint32_t code, ParcelBytes parcel, Heard heard);
  // BINDER_FREEZE of a program of this host; `done` is called by run() with 0 or a negative errno.
  using Done = std::function<void(int)>;
  void freeze(std::uint32_t pid, std::uint32_t enable, std::uint32_t timeout_ms, Done done);
  [[nodiscard]] bool can_freeze() const { return freezing_.size() < kMaxDeferred; }
  // Whether one more call may be answered later. Until it is, its thread serves no other call.
  [[nodiscard]] bool can_defer() const { return deferred_ < kMaxDeferred; }
  void reply(ReplyTo to, OutgoingReply reply);
  // The holders, other than this process, of the node that a handle leads to.
  [[nodiscard]] Driver::Holders other_holders(Handle handle) const {
    return driver_.other_holders(id_, handle);
  }
  // The host that is home to the handle's node; none if the node is dead.
  [[nodiscard]] std::optional<HostId> home_of(Handle handle) const;

  // ---- for the host's policy ----
  // The origin of a call that is being handled, or is to be answered later.
  [[nodiscard]] Caller caller_of(const IncomingCall& call) const;
  // The user that owns the node of a handle; nothing unless it is a node of this host.
  [[nodiscard]] std::optional<std::uint32_t> owner_of(Handle handle) const {
    return driver_.owner_of(id_, handle);
  }
  void set_call_rules(Handle handle, AccessRules rules) {
    driver_.set_call_rules(id_, handle, std::move(rules));
  }
  void tell_denial(const Denial& denial) { driver_.tell_denial(id_, denial); }

  // ---- ProcessHost ----
  int read_memory(ThreadId thread, std::uint64_t address, std::span<std::byte> into) override;
  std::expected<FileToken, int> take_file(ThreadId thread, int fd) override;
  void install_files(ThreadId thread, std::span<const FileToken> files) override;
  void ioctl_done(ThreadId thread, const IoctlResult& result) override;
  void readiness_changed(bool /*readable*/) override {}
  [[nodiscard]] std::shared_ptr<void> arena_owner() override { return arena_; }

 private:
  static constexpr std::uint32_t kFirstServing = 1;  // one reads, the others have deferred calls
  static constexpr std::uint32_t kMaxDeferred = 64;
  static constexpr int kReadsAtOnce = 32;
  static constexpr std::uint32_t kFirstSender = 1000;  // thread of a host's calls: this + its id
  static constexpr std::uint32_t kFirstFreezer = 1U << 30;  // a thread for each
  static constexpr std::size_t kReadBytes = 4096;

  struct OnewayCall {
    Handle handle;
    std::uint32_t code = 0;
    ParcelBytes parcel;
    std::vector<Handle> held;  // the called handle and those in the parcel, until it is sent
  };
  // A thread that sends oneway calls, one at a time.
  struct Sender {
    explicit Sender(ThreadId named) : thread(named) {}
    ThreadId thread;
    std::deque<OnewayCall> queue;
    bool busy = false;
    std::vector<std::byte> commands;
    std::array<std::byte, 512> read;
  };

  struct Question {
    Handle handle;
    ParcelBytes parcel;
    Heard heard;
    std::vector<std::byte> commands;
    std::array<std::byte, 512> read;
    std::vector<std::byte> got;
    bool failed = false;
  };

  void question_went_on(ThreadId thread);
  void submit();
  void write_rest_again(const IoctlResult& result);
  void send_deferred();
  void handle_read(std::span<const std::byte> commands);
  void handle_call(const binder_transaction_data& data);
  void send_next(Sender& sender);
  template <typename T>
  void command(std::uint32_t command, const T& payload);

  Driver& driver_;
  LocalService& service_;
  bool& has_work_;
  ProcessId id_;
  std::shared_ptr<std::vector<std::byte>> arena_;
  std::vector<std::byte> commands_;    // to be written with the next read
  std::deque<OutgoingReply> replies_;  // whose bytes commands_ points to
  // The commands that the serving thread's present ioctl writes.
  std::vector<std::byte> written_;
  std::deque<OutgoingReply> written_replies_;
  std::vector<std::byte> read_;
  bool reading_ = false;
  ThreadId serving_{kFirstServing};
  std::uint32_t serving_threads_ = 1;
  std::vector<ThreadId> idle_servers_;
  std::uint32_t deferred_ = 0;
  std::vector<std::pair<ReplyTo, OutgoingReply>> late_replies_;
  std::vector<std::vector<std::byte>> finished_;  // results of reads that are not handled yet
  std::map<std::uint32_t, std::unique_ptr<Sender>> senders_;
  std::map<std::uint32_t, std::unique_ptr<Question>> questions_;  // by their threads
  struct Freezing {
    binder_freeze_info info{};
    Done done;
    std::optional<int> result;
    bool begun = false;
  };
  std::map<std::uint32_t, Freezing> freezing_;  // by their threads
  std::uint32_t next_freezer_ = kFirstFreezer;
  void go_on_freezing();
  std::vector<ThreadId> asking_;  // to be sent
  std::vector<ThreadId> heard_;   // questions whose threads have read something
  std::vector<Sender*> ready_;    // those that have something to send and are not busy
};

}  // namespace netbinder
