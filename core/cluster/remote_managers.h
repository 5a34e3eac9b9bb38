// SPDX-License-Identifier: Apache-2.0
//
// The managers that other hosts have announced, one for each host, and the claims that the arbiter
// has confirmed. A context's remote manager is the one whose host's claim was confirmed last; if it
// goes, the one confirmed before it. So a manager without a grant is never used, and one that is
// announced late displaces none that was granted later. Owned by ContextClaims.
//
// A claim is confirmed for one incarnation of its host, and stays confirmed while the arbiter is
// away: hosts that know a manager keep using it.
#pragma once

#include <boost/container/flat_map.hpp>
#include <optional>
#include <vector>

#include "core/cluster/peers.h"
#include "core/model/model.h"

namespace netbinder {

class RemoteManagers {
 public:
  RemoteManagers(Model& model, Peers& peers) : model_(model), peers_(peers) {}

  void announced(Context& context, HostId host, Node& node);
  void confirmed(Context& context, HostId host, Incarnation incarnation);
  void denied(Context& context, HostId host);
  // The host whose claim was confirmed last, of those that are connected in the same incarnation
  // still.
  [[nodiscard]] std::optional<HostId> last_confirmed(const Context& context) const;
  // The node manages no context any more.
  void node_died(const Node& node);

 private:
  struct Confirmed {
    HostId host;
    Incarnation incarnation;
  };
  struct OfContext {
    boost::container::flat_map<HostId, NodeHold> announced;
    std::vector<Confirmed> confirmed;  // the latest last, each host once
  };

  void choose(Context& context, const OfContext& of_context);

  Model& model_;
  Peers& peers_;
  boost::container::flat_map<Context*, OfContext> contexts_;
};

}  // namespace netbinder
