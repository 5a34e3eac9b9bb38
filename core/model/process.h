// SPDX-License-Identifier: Apache-2.0
//
// A binder process: one open of a binder device. Owns its threads, its refs, its arena and its
// unacknowledged notifications; lists its nodes, which Nodes owns. Owned by the Model.
//
// The order of a process's end is in core/local/teardown.h.
#pragma once

#include <boost/container/flat_map.hpp>
#include <boost/container/small_vector.hpp>
#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "core/base/ids.h"
#include "core/base/statistics.h"
#include "core/model/access_rules.h"
#include "core/model/arena.h"
#include "core/model/credentials.h"
#include "core/model/leased_space.h"
#include "core/model/looper_pool.h"
#include "core/model/node.h"
#include "core/model/ref_table.h"
#include "core/model/thread.h"
#include "core/model/users.h"

namespace netbinder {

class Context;
class EndOfEvent;
class Model;

class Process {
 public:
  Process(Model& model, ProcessId id, Context& context, Credentials credentials, UserUsage& user)
      : model_(model),
        loopers_(model, *this),
        id_(id),
        context_(context),
        credentials_(std::move(credentials)),
        user_(user),
        refs_(model, *this) {
    user_.processes.add();
  }
  ~Process() {
    remove_threads();
    user_.processes.remove();
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] Model& model() const { return model_; }
  [[nodiscard]] ProcessId id() const { return id_; }
  [[nodiscard]] Context& context() const { return context_; }
  [[nodiscard]] const Credentials& credentials() const { return credentials_; }
  [[nodiscard]] std::int32_t pid() const { return credentials_.pid; }
  // For the host's policy.
  [[nodiscard]] Subject subject() const;
  void set_euid(std::uint32_t euid) { credentials_.euid = euid; }
  // The user whose account it counts on, even if its program's user changes.
  [[nodiscard]] UserUsage& user() const { return user_; }
  [[nodiscard]] bool dead() const { return dead_; }
  void die() { dead_ = true; }

  [[nodiscard]] Arena& arena() { return arena_; }
  [[nodiscard]] const Arena& arena() const { return arena_; }
  [[nodiscard]] LooperPool& loopers() { return loopers_; }
  [[nodiscard]] const LooperPool& loopers() const { return loopers_; }
  [[nodiscard]] RefTable& refs() { return refs_; }
  [[nodiscard]] const RefTable& refs() const { return refs_; }

  // ---- threads, by tid ----
  // A few threads are stored in the Process itself, which is enough for most processes.
  using Threads = boost::container::small_flat_map<std::uint32_t, std::unique_ptr<Thread>, 4>;
  [[nodiscard]] const Threads& threads() const { return threads_; }
  [[nodiscard]] Thread* find_thread(ThreadId tid) const {
    const auto found = threads_.find(tid.value());
    return found == threads_.end() ? nullptr : found->second.get();
  }
  Thread& add_thread(ThreadId tid) {
    user_.threads.add();
    return *threads_.emplace(tid.value(), std::make_unique<Thread>(*this, tid)).first->second;
  }
  void remove_thread(ThreadId tid) { user_.threads.remove(threads_.erase(tid.value())); }
  void remove_threads() {
    user_.threads.remove(threads_.size());
    threads_.clear();
  }

  // ---- nodes, by ptr ----
  // In that order one event handles them, and others may go on from a ptr.
  struct PtrOf {
    using type = std::uint64_t;
    type operator()(const Node& node) const { return node.ptr(); }
  };
  using NodeSet = boost::intrusive::set<
      Node,
      boost::intrusive::member_hook<
          Node, boost::intrusive::set_member_hook<boost::intrusive::optimize_size<true>>,
          &Node::owner_hook>,
      boost::intrusive::key_of_value<PtrOf>>;
  [[nodiscard]] NodeSet& nodes() { return nodes_; }
  [[nodiscard]] const NodeSet& nodes() const { return nodes_; }
  [[nodiscard]] Node* find_node(std::uint64_t ptr) {
    const auto found = nodes_.find(ptr);
    return found == nodes_.end() ? nullptr : &*found;
  }
  void add_node(Node& node) {
    NB_CHECK(nodes_.insert(node).second);
    user_.nodes.add();
  }
  void remove_node(Node& node) {
    nodes_.erase(nodes_.iterator_to(node));
    user_.nodes.remove();
  }

