// SPDX-License-Identifier: Apache-2.0
#include "core/cluster/freeze_watches.h"

#include "core/local/command_stream.h"

namespace netbinder {

void FreezeWatches::await(Thread& thread, Node& node) {
  ImportedNode& import = *node.import();
  const HostId home = import.home().host();
  ask(import, node.number());
  thread.process().loopers().enter(thread,
                                   AwaitingFreezeState{.home = home, .node = node.number()});
  waiters_.push_back(&thread);
}

void FreezeWatches::ask(ImportedNode& import, NodeNumber node) {
  if (!import.home().is_connected() || !import.ask_freeze_state()) return;
  model_.effects.send(import.home().host(), peer::WatchFreeze{.node = node}, {});
}

void FreezeWatches::peer_connected(const Peer& peer) {
  for (const Thread* thread : waiters_) {
    const AwaitingFreezeState& awaited = *thread->in<AwaitingFreezeState>();
    if (awaited.home != peer.host()) continue;
    if (Node* node = peer.find_imported(awaited.node)) ask(*node->import(), awaited.node);
  }
}

void FreezeWatches::handle(Peer& peer, const peer::FreezeState& message) {
  if (Node* node = peer.find_imported(message.node)) {
    ImportedNode& import = *node->import();
    if (import.frozen() != message.frozen) {
      import.set_frozen(message.frozen);
      for (Ref& ref : node->refs()) ref.owner_froze(message.frozen);
    }
  }
  end_waits(peer.host(), message.node);
}

void FreezeWatches::end_waits(HostId home, std::optional<NodeNumber> node) {
  std::vector<Thread*> done;
  std::erase_if(waiters_, [&](Thread* thread) {
    const AwaitingFreezeState& awaited = *thread->in<AwaitingFreezeState>();
    if (awaited.home != home || (node && awaited.node != *node)) return false;
    done.push_back(thread);
    return true;
  });
  for (Thread* thread : done) commands_.resume(*thread);
}

}  // namespace netbinder
