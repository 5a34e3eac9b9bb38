// SPDX-License-Identifier: Apache-2.0
#include "core/local/managers.h"

#include <cerrno>

#include "core/base/check.h"
#include "core/model/access_control.h"

namespace netbinder {

int Managers::refuse(const Process& process) {
  const Context& context = process.context();
  if (context.manager() != nullptr || context.remote_manager() != nullptr) return -EBUSY;
  if (context.builtin() != nullptr && !context.builtin_yields()) return -EBUSY;
  if (process.model().elsewhere->claim_stands(context)) return -EBUSY;
  const auto uid = context.manager_uid();
  if (uid && *uid != process.credentials().euid) return -EPERM;
  return denies_managing(process.model(), context, process.subject(), process.pid()) ? -EPERM : 0;
}

Outcome Managers::become_manager(Thread& thread, const ClaimingContext& claim) {
  Process& process = thread.process();
  Context& context = process.context();
  if (const int refused = refuse(process)) return std::unexpected(refused);
  if (context.cluster_wide()) {
    const Outcome claimed = model_.elsewhere->claim(thread, context, claim);
    if (!claimed || *claimed == Step::kSuspended) return claimed;
  }
  install(process, claim);
  return Step::kDone;
}

void Managers::install(Process& process, const ClaimingContext& claim) {
  Context& context = process.context();
  Node* node = process.find_node(claim.ptr);
  if (node == nullptr) {
    node = &model_.nodes.create(process, claim.ptr, claim.cookie, NodeFlags(claim.flags));
  }
  context.set_manager(*node, process.credentials().euid);
  if (context.cluster_wide()) model_.elsewhere->manager_installed(context);
}

void Managers::set_builtin(Process& process, std::uint64_t ptr, std::uint64_t peer_ptr) {
  Context& context = process.context();
  NB_CHECK(context.builtin() == nullptr && (ptr < peer_ptr || ptr > peer_ptr + UINT32_MAX));
  context.set_builtin(model_.nodes.create(process, ptr, 0, NodeFlags()), peer_ptr);
  if (context.cluster_wide()) model_.elsewhere->builtin_installed(context);
}

Node& Managers::builtin_for(Context& context, HostId host) {
  if (Node* known = context.builtin_for(host)) return *known;
  Process& process = *context.builtin()->owner();
  Node& made = model_.nodes.create(process, context.builtin_peer_ptr() + host.value(), 0,
                                   NodeFlags());
  context.set_builtin_for(host, made);
  return made;
}

void Managers::depose(Context& context) {
  Process& process = *context.manager()->owner();
  context.end_manager();
  process.depose();
}

void Managers::process_ends(Process& process) {
  Context& context = process.context();
  if (context.manager() != nullptr && context.manager()->owner() == &process) {
    context.end_manager();
    if (context.cluster_wide()) model_.elsewhere->manager_gone(context);
  }
  if (context.builtin() != nullptr && context.builtin()->owner() == &process) {
    context.end_builtin();
  }
}

}  // namespace netbinder
