// SPDX-License-Identifier: Apache-2.0
#include "transport/acceptance.h"

#include "core/base/check.h"

namespace netbinder {

// session.pml: hello_arrives
Acceptance::Step Acceptance::greeted(Session& session, const frame::Hello& hello) {
  NB_CHECK(!hello_);
  if (auto refuse = session.refusal(hello)) return *std::move(refuse);
  hello_ = hello;
  links_before_ = session.links_accepted();
  challenge_ = session.challenge();
  return challenge_;
}

// session.pml: answer_arrives
Acceptance::Step Acceptance::answered(Session& session, const frame::Answer& answer) {
  NB_CHECK(hello_);
  if (!session.proves(*hello_, challenge_, answer)) {
    return frame::Refuse{.reason = RefuseReason::kKey,
                         .detail = "the cluster's key is another one"};
  }
  if (links_before_ != session.links_accepted()) {
    links_before_ = session.links_accepted();
    challenge_ = session.challenge();
    return challenge_;
  }
  return Accepted{};
}

}  // namespace netbinder
