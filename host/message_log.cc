// SPDX-License-Identifier: Apache-2.0
#include "host/message_log.h"

namespace netbinder {

namespace {

// One record for each kind of message that is worth one.
class MessageRecord {
 public:
  MessageRecord(MessageWay way, std::string_view host)
      : way_(way == MessageWay::kTo ? "to" : "from"), host_(host) {}

  void operator()(const peer::ClaimContext& claim) const {
    log::claims.debug("{} host {}: uid {} claims context {}", way_, host_, claim.euid,
                      claim.context);
  }
  void operator()(const peer::ContextClaimResult& result) const {
    const char* const what = result.granted     ? "is granted"
                             : result.forbidden ? "is denied by policy"
                             : result.other_list
                                 ? "is not decided: the lists of hosts differ, or may"
                                 : "is refused: it has a manager";
    log::claims.debug("{} host {}: the claim of context {} {}", way_, host_, result.context, what);
  }
  void operator()(const peer::ContextReleased& released) const {
    log::claims.debug("{} host {}: the claim of context {} is given back", way_, host_,
                      released.context);
  }
  void operator()(const peer::ContextHolder& holder) const {
    log::claims.debug("{} host {}: host {} {} the claim of context {}", way_, host_,
                      holder.holder.value(), holder.holds ? "has" : "has no more", holder.context);
  }
  void operator()(const peer::ContextManager& manager) const {
    log::claims.debug("{} host {}: a program there manages context {}", way_, host_,
                      manager.context);
  }
  void operator()(const peer::ServiceManager& manager) const {
    log::claims.debug("{} host {}: the built-in manager of context {}", way_, host_,
                      manager.context);
  }
  void operator()(const peer::HostList& list) const {
    log::claims.debug("{} host {}: its list of hosts is number {}, the newest that it knows of {}",
                      way_, host_, list.number.value(), list.newest.value());
  }
  void operator()(const peer::Introduce& introduce) const {
    log::references.trace("{} host {}: node {} is passed on to host {}, handoff {}", way_, host_,
                          introduce.node.value(), introduce.recipient.value(),
                          introduce.handoff.value());
  }
  void operator()(const peer::RecipientLost& lost) const {
    log::references.trace("{} host {}: host {}, to which references were passed on, is lost", way_,
                          host_, lost.recipient.value());
  }
  void operator()(const peer::ClaimRef& claim) const {
    log::references.trace("{} host {}: handoff {} is claimed", way_, host_, claim.handoff.value());
  }
  void operator()(const peer::NodeDied& died) const {
    log::references.trace("{} host {}: node {} has died", way_, host_, died.node.value());
  }
  template <typename Other>
  void operator()(const Other& /*message*/) const {}

 private:
  std::string_view way_;
  std::string_view host_;
};

}  // namespace

void log_message(MessageWay way, std::string_view host, const PeerMessage& message) {
  std::visit(MessageRecord(way, host), message);
}

}  // namespace netbinder