  // ---- calls ----
  // Calls and replies that are queued to it, and synchronous calls that it handles.
  [[nodiscard]] std::uint64_t outstanding() const { return outstanding_; }
  void transaction_begins() { ++outstanding_; }
  // True: it was the last one.
  [[nodiscard]] bool transaction_ends() {
    NB_CHECK(outstanding_ > 0);
    return --outstanding_ == 0;
  }
  // Whether any call is queued to it, or any thread of it makes or handles one.
  [[nodiscard]] bool calls_pending() const;

  // ---- freezing ----
  [[nodiscard]] bool frozen() const { return frozen_; }
  [[nodiscard]] bool sync_received() const { return sync_received_; }
  [[nodiscard]] bool async_received() const { return async_received_; }
  void freeze() { begin_freezing(true); }
  void thaw() { begin_freezing(false); }
  // The freeze has failed: calls that came in the meantime are still reported.
  void abandon_freeze() { frozen_ = false; }
  // A thread of it begins to wait until a program has no call in flight. False: too many do.
  [[nodiscard]] bool begin_waiting_for_quiet(std::uint32_t most) {
    if (waiting_for_quiet_ >= most) return false;
    ++waiting_for_quiet_;
    return true;
  }
  void end_waiting_for_quiet() {
    NB_CHECK(waiting_for_quiet_ > 0);
    --waiting_for_quiet_;
  }
  void call_while_frozen(Buffer::Space space) {
    (space == Buffer::Space::kAsync ? async_received_ : sync_received_) = true;
  }

  // ---- notifications that have been read and not acknowledged ----
  [[nodiscard]] DeliveredNotifications& delivered_deaths() { return delivered_deaths_; }
  [[nodiscard]] const DeliveredNotifications& delivered_deaths() const { return delivered_deaths_; }
  [[nodiscard]] DeliveredNotifications& delivered_freezes() { return delivered_freezes_; }
  [[nodiscard]] const DeliveredNotifications& delivered_freezes() const {
    return delivered_freezes_;
  }

  // ---- as a manager of its context ----
  // The process has not ended, but is manager no more, and reads so.
  void depose() {
    if (!deposed_.queued()) loopers_.queue(deposed_);
  }

  // ---- space lent to peers ----
  using Leases = boost::intrusive::list<
      LeasedSpace, boost::intrusive::member_hook<LeasedSpace, boost::intrusive::list_member_hook<>,
                                                 &LeasedSpace::process_hook>>;
  [[nodiscard]] Leases& leases() { return leases_; }
  [[nodiscard]] const Leases& leases() const { return leases_; }

  [[nodiscard]] bool detects_spam() const { return spam_detection_; }
  void detect_spam(bool detect) { spam_detection_ = detect; }
  [[nodiscard]] CommandCounts& commands() { return commands_; }
  [[nodiscard]] const CommandCounts& commands() const { return commands_; }

  void check() const;

 private:
  friend class EndOfEvent;

  void begin_freezing(bool frozen) {
    sync_received_ = false;
    async_received_ = false;
    frozen_ = frozen;
  }

  Model& model_;
  LooperPool loopers_;
  ProcessId id_;
  Context& context_;
  Credentials credentials_;
  UserUsage& user_;
  Arena arena_;
  Leases leases_;
  Threads threads_;
  NodeSet nodes_;
  RefTable refs_;
  DeliveredNotifications delivered_deaths_;
  DeliveredNotifications delivered_freezes_;
  DeposedWork deposed_;
  CommandCounts commands_;
  std::uint64_t outstanding_ = 0;
  std::uint32_t waiting_for_quiet_ = 0;
  bool frozen_ = false;
  bool sync_received_ = false;   // while frozen
  bool async_received_ = false;  // while frozen
  bool spam_detection_ = false;
  bool dead_ = false;
  bool touched_ = false;  // listed by EndOfEvent
};

}  // namespace netbinder
