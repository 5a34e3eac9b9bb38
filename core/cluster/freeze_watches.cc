// SPDX-License-Identifier: Apache-2.0
#include "core/cluster/freeze_watches.h"

#include "core/local/command_stream.h"

namespace netbinder {

void FreezeWatches::await(Thread& thread, Node& node) {
  ImportedNode& import = *node.import();
  const HostId home = import.home().host();
  if (import.ask_freeze_state()) {
    model_.effects.send(home, peer::WatchFreeze{.node = node.number()}, {});
  }
  thread.process().loopers().enter(thread,
                                   AwaitingFreezeState{.home = home, .node = node.number()});
  waiters_.push_back(&thread);
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
