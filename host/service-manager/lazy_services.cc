// SPDX-License-Identifier: Apache-2.0
#include "host/service-manager/lazy_services.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/base/check.h"
#include "host/local_process.h"
#include "host/service-manager/protocol.h"
#include "host/service-manager/replies.h"

namespace netbinder {

namespace {

constexpr std::uint32_t kOnClients = 1;
constexpr int kLooksWithoutClients = 2;
// If a host has not answered after this many looks, the service is refused and stays.
constexpr int kLooksToLeave = 2;

}  // namespace

// ---- requests of services ----

OutgoingReply LazyServices::register_callback(const IncomingCall& call, ParcelReader& request,
                                              std::uint32_t header, Dialect dialect) {
  const auto name = request.string16();
  const auto service = request.handle();
  (void)request.i32();
  const auto callback = request.handle();
  if (!callback) return exception_reply(kNullPointer, "no callback");
  const RegisteredService* own = name ? names_.own(*name) : nullptr;
  if (own == nullptr) return exception_reply(kIllegalArgument, "no such service here");
  if (call.sender_pid == 0 || own->pid != call.sender_pid) {
    return exception_reply(kUnsupported, "not the process of the service");
  }
  if (own->handle != service) return exception_reply(kIllegalArgument, "not this service");
  if (!quota_.room_for(call.sender_pid)) {
    return exception_reply(kIllegalState, "too many callbacks");
  }

  Watch& watch = watches_[*name];
  watch.pid = call.sender_pid;
  const bool known =
      std::any_of(watch.callbacks.begin(), watch.callbacks.end(),
                  [&callback](const ClientCallback& other) { return other.callback == *callback; });
  if (known) return empty_reply();
  handles_.hold(*callback);
  quota_.add(watch.pid);
  watch.callbacks.push_back({.callback = *callback, .header = header, .dialect = dialect});
  names_of_[*callback].insert(*name);
  count(*name);
  watch.looks_without = 0;
  if (watch.has_clients) {
    tell(*name, watch.callbacks.back(), true);  // those before it know
    return empty_reply();
  }
  ask_hosts(*name, kPeerAskUse, watch.look);
  const bool unseen = std::exchange(names_.find_on(names_.own_host(), *name)->unseen_client, false);
  if (unseen || used_here(*own)) client_appeared(*name, watch);
  return empty_reply();
}

std::optional<OutgoingReply> LazyServices::try_unregister(const IncomingCall& call,
                                                          ParcelReader& request) {
  const auto name = request.string16();
  const auto service = request.handle();
  if (!service) return exception_reply(kNullPointer, "no service");
  const RegisteredService* own = name ? names_.own(*name) : nullptr;
  if (own == nullptr) return exception_reply(kIllegalState, "no such service here");
  if (call.sender_pid == 0 || own->pid != call.sender_pid) {
    return exception_reply(kUnsupported, "not the process of the service");
  }
  if (own->handle != *service) return exception_reply(kIllegalState, "not this service");
  const auto found = watches_.find(*name);
  if (found == watches_.end()) return exception_reply(kIllegalState, "it has no client callback");
  Watch& watch = found->second;
  if (watch.leaving) return exception_reply(kIllegalState, "it is leaving already");
  if (watch.has_clients) return exception_reply(kIllegalState, "it has clients");
  if (used_here(*own) || !process_->can_defer()) {
    client_appeared(*name, watch);  // and two looks later it may try again
    return exception_reply(kIllegalState, "it has clients");
  }
  if (managers_.empty()) {
    withdraw(*name, names_.own_host());
    return empty_reply();
  }
  watch.leaving = Watch::Leaving{.reply_to = call.reply_to, .question = {}};
  ask_hosts(*name, kPeerWithdraw, watch.leaving->question);
  return std::nullopt;
}

void LazyServices::registered(const std::string& name, std::int32_t pid) {
  if (const auto watched = watches_.find(name); watched != watches_.end()) {
    // Either it wanted to leave and has changed its mind, or another process has the name now.
    if (watched->second.pid == pid) {
      refuse_leaving(name, watched->second);
    } else {
      forget_callbacks(name, watched->second);
    }
  }
  count(name);
}

// From here on, lookups on other hosts are reported at once again, as before it tried to leave.
void LazyServices::published(const std::string& name) {
  const auto watched = watches_.find(name);
  if (watched == watches_.end() || watched->second.has_clients) return;
  ask_hosts(name, kPeerAskUse, watched->second.look);
}

// ---- whether there are clients ----

bool LazyServices::used_here(const RegisteredService& service) const {
  const Driver::Holders holders = process_->other_holders(service.handle);
  // A host's manager knows the clients of its host. References of a host without one count as
  // clients.
  return holders.here || std::any_of(holders.peers.begin(), holders.peers.end(),
                                     [this](HostId host) { return !managers_.contains(host); });
}

void LazyServices::handed_out(const std::string& asked, RegisteredService& service) {
  const bool own = service.host == names_.own_host();
  if (own ? watches_.empty() : !service.asked_about) {
    service.unseen_client = true;
    return;
  }
  if (!own && !service.tells_lookups) return;
  const std::string name =
      names_.names().contains(asked) ? asked : asked.substr(0, asked.rfind('@'));
  if (!own) {
    service.tells_lookups = false;
    managers_.send(service.host, kPeerLookup, name, 0, 0);
  } else if (const auto found = watches_.find(name); found != watches_.end()) {
    client_appeared(name, found->second);
  } else {
    service.unseen_client = true;
  }
}

void LazyServices::client_appeared(const std::string& name, Watch& watch) {
  watch.looks_without = 0;
  watch.look.in_use = true;
  if (!watch.has_clients) tell_clients(name, watch, true);
}

void LazyServices::tell_clients(const std::string& name, Watch& watch, bool has_clients) {
  watch.has_clients = has_clients;
  watch.looks_without = 0;
  for (const ClientCallback& callback : watch.callbacks) tell(name, callback, has_clients);
}

void LazyServices::tell(const std::string& name, const ClientCallback& callback, bool has_clients) {
  const RegisteredService* own = names_.own(name);
  if (own == nullptr) return;
  ParcelWriter writer;
  writer.interface_token(header_token(callback.header), kClientCallbackInterface);
  put_handle(writer, *own, callback.dialect);
  writer.i32(has_clients ? 1 : 0);
  process_->call_oneway(callback.callback, kOnClients, writer.take());
}

void LazyServices::look_for_clients() {
  if (!look_from_) look_from_.emplace();
  go_on_looking();
}

void LazyServices::go_on_looking() {
  if (!look_from_) return;
  constexpr int kWatchesAtOnce = 256;
  auto at = watches_.lower_bound(*look_from_);
  for (int i = 0; i < kWatchesAtOnce && at != watches_.end(); ++i, ++at) {
    auto& [name, watch] = *at;
    if (names_.own(name) == nullptr) continue;
    if (watch.leaving && ++watch.leaving->looks >= kLooksToLeave) refuse_leaving(name, watch);
    ask_hosts(name, kPeerAskUse, watch.look);
    judge_look(name, watch);
  }
  look_from_ = at == watches_.end() ? std::nullopt : std::optional(at->first);
}

void LazyServices::judge_look(const std::string& name, Watch& watch) {
  const RegisteredService* own = names_.own(name);
  if (own == nullptr) return;
  if (watch.look.in_use || used_here(*own)) {
    client_appeared(name, watch);
  } else if (watch.look.awaiting.empty() && watch.has_clients &&
             ++watch.looks_without >= kLooksWithoutClients) {
    tell_clients(name, watch, false);
  }
}

void LazyServices::count(const std::string& name) {
  const auto found = watches_.find(name);
  if (found == watches_.end()) return;
  const bool counts = names_.own(name) != nullptr;
  if (counts == std::exchange(found->second.counted, counts)) return;
  counts ? ++watched_services_ : --watched_services_;
}

void LazyServices::end(std::map<std::string, Watch>::iterator watch) {
  if (watch->second.counted) --watched_services_;
  watches_.erase(watch);
}

// ---- leaving ----

void LazyServices::withdraw(const std::string& name, HostId host) {
  names_.remove(name, host);
  if (host == names_.own_host()) count(name);
}

void LazyServices::judge_leaving(const std::string& name, Watch& watch) {
  if (!watch.leaving) return;
  if (watch.leaving->question.in_use) {
    refuse_leaving(name, watch);
    return;
  }
  if (!watch.leaving->question.awaiting.empty()) return;
  const RegisteredService* own = names_.own(name);
  const Driver::Holders holders =
      own == nullptr ? Driver::Holders{} : process_->other_holders(own->handle);
  if (own == nullptr || watch.has_clients || holders.here || !holders.peers.empty()) {
    refuse_leaving(name, watch);
    return;
  }
  const ReplyTo reply_to = watch.leaving->reply_to;
  watch.leaving.reset();
  withdraw(name, names_.own_host());
  process_->reply(reply_to, empty_reply());
}

void LazyServices::refuse_leaving(const std::string& name, Watch& watch) {
  if (!watch.leaving) return;
  process_->reply(watch.leaving->reply_to, exception_reply(kIllegalState, "it has clients"));
  watch.leaving.reset();
  const RegisteredService* own = names_.own(name);
  if (own == nullptr) return;
  managers_.publish(name, *own);
  client_appeared(name, watch);
}

void LazyServices::forget_callbacks(const std::string& name, Watch& watch) {
  if (watch.leaving) {
    process_->reply(watch.leaving->reply_to,
                    exception_reply(kIllegalState, "another service has its name"));
  }
  for (const ClientCallback& callback : watch.callbacks) {
    quota_.remove(watch.pid);
    const auto names = names_of_.find(callback.callback);
    names->second.erase(name);
    if (names->second.empty()) names_of_.erase(names);
    handles_.let_go(callback.callback);
  }
  end(watches_.find(name));
}

void LazyServices::died(Handle handle, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    count(name);
    if (const auto found = watches_.find(name); found != watches_.end()) {
      refuse_leaving(name, found->second);
    }
  }
  const auto known = names_of_.find(handle);
  if (known == names_of_.end()) return;
  for (const std::string& name : std::exchange(known->second, {})) {
    const auto found = watches_.find(name);
    Watch& watch = found->second;
    std::erase_if(watch.callbacks, [&](const ClientCallback& callback) {
      if (callback.callback != handle) return false;
      quota_.remove(watch.pid);
      return true;
    });
    if (!watch.callbacks.empty()) continue;
    refuse_leaving(name, watch);
    end(found);
  }
  names_of_.erase(known);
}

