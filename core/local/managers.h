// SPDX-License-Identifier: Apache-2.0
//
// The programs of this host that are, or want to be, context managers. In a context of cluster
// scope other hosts have a say (see Elsewhere). Owned by the Driver.
#pragma once

#include <cstdint>
#include <optional>

#include "core/model/model.h"

namespace netbinder {

class Managers {
 public:
  explicit Managers(Model& model) : model_(model) {}

  // BINDER_SET_CONTEXT_MGR and its like.
  Outcome become_manager(Thread& thread, const ClaimingContext& claim);
  // 0 or a negative errno: whether a program of this host could become the manager now, as far as
  // this host's own rules go.
  [[nodiscard]] static int refuse(const Process& process);
  void install(Process& process, const ClaimingContext& claim);
  // The manager of this host is manager no more, because another host's is.
  static void depose(Context& context);
  // Makes the node `ptr` of the process the one that handle 0 leads to while no program is manager.
  // The built-in manager of each other host gets a node of its own, which is given to no other
  // host: its ptr is `peer_ptr` plus that host's number.
  void set_builtin(Process& process, std::uint64_t ptr, std::uint64_t peer_ptr);
  // The node for that host's built-in manager, which is made at the first request.
  Node& builtin_for(Context& context, HostId host);
  // The process ends.
  void process_ends(Process& process);

 private:
  Model& model_;
};

}  // namespace netbinder
