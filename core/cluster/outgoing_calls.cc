// SPDX-License-Identifier: Apache-2.0
#include "core/cluster/outgoing_calls.h"

#include <algorithm>

#include "core/model/thread.h"

namespace netbinder {

namespace {

// The longest chain of calls that is sent to another host. A call back beyond it is not nested.
constexpr std::size_t kMaxAncestors = 128;

}  // namespace

Process* OutgoingCalls::awaiting(const Peer& peer, CallId id) {
  const Call* call = find(peer, id);
  if (call == nullptr || call->transaction == nullptr) return nullptr;
  const Thread* caller = call->transaction->from();
  return caller == nullptr ? nullptr : &caller->process();
}

Thread* OutgoingCalls::nested_target(HostId here, std::span<const CallAncestor> ancestors,
                                     const Process& target) const {
  for (const CallAncestor& ancestor : ancestors) {
    if (ancestor.host != here) continue;
    const Call* call = find(ancestor.call);
    if (call == nullptr || call->transaction == nullptr) continue;
    Thread* waiting = call->transaction->from();
    if (waiting != nullptr && &waiting->process() == &target) return waiting;
  }
  return nullptr;
}

CallAncestors OutgoingCalls::ancestors_of(HostId here, const Thread& thread, CallId call) {
  CallAncestors ancestors;
  ancestors.push_back({.host = here, .call = call});
  for (Transaction* waiting = thread.stack();
       waiting != nullptr && ancestors.size() < kMaxAncestors; waiting = waiting->from_parent()) {
    if (waiting->from() == nullptr) {
      // The call came from another host, which has sent the rest of the chain.
      if (const RemoteCaller* remote = waiting->remote_caller()) {
        const std::size_t room = kMaxAncestors - ancestors.size();
        const auto count = static_cast<std::ptrdiff_t>(std::min(room, remote->ancestors.size()));
        ancestors.insert(ancestors.end(), remote->ancestors.begin(),
                         remote->ancestors.begin() + count);
      }
      break;
    }
    if (waiting->own_call() == CallId{}) {
      waiting->set_own_call(next_id());
      add(waiting->own_call(), {.peer = nullptr,
                                .transaction = waiting,
                                .waiting = nullptr,
                                .debug_id = waiting->debug_id()});
    }
    ancestors.push_back({.host = here, .call = waiting->own_call()});
  }
  return ancestors;
}

std::vector<CallId> OutgoingCalls::to(const Peer& peer) const {
  std::vector<CallId> ids;
  for (const auto& [id, call] : calls_) {
    if (call.peer == &peer) ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

}  // namespace netbinder
