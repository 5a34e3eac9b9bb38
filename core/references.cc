// SPDX-License-Identifier: Apache-2.0
//
// The counts of nodes and refs, and what they make the owner of a node hear.
#include <algorithm>
#include <cerrno>

#include "core/check.h"
#include "core/driver.h"

namespace netbinder {

Node& Driver::create_node(Process& owner, std::uint64_t ptr, std::uint64_t cookie,
                          std::uint32_t flags) {
  Node* node = nodes_.create(NodeNumber{next_node_++});
  node->identity = {.host = setup_.host, .incarnation = setup_.incarnation, .number = node->number};
  node->owner = &owner;
  node->ptr = ptr;
  node->cookie = cookie;
  node->debug_id = next_debug_id_++;
  node->min_priority = static_cast<std::int32_t>(flags & FLAT_BINDER_FLAG_PRIORITY_MASK);
  node->accept_fds = (flags & FLAT_BINDER_FLAG_ACCEPTS_FDS) != 0;
  node->wants_security_context = (flags & FLAT_BINDER_FLAG_TXN_SECURITY_CTX) != 0;
  owner.nodes.emplace(ptr, node);
  return *node;
}

void Driver::destroy_node(Node& node) {
  NB_CHECK(node.refs.empty() && node.async_todo.empty());
  dequeue_node_work(node);
  if (node.owner != nullptr) {
    NB_CHECK(node.owner->nodes.erase(node.ptr) == 1);
  }
  if (node.gives_back) std::erase(giving_back_, &node);
  if (node.home != nullptr) {
    give_back(node);
    node.home->imports.erase(node.number);
  }
  if (const auto found = exported_.find(node.number);
      found != exported_.end() && found->second == &node) {
    exported_.erase(found);
  }
  if (const auto found = dead_nodes_.find(node.identity);
      found != dead_nodes_.end() && found->second == &node) {
    dead_nodes_.erase(found);
  }
  nodes_.destroy(&node);
}

void Driver::dequeue_node_work(Node& node) {
  if (!node.work.queued()) return;
  node.work.dequeue();
  if (node.owner != nullptr) touch(*node.owner);  // it may have been all there was to read
}

bool Driver::increment_node(Node& node, RefKind kind, bool from_ref, Thread* holder_thread) {
  // A first strong reference needs a thread of the owner's that can tell it, unless the node is a
  // context's manager (whose owner holds it from the start) or is counted for us at its home. A
  // weak one is granted in any case, as by the kernel's driver: the owner may never hear of it.
  if (kind == RefKind::kStrong) {
    if (from_ref) {
      const bool manager_like =
          (!node.local() && node.received_strong + node.pending_strong_claims > 0) ||
          (node.local() && node.has_strong &&
           (&node == node.owner->context.manager || &node == node.owner->context.builtin ||
            &node == node.owner->context.builtin_for_peers));
      if (holder_thread == nullptr && node.internal_strong == 0 && !manager_like) return false;
      ++node.internal_strong;
    } else {
      ++node.local_strong;
    }
    if (!node.has_strong && holder_thread != nullptr && node.local()) {
      dequeue_node_work(node);
      queue_deferred_thread_work(*holder_thread, node.work);
    }
  } else {
    if (!from_ref) ++node.local_weak;
    if (!node.has_weak && !node.work.queued() && node.local() && holder_thread != nullptr) {
      queue_deferred_thread_work(*holder_thread, node.work);
    }
  }
  return true;
}

void Driver::decrement_node(Node& node, RefKind kind, bool from_ref) {
  if (kind == RefKind::kStrong) {
    std::uint64_t& count = from_ref ? node.internal_strong : node.local_strong;
    NB_CHECK(count > 0);
    --count;
    if (node.local_strong > 0 || node.internal_strong > 0) return;
  } else {
    if (!from_ref) {
      NB_CHECK(node.local_weak > 0);
      --node.local_weak;
    }
    if (node.local_weak > 0 || !node.refs.empty()) return;
  }
  drop_node_if_unused(node);
}

void Driver::drop_node_if_unused(Node& node) {
  if (node.local() && (node.has_strong || node.has_weak)) {
    if (!node.work.queued()) queue_process_work(*node.owner, node.work);
    return;
  }
  const bool unused = node.refs.empty() && node.local_strong == 0 && node.local_weak == 0 &&
                      node.internal_strong == 0 && node.pending_claims == 0;
  if (unused) {
    destroy_node(node);
  } else if (node.imported() && !node.gives_back) {
    // Not yet: the weak reference often follows, and the owner hears of both at once then.
    node.gives_back = true;
    giving_back_.push_back(&node);
  }
}

Ref& Driver::get_ref(Process& process, Node& node) {
  if (const auto found = process.refs_by_node.find(&node); found != process.refs_by_node.end()) {
    return *found->second;
  }
  Ref* ref = refs_.create();
  ref->node = &node;
  ref->process = &process;
  ref->debug_id = next_debug_id_++;
  ref->handle = process.handles.lowest_free(&node == process.context.handle_zero() ? 0 : 1);
  process.handles.insert(ref->handle, ref);
  process.refs_by_node.emplace(&node, ref);
  node.refs.push_back(*ref);
  return *ref;
}

Ref& Driver::get_ref(Peer& peer, Node& node) {
  if (const auto found = peer.refs.find(node.number); found != peer.refs.end()) {
    return *found->second;
  }
  Ref* ref = refs_.create();
  ref->node = &node;
  ref->peer = &peer;
  ref->debug_id = next_debug_id_++;
  peer.refs.emplace(node.number, ref);
  exported_.emplace(node.number, &node);
  node.refs.push_back(*ref);
  return *ref;
}

bool Driver::increment_ref(Ref& ref, RefKind kind, Thread* holder_thread) {
  std::uint64_t& count = kind == RefKind::kStrong ? ref.strong : ref.weak;
  if (count == 0 && !increment_node(*ref.node, kind, true, holder_thread)) return false;
  ++count;
  return true;
}

void Driver::decrement_ref(Ref& ref, RefKind kind) {
  std::uint64_t& count = kind == RefKind::kStrong ? ref.strong : ref.weak;
  if (count == 0) return;  // released too often: nothing happens
  --count;
  if (kind == RefKind::kStrong && count == 0) decrement_node(*ref.node, kind, true);
  if (ref.strong == 0 && ref.weak == 0) destroy_ref(ref);
}

void Driver::destroy_ref(Ref& ref) {
  Node& node = *ref.node;
  const bool strong = ref.strong > 0;
  if (ref.process != nullptr) {
    ref.process->handles.erase(ref.handle);
    NB_CHECK(ref.process->refs_by_node.erase(&node) == 1);
  } else {
    NB_CHECK(ref.peer->refs.erase(node.number) == 1);
  }
  node.refs.erase(node.refs.iterator_to(ref));
  if (ref.death != nullptr) destroy_death(*ref.death);
  if (ref.freeze != nullptr) {
    ref.freeze->dequeue();
    freezes_.destroy(ref.freeze);
  }
  refs_.destroy(&ref);
  // Strong first and without looking further: the node is judged once, when both are gone.
  if (strong) {
    NB_CHECK(node.internal_strong > 0);
    --node.internal_strong;
    const bool last_strong = node.internal_strong == 0 && node.local_strong == 0;
    const bool last_weak = node.refs.empty() && node.local_weak == 0;
    if (last_strong || last_weak) drop_node_if_unused(node);
  } else if (node.refs.empty() && node.local_weak == 0) {
    drop_node_if_unused(node);
  }
}

std::expected<Handle, int> Driver::increment_ref_for_node(Process& process, Node& node,
                                                          RefKind kind, Thread* holder_thread) {
  Ref& ref = get_ref(process, node);
  if (!increment_ref(ref, kind, holder_thread)) {
    if (ref.strong == 0 && ref.weak == 0) destroy_ref(ref);
    return std::unexpected(-EINVAL);
  }
  return ref.handle;
}

Node* Driver::node_of_handle(Process& process, Handle handle, bool need_strong) {
  const Ref* ref = process.handles.find(handle);
  if (ref == nullptr || (need_strong && ref->strong == 0)) return nullptr;
  return ref->node;
}

}  // namespace netbinder
