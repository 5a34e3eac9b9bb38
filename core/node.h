// SPDX-License-Identifier: Apache-2.0
//
// Nodes, and references to them.
//
// A node is one of three: *local* (owner != null), *dead* (its owner is gone, or its home host
// is) or *imported* (its home is another host that is up). It lives while anything refers to it:
// a ref, a local count, an unacknowledged command to its owner.
//
// A ref is what one holder, a process or a peer host, has of one node. Its counts are what the
// holder was given and has not given back; all strong counts of a ref are one strong reference to
// the node, and the ref itself is a weak one.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <optional>

#include "core/ids.h"
#include "core/work.h"

namespace netbinder {

struct Node;
struct Peer;
struct Process;
struct Ref;

struct NodeWork : Work {
  explicit NodeWork(Node& of) : Work(WorkKind::kNode), node(of) {}
  Node& node;
};

struct DeathNotification : Work {
  DeathNotification(Process& of, std::uint64_t with_cookie)
      : Work(WorkKind::kDeadBinder), process(of), cookie(with_cookie) {}
  Process& process;
  std::uint64_t cookie;
  Ref* ref = nullptr;  // null once cleared, or once the ref is gone
};

struct FreezeNotification : Work {
  FreezeNotification(Process& of, std::uint64_t with_cookie)
      : Work(WorkKind::kFrozenBinder), process(of), cookie(with_cookie) {}
  Process& process;
  std::uint64_t cookie;
  Ref* ref = nullptr;
  bool is_frozen = false;
  bool sent = false;    // delivered, not yet acknowledged
  bool resend = false;  // the state changed meanwhile
};

struct Ref {
  Node* node = nullptr;
  // The holder: exactly one of the two.
  Process* process = nullptr;
  Peer* peer = nullptr;

  Handle handle;  // in the process; unused for a peer
  std::uint32_t debug_id = 0;
  std::uint64_t strong = 0;
  std::uint64_t weak = 0;
  DeathNotification* death = nullptr;
  FreezeNotification* freeze = nullptr;
  bool watches_freeze = false;  // a peer's: it is told when the owner is frozen

  boost::intrusive::list_member_hook<> node_hook;
};

struct Node {
  explicit Node(NodeNumber with_number) : number(with_number), work(*this) {}

  [[nodiscard]] bool local() const { return owner != nullptr; }
  [[nodiscard]] bool imported() const { return home != nullptr; }
  [[nodiscard]] bool dead() const { return owner == nullptr && home == nullptr; }

  NodeNumber number;      // given by the home host
  NodeIdentity identity;  // kept when it dies
  Process* owner = nullptr;
  Peer* home = nullptr;
  std::uint64_t ptr = 0;
  std::uint64_t cookie = 0;
  std::uint32_t debug_id = 0;
  NodeWork work;

  // References from refs (one for each ref with strong counts).
  std::uint64_t internal_strong = 0;
  // References from buffers, transactions and commands the owner has not acknowledged.
  std::uint64_t local_strong = 0;
  std::uint64_t local_weak = 0;
  // The owner's view: it holds a reference for us, and has yet to say that it does.
  bool has_strong = false;
  bool pending_strong = false;
  bool has_weak = false;
  bool pending_weak = false;

  bool accept_fds = false;
  bool wants_security_context = false;
  std::int32_t min_priority = 0;

  // A oneway call is queued or being handled; later ones wait in async_todo.
  bool has_async_transaction = false;
  TodoList async_todo;

  using RefList = boost::intrusive::list<
      Ref,
      boost::intrusive::member_hook<Ref, boost::intrusive::list_member_hook<>, &Ref::node_hook>>;
  RefList refs;

  // Of an imported node: what the home has counted for us and we have not given back, and claims
  // the home has yet to answer.
  std::uint64_t received_strong = 0;
  std::uint64_t received_weak = 0;
  std::uint64_t pending_claims = 0;
  std::uint64_t pending_strong_claims = 0;  // among them
  bool gives_back = false;  // at the end of the event: what is not needed any more then
  // Whether its owner is frozen, once the home has been asked and has said so.
  bool asked_freeze_state = false;
  std::optional<bool> frozen;
};

}  // namespace netbinder