// ---- other hosts ----

void LazyServices::ask_hosts(const std::string& name, std::uint32_t code, Question& question) {
  question = {.number = next_question_++, .awaiting = {}, .in_use = false};
  for (const HostId host : managers_.hosts_that_see(name)) ask(host, name, code, question);
}

void LazyServices::ask(HostId host, const std::string& name, std::uint32_t code,
                       Question& question) {
  question.awaiting.insert(host);
  managers_.send(host, code, name, question.number, 0);
}

void LazyServices::host_told(HostId host, const std::string& name) {
  const auto found = watches_.find(name);
  if (found == watches_.end() || !managers_.exchange().shows(host, name)) return;
  Watch& watch = found->second;
  ask(host, name, kPeerAskUse, watch.look);
  if (watch.leaving) ask(host, name, kPeerWithdraw, watch.leaving->question);
}

void LazyServices::answer_peer(HostId from, std::uint32_t code, const std::string& name,
                               std::uint32_t number) {
  bool in_use = false;
  if (RegisteredService* const theirs = names_.find_on(from, name)) {
    in_use = process_->other_holders(theirs->handle).here;
    in_use = std::exchange(theirs->unseen_client, false) || in_use;
    theirs->tells_lookups = true;
    theirs->asked_about = true;
  }
  if (code == kPeerWithdraw && !in_use) withdraw(name, from);
  managers_.send(from, kPeerUse, name, number, in_use ? 1 : 0);
}

