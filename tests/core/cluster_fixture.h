// SPDX-License-Identifier: Apache-2.0
//
// Drivers of several hosts in one process, joined by message queues that the test turns by hand.
// Programs are part of the test: their memory is the test's own, their arenas are vectors.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
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

namespace netbinder::testing {

// A stream of BC_* commands in the making.
class Commands {
 public:
  Commands& put(std::uint32_t command) {
    append(&command, sizeof command);
    return *this;
  }
  template <typename T>
  Commands& put(std::uint32_t command, const T& payload) {
    append(&command, sizeof command);
    append(&payload, sizeof payload);
    return *this;
  }
  [[nodiscard]] const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  void append(const void* data, std::size_t size) {
    const auto* begin = static_cast<const std::byte*>(data);
    bytes_.insert(bytes_.end(), begin, begin + size);
  }
  std::vector<std::byte> bytes_;
};

// One BR_* command as read.
struct Returned {
  std::uint32_t command = 0;
  std::vector<std::byte> payload;

  template <typename T>
  [[nodiscard]] T as() const {
    T value;
    EXPECT_EQ(payload.size(), sizeof value);
    std::memcpy(&value, payload.data(), std::min(payload.size(), sizeof value));
    return value;
  }
};

struct Outcome {
  int error = 0;
  std::uint64_t write_consumed = 0;
  bool wants_looper = false;
  std::vector<int> close_fds;
  std::optional<std::int32_t> nice;
  std::vector<Returned> read;

  // The commands read, without BR_NOOP, by name.
  [[nodiscard]] std::vector<std::string> names() const;
  [[nodiscard]] const Returned* find(std::uint32_t command) const {
    for (const Returned& returned : read) {
      if (returned.command == command) return &returned;
    }
    return nullptr;
  }
};

std::string command_name(std::uint32_t command);

// The configurable bounds of a host, by default those of an agent.
struct Bounds {
  std::size_t processes = DriverSetup{}.max_processes;
  std::size_t threads = DriverSetup{}.max_threads_per_process;
  std::size_t nodes = DriverSetup{}.max_nodes_per_process;
  std::uint64_t message_bytes = DriverSetup{}.max_message_bytes;
  ClaimsBy claims_by = ClaimsBy::kArbiter;
  std::size_t slice_units = DriverSetup{}.slice_units;
  UserLimits of_a_user = {};
};

class Cluster;

class Host final : public Effects {
 public:
  Host(Cluster& cluster, std::uint32_t id, const Bounds& bounds);

  Driver driver;
  std::uint32_t id;
  std::map<std::pair<std::uint64_t, std::uint32_t>, std::deque<Outcome>> outcomes;
  std::map<std::pair<std::uint64_t, std::uint32_t>, std::vector<std::byte>> buffers;
  std::map<std::uint64_t, bool> readable;
  // By process and thread: a read that may be posted, and whether it is.
  std::map<std::pair<std::uint64_t, std::uint32_t>, bool> posted;
  std::vector<std::string> given_up;
  std::vector<Denial> denials;
  std::vector<std::string> store;  // what it was asked
  std::set<std::uint32_t> members;                                   // hosts that may still connect
  std::vector<std::pair<std::uint32_t, std::uint32_t>> unreachable;  // homes, and who passed on
  std::size_t dropped_files = 0;
  std::size_t withdrawn_files = 0;
  // Descriptors offered to other hosts, by the host and the number it knows them by.
  std::map<std::pair<std::uint32_t, std::uint64_t>, FileToken> offered;
  int import_error = 0;
  std::uint64_t earliest_timer_ms = UINT64_MAX;  // of all that were set
  std::vector<std::uint64_t> installing;
  // For processes that are not Programs: the function that is called when their ioctls end.
  std::map<std::uint64_t, std::function<void(ThreadId, const IoctlResult&)>> others;

  int read_memory(ProcessId process, ThreadId thread, std::uint64_t address,
                  std::span<std::byte> into) override;
  std::expected<FileToken, int> take_file(ProcessId process, ThreadId thread, int fd) override;
  void drop_file(FileToken file) override;
  void install_files(ProcessId process, ThreadId thread, std::span<const FileToken> files) override;
  // A file of 1000 and above is refused.
  std::expected<FileNumber, FileRefusal> export_file(HostId peer, FileToken file) override;
  void withdraw_file(HostId peer, FileNumber file) override;
  // Known here by its number there, plus 500.
  std::expected<FileToken, int> import_file(HostId peer, FileNumber file) override;
  void ioctl_done(ProcessId process, ThreadId thread, const IoctlResult& result) override;
  std::optional<PostedRead> take_posted_read(ProcessId process, ThreadId thread) override;
  void readiness_changed(ProcessId process, bool now_readable) override {
    readable[process.value()] = now_readable;
  }
  netbinder::Payload new_payload(HostId peer, std::uint64_t bytes) override;
  void send(HostId peer, PeerMessage message, netbinder::Payload payload) override;
  void give_up_peer(HostId peer, std::string_view reason) override;
  void access_denied(const Denial& denial) override { denials.push_back(denial); }
  [[nodiscard]] bool is_member(HostId host) const override {
    return members.contains(host.value());
  }
  void home_unreachable(HostId home, HostId passed_on_by) override {
    unreachable.emplace_back(home.value(), passed_on_by.value());
  }
  void ask_for_claim(std::string_view context) override {
    store.push_back("ask " + std::string(context));
  }
  void release_claim(std::string_view context) override {
    store.push_back("release " + std::string(context));
  }
  void set_timer(std::uint64_t deadline_ms) override {
    earliest_timer_ms = std::min(earliest_timer_ms, deadline_ms);
  }

