// SPDX-License-Identifier: Apache-2.0
#include "host/service-manager/unique_names.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/uapi.h"
#include "host/local_process.h"

namespace netbinder {

bool UniqueNames::must_be_asked(const std::string& name) const {
  if (claims_ == nullptr) return false;
  const auto known = entries_.find(name);
  if (known != entries_.end()) return known->second.state != State::kHeld;
  return unique_.contain(name);
}

std::optional<OutgoingReply> UniqueNames::ask(const IncomingCall& call, const std::string& name,
                                              const RegisteredService& service,
                                              RegistrationForm form) {
  NB_CHECK(must_be_asked(name));
  if ((call.flags & TF_ONE_WAY) != 0 || !process_->can_defer()) {
    return registration_reply(form, Refusal{kIllegalState, "too many registrations wait"});
  }
  const auto [found, is_new] = entries_.try_emplace(name);
  Entry& entry = found->second;
  hold(name, service.handle);
  entry.waiting.push_back(
      {.reply_to = call.reply_to, .form = form, .service = service, .dead = false});
  if (is_new) {
    ask(name, entry, State::kAsked);
  } else if (entry.state == State::kLost) {
    lost_.erase(name);
    ask(name, entry, State::kLostAsked);
  }
  return std::nullopt;
}

void UniqueNames::ask(const std::string& name, Entry& entry, State next) {
  entry.state = next;
  claims_->ask(name);
}

// ---- events ----

void UniqueNames::answered(const std::string& name, ClaimAnswer answer) {
  const auto found = entries_.find(name);
  NB_CHECK(found != entries_.end());
  Entry& entry = found->second;
  NB_CHECK(entry.state == State::kAsked || entry.state == State::kLostAsked);
  switch (answer) {
    case ClaimAnswer::kGranted:
      return granted(found);
    case ClaimAnswer::kHeld:
      drop_withdrawn(name, entry);
      refuse(name, entry, "another host of the cluster has this name");
      break;
    case ClaimAnswer::kUnreachable:
      refuse(name, entry, "names that are unique in the cluster are not given out now");
      if (entry.withdrawn) {
        entry.state = State::kLost;
        lost_.insert(name);
        return;
      }
      break;
  }
  entries_.erase(found);
}

void UniqueNames::granted(Entries::iterator found) {
  const std::string& name = found->first;
  Entry& entry = found->second;
  entry.state = State::kHeld;
  if (entry.withdrawn) (void)owner_.take(name, *entry.withdrawn);
  drop_withdrawn(name, entry);
  for (const Waiting& waiting : std::exchange(entry.waiting, {})) {
    std::optional<Refusal> refusal = Refusal{kIllegalState, "the service has died"};
    if (!waiting.dead) {
      refusal = owner_.take(name, waiting.service);
      let_go(name, waiting.service.handle);
    }
    process_->reply(waiting.reply_to, registration_reply(waiting.form, refusal));
  }
  if (names_.own(name) != nullptr) return;
  claims_->release(name);
  entries_.erase(found);
}

void UniqueNames::refuse(const std::string& name, Entry& entry, const char* why) {
  for (const Waiting& waiting : std::exchange(entry.waiting, {})) {
    if (!waiting.dead) let_go(name, waiting.service.handle);
    process_->reply(waiting.reply_to,
                    registration_reply(waiting.form, Refusal{kIllegalState, why}));
  }
}

void UniqueNames::lost(const std::string& name) {
  const auto found = entries_.find(name);
  if (found == entries_.end() || found->second.state != State::kHeld) return;
  const RegisteredService* const own = names_.own(name);
  NB_CHECK(own != nullptr);
  hold(name, own->handle);
  found->second.withdrawn = *own;
  found->second.state = State::kLost;
  lost_.insert(name);
  owner_.withdraw(name);
}

void UniqueNames::removed(const std::string& name) {
  const auto found = entries_.find(name);
  if (found == entries_.end() || found->second.state != State::kHeld) return;
  claims_->release(name);
  entries_.erase(found);
}

void UniqueNames::died(Handle handle) {
  const auto [first, last] = names_of_.equal_range(handle);
  std::vector<std::string> names;
  for (auto it = first; it != last; ++it) names.push_back(it->second);
  names_of_.erase(first, last);
  for (const std::string& name : names) {
    const auto found = entries_.find(name);
    if (found == entries_.end()) continue;  // it was listed twice, and is gone
    Entry& entry = found->second;
    for (Waiting& waiting : entry.waiting) {
      if (waiting.service.handle == handle) waiting.dead = true;
    }
    if (!entry.withdrawn || entry.withdrawn->handle != handle) continue;
    entry.withdrawn.reset();
    if (entry.state != State::kLost) continue;  // the answer is yet to come
    lost_.erase(name);
    entries_.erase(found);
  }
}

void UniqueNames::ask_again() {
  for (int i = 0; i < kAskedAtOnce && !lost_.empty(); ++i) {
    const std::string name = *lost_.begin();
    lost_.erase(lost_.begin());
    ask(name, entries_.at(name), State::kLostAsked);
  }
}

// ---- handles ----

void UniqueNames::drop_withdrawn(const std::string& name, Entry& entry) {
  if (!entry.withdrawn) return;
  let_go(name, entry.withdrawn->handle);
  entry.withdrawn.reset();
}

void UniqueNames::hold(const std::string& name, Handle handle) {
  handles_.hold(handle);
  names_of_.emplace(handle, name);
}

void UniqueNames::let_go(const std::string& name, Handle handle) {
  const auto [first, last] = names_of_.equal_range(handle);
  const auto held = std::find_if(first, last, [&](const auto& each) { return each.second == name; });
  NB_CHECK(held != last);
  names_of_.erase(held);
  handles_.let_go(handle);
}

}  // namespace netbinder