void LazyServices::peer_said(HostId from, const IncomingCall& call, const std::string& name,
                             ParcelReader& request) {
  const auto number = static_cast<std::uint32_t>(request.i32().value_or(0));
  const bool word = request.i32().value_or(0) != 0;
  if (call.code == kPeerAskUse || call.code == kPeerWithdraw) {
    answer_peer(from, call.code, name, number);
    return;
  }
  const auto found = watches_.find(name);
  if (found == watches_.end()) return;
  Watch& watch = found->second;
  if (call.code == kPeerLookup) {
    client_appeared(name, watch);
  } else if (call.code == kPeerUse) {
    if (watch.look.number == number && watch.look.awaiting.erase(from) > 0) {
      watch.look.in_use = watch.look.in_use || word;
      if (word || watch.look.awaiting.empty()) judge_look(name, watch);
    } else if (watch.leaving && watch.leaving->question.number == number &&
               watch.leaving->question.awaiting.erase(from) > 0) {
      watch.leaving->question.in_use = watch.leaving->question.in_use || word;
      judge_leaving(name, watch);
    }
  }
}

void LazyServices::host_gone(HostId host) {
  for (auto it = watches_.begin(); it != watches_.end();) {
    const auto next = std::next(it);
    Watch& watch = it->second;
    watch.look.awaiting.erase(host);
    if (watch.leaving && watch.leaving->question.awaiting.erase(host) > 0) {
      judge_leaving(it->first, watch);
    }
    it = next;
  }
}

}  // namespace netbinder