 private:
  Cluster& cluster_;
  std::uint64_t next_file_ = 1;
};

// A binder process of a test's program.
class Program {
 public:
  Program(Host& host, std::int32_t pid, const std::string& context = "binder",
          std::size_t arena_bytes = 128 * 1024, std::uint32_t euid = 1000,
          const std::string& security_context = "u:r:test:s0");
  ~Program() { close(); }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void close() {
    if (open_) host_.driver.close(id_);
    open_ = false;
  }
  // Starts a BINDER_WRITE_READ. Its outcome comes with outcome(), perhaps later.
  void start(std::uint32_t tid, const Commands& commands, bool reads, bool nonblocking = false,
             std::size_t read_bytes = 1024);
  // Sets the nice value that its threads report from here on.
  void set_nice(std::int32_t nice) { nice_ = nice; }
  // Posts a read; fails the test if it may not.
  void post_read(std::uint32_t tid);
  // The oldest outcome of a thread that was not taken yet; fails the test if there is none.
  Outcome outcome(std::uint32_t tid);
  [[nodiscard]] bool blocked(std::uint32_t tid) const;
  // start and outcome at once.
  Outcome write(std::uint32_t tid, const Commands& commands);
  Outcome read(std::uint32_t tid, const Commands& commands = {});
  Outcome read_now(std::uint32_t tid);  // nonblocking
  int control(std::uint32_t tid, std::uint32_t command, void* argument);
  // A first ioctl, so that the thread's next read may block.
  void greet(std::uint32_t tid);
  void enter_looper(std::uint32_t tid) {
    greet(tid);
    write(tid, Commands().put(BC_ENTER_LOOPER));
  }
  int become_manager();

  // The arena's bytes behind an address the program was given.
  [[nodiscard]] std::byte* at(std::uint64_t address) {
    return reinterpret_cast<std::byte*>(address);
  }
  [[nodiscard]] ProcessId id() const { return id_; }
  [[nodiscard]] Host& host() { return host_; }

 private:
  Host& host_;
  ProcessId id_;
  bool open_ = true;
  std::int32_t nice_ = 0;
  std::vector<std::byte> arena_;
};

// A parcel to be sent: bytes and offsets that stay where they are while it lives.
struct Payload {
  std::vector<std::byte> data;
  std::vector<binder_size_t> offsets;

  Payload() = default;
  explicit Payload(const std::string& text);
  // An object of any kind, as much of it as the parcel holds, at the next place where one may be.
  template <typename T>
  Payload& add(const T& object) {
    while (data.size() % 4 != 0) data.push_back(std::byte{0});
    offsets.push_back(data.size());
    const auto* begin = reinterpret_cast<const std::byte*>(&object);
    data.insert(data.end(), begin, begin + sizeof object);
    return *this;
  }
  [[nodiscard]] binder_transaction_data call(std::uint32_t handle, std::uint32_t code,
                                             std::uint32_t flags = 0) const;
};
flat_binder_object binder_object(std::uint64_t ptr, std::uint64_t cookie, bool strong = true);
flat_binder_object handle_object(std::uint32_t handle, bool strong = true);

class Cluster {
 public:
  explicit Cluster(std::size_t hosts = 1, const Bounds& bounds = {});
  ~Cluster();

  [[nodiscard]] Host& host(std::size_t number) { return *hosts_.at(number - 1); }
  // Delivers messages until none is left, then checks every host's invariants.
  void settle();
  // Delivers one message from a host to another; false: there is none.
  bool deliver_one(std::size_t from, std::size_t to);
  // The next message is lost, which no session does.
  void drop_one(std::size_t from, std::size_t to) { links_[{from, to}].pop_front(); }
  void disconnect(std::size_t a, std::size_t b);
  // A session in place of the one that disconnect() ended; of a second life of `b`, if it says so.
  void connect(std::size_t a, std::size_t b, std::uint64_t life_of_b = 0);

  struct Letter {
    PeerMessage message;
    netbinder::Payload payload;
  };
  // The letter that deliver_one would deliver; null if there is none.
  [[nodiscard]] const Letter* next(std::size_t from, std::size_t to) const;
  // Delivers it by a lease of the receiver's: its payload (or as much of it as there is room for)
  // is in the lease's space, as a device would have put it there, before the receiver hears of it.
  PayloadPlace deliver_by_lease(std::size_t from, std::size_t to, const Lease& lease);

 private:
  friend class Host;
  std::map<std::pair<std::size_t, std::size_t>, std::deque<Letter>> links_;  // hosts speak at their end
  std::vector<std::unique_ptr<Host>> hosts_;
};

}  // namespace netbinder::testing
