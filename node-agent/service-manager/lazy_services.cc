// SPDX-License-Identifier: Apache-2.0
//
// Lazy services: those that want to hear whether they have clients, and leave when they have none.
//
// A client is whoever holds a strong reference to the service beside the managers, on any host.
// Each host's manager knows the programs of its own host, so a look is a question to all of them.
// A client that gets a service is told of at once; that there is none any more, after two looks in
// a row.
//
// When a service leaves, the other hosts first let go of the name, each if it has no clients; what
// their drivers give back goes ahead of the answer, so that the service's own host then sees every
// reference there is. If any is left, the name is published again.
#include <algorithm>

#include "core/base/check.h"
#include "node-agent/service-manager/protocol.h"
#include "node-agent/service-manager/replies.h"
#include "node-agent/service-manager/service_manager.h"

namespace netbinder {

namespace {

constexpr std::uint32_t kOnClients = 1;
constexpr int kLooksWithoutClients = 2;
// Looks after which a host that has not answered keeps the service from leaving.
constexpr int kLooksToLeave = 2;

}  // namespace

// ---- what services ask ----

OutgoingReply ServiceManager::register_client_callback(const IncomingCall& call,
                                                       ParcelReader& request, std::uint32_t header,
                                                       Dialect dialect) {
  const auto name = request.string16();
  const auto service = request.handle();
  (void)request.i32();
  const auto callback = request.handle();
  if (!callback) return exception_reply(kNullPointer, "no callback");
  const Instance* own = name ? own_instance(*name) : nullptr;
  if (own == nullptr) return exception_reply(kIllegalArgument, "no such service here");
  if (call.sender_pid == 0 || own->pid != call.sender_pid) {
    return exception_reply(kUnsupported, "not the process of the service");
  }
  if (own->handle != service) return exception_reply(kIllegalArgument, "not this service");
  if (!room_for_listener(call.sender_pid)) {
    return exception_reply(kIllegalState, "too many callbacks");
  }

  ClientWatch& watch = watches_[*name];
  watch.pid = call.sender_pid;
  const bool known =
      std::any_of(watch.callbacks.begin(), watch.callbacks.end(),
                  [&callback](const ClientCallback& other) { return other.callback == *callback; });
  if (known) return empty_reply();
  hold(*callback);
  count_listener(watch.pid, true);
  watch.callbacks.push_back({.callback = *callback, .header = header, .dialect = dialect});
  count_watched();
  if (watch.has_clients) {
    // Those before it know: only the new one is told.
    const std::vector<ClientCallback> all =
        std::exchange(watch.callbacks, {watch.callbacks.back()});
    tell_clients(*name, watch, true);
    watch.callbacks = all;
    return empty_reply();
  }
  watch.looks_without = 0;
  ask_hosts(*name, kPeerAskUse, watch.look);
  if (used_here(*own)) client_appeared(*name, watch);
  return empty_reply();
}

std::optional<OutgoingReply> ServiceManager::try_unregister(const IncomingCall& call,
                                                            ParcelReader& request) {
  const auto name = request.string16();
  const auto service = request.handle();
  if (!service) return exception_reply(kNullPointer, "no service");
  const Instance* own = name ? own_instance(*name) : nullptr;
  if (own == nullptr) return exception_reply(kIllegalState, "no such service here");
  if (call.sender_pid == 0 || own->pid != call.sender_pid) {
    return exception_reply(kUnsupported, "not the process of the service");
  }
  if (own->handle != *service) return exception_reply(kIllegalState, "not this service");
  const auto found = watches_.find(*name);
  if (found == watches_.end()) return exception_reply(kIllegalState, "it has no client callback");
  ClientWatch& watch = found->second;
  if (watch.leaving) return exception_reply(kIllegalState, "it is leaving already");
  if (watch.has_clients) return exception_reply(kIllegalState, "it has clients");
  if (used_here(*own) || !process_->can_defer()) {
    client_appeared(*name, watch);  // and two looks later it may try again
    return exception_reply(kIllegalState, "it has clients");
  }
  if (managers_.empty()) {
    withdraw_instance(*name, setup_.host);
    return empty_reply();
  }
  watch.leaving.emplace();
  watch.leaving->reply_to = call.reply_to;
  ask_hosts(*name, kPeerWithdraw, watch.leaving->question);
  return std::nullopt;
}

// ---- whether there are clients ----

const ServiceManager::Instance* ServiceManager::own_instance(const std::string& name) const {
  const auto found = names_.find(name);
  // This host is the first in order of preference.
  if (found == names_.end() || found->second.front().host != setup_.host) return nullptr;
  return &found->second.front();
}

bool ServiceManager::used_here(const Instance& instance) const {
  const Driver::Holders holders = process_->other_holders(instance.handle);
  // Of a host with a manager that manager knows; others' references are clients'.
  return holders.here || std::any_of(holders.peers.begin(), holders.peers.end(),
                                     [this](HostId host) { return !managers_.contains(host); });
}

void ServiceManager::handed_out(const std::string& asked, Instance& instance) {
  if (watches_.empty() && !instance.tells_lookups) return;
  const std::string name = names_.contains(asked) ? asked : asked.substr(0, asked.rfind('@'));
  if (instance.host != setup_.host) {
    if (!std::exchange(instance.tells_lookups, false)) return;
    send_to_manager(instance.host, kPeerLookup, name, 0, 0);
  } else if (const auto found = watches_.find(name); found != watches_.end()) {
    client_appeared(name, found->second);
  }
}

void ServiceManager::client_appeared(const std::string& name, ClientWatch& watch) {
  watch.looks_without = 0;
  watch.look.in_use = true;
  if (!watch.has_clients) tell_clients(name, watch, true);
}

void ServiceManager::tell_clients(const std::string& name, ClientWatch& watch, bool has_clients) {
  watch.has_clients = has_clients;
  watch.looks_without = 0;
  const Instance* own = own_instance(name);
  if (own == nullptr) return;
  for (const ClientCallback& callback : watch.callbacks) {
    ParcelWriter writer;
    writer.i32(0);
    writer.i32(-1);
    writer.u32(callback.header);
    writer.string16(kClientCallbackInterface);
    put_instance_handle(writer, *own, callback.dialect);
    writer.i32(has_clients ? 1 : 0);
    process_->call_oneway(callback.callback, kOnClients, writer.take());
  }
}

void ServiceManager::look_for_clients() {
  for (auto& [name, watch] : watches_) {
    if (own_instance(name) == nullptr) continue;
    if (watch.leaving && ++watch.leaving->looks >= kLooksToLeave) refuse_leaving(name, watch);
    ask_hosts(name, kPeerAskUse, watch.look);
    judge_look(name, watch);
  }
}

void ServiceManager::judge_look(const std::string& name, ClientWatch& watch) {
  const Instance* own = own_instance(name);
  if (own == nullptr) return;
  if (watch.look.in_use || used_here(*own)) {
    client_appeared(name, watch);
  } else if (watch.look.awaiting.empty() && watch.has_clients &&
             ++watch.looks_without >= kLooksWithoutClients) {
    tell_clients(name, watch, false);
  }
}

// ---- leaving ----

void ServiceManager::judge_leaving(const std::string& name, ClientWatch& watch) {
  if (!watch.leaving) return;
  if (watch.leaving->question.in_use) {
    refuse_leaving(name, watch);
    return;
  }
  if (!watch.leaving->question.awaiting.empty()) return;
  const Instance* own = own_instance(name);
  const Driver::Holders holders =
      own == nullptr ? Driver::Holders{} : process_->other_holders(own->handle);
  if (own == nullptr || watch.has_clients || holders.here || !holders.peers.empty()) {
    refuse_leaving(name, watch);
    return;
  }
  const ReplyTo reply_to = watch.leaving->reply_to;
  watch.leaving.reset();
  withdraw_instance(name, setup_.host);
  process_->reply(reply_to, empty_reply());
}

void ServiceManager::refuse_leaving(const std::string& name, ClientWatch& watch) {
  if (!watch.leaving) return;
  process_->reply(watch.leaving->reply_to, exception_reply(kIllegalState, "it has clients"));
  watch.leaving.reset();
  const Instance* own = own_instance(name);
  if (own == nullptr) return;
  for (const auto& [host, manager] : managers_) publish(manager, name, *own);
  client_appeared(name, watch);
}

void ServiceManager::forget_callbacks(const std::string& name, ClientWatch& watch) {
  if (watch.leaving) {
    process_->reply(watch.leaving->reply_to,
                    exception_reply(kIllegalState, "another service has its name"));
  }
  for (const ClientCallback& callback : watch.callbacks) {
    count_listener(watch.pid, false);
    let_go(callback.callback);
  }
  watches_.erase(name);
}

void ServiceManager::client_callback_died(Handle handle) {
  for (auto it = watches_.begin(); it != watches_.end();) {
    ClientWatch& watch = it->second;
    std::erase_if(watch.callbacks, [&](const ClientCallback& callback) {
      if (callback.callback != handle) return false;
      count_listener(watch.pid, false);
      return true;
    });
    if (watch.callbacks.empty() || own_instance(it->first) == nullptr) {
      refuse_leaving(it->first, watch);
    }
    it = watch.callbacks.empty() ? watches_.erase(it) : std::next(it);
  }
}

void ServiceManager::count_watched() {
  watched_services_ = static_cast<std::size_t>(
      std::count_if(watches_.begin(), watches_.end(),
                    [this](const auto& watch) { return own_instance(watch.first) != nullptr; }));
}

// ---- other hosts ----

void ServiceManager::ask_hosts(const std::string& name, std::uint32_t code, Question& question) {
  question = {.number = next_question_++, .awaiting = {}, .in_use = false};
  for (const auto& [host, manager] : managers_) {
    question.awaiting.insert(host);
    send_to_manager(host, code, name, question.number, 0);
  }
}

void ServiceManager::send_to_manager(HostId host, std::uint32_t code, const std::string& name,
                                     std::uint32_t number, std::uint32_t word) {
  const auto manager = managers_.find(host);
  if (manager == managers_.end()) return;
  ParcelWriter writer;
  writer.u32(setup_.host.value());
  writer.string16(name);
  writer.u32(number);
  writer.u32(word);
  process_->call_oneway(manager->second, code, writer.take());
}

void ServiceManager::peer_question(HostId from, const IncomingCall& call, const std::string& name,
                                   ParcelReader& request) {
  const auto number = static_cast<std::uint32_t>(request.i32().value_or(0));
  const bool word = request.i32().value_or(0) != 0;
  if (call.code == kPeerAskUse || call.code == kPeerWithdraw) {
    bool in_use = false;
    if (const auto found = names_.find(name); found != names_.end()) {
      const auto instance = std::find_if(found->second.begin(), found->second.end(),
                                         [from](const Instance& one) { return one.host == from; });
      if (instance != found->second.end()) {
        in_use = process_->other_holders(instance->handle).here;
        instance->tells_lookups = true;
      }
    }
    if (call.code == kPeerWithdraw && !in_use) withdraw_instance(name, from);
    send_to_manager(from, kPeerUse, name, number, in_use ? 1 : 0);
    return;
  }
  const auto found = watches_.find(name);
  if (found == watches_.end()) return;
  ClientWatch& watch = found->second;
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

// A host that is gone holds nothing.
void ServiceManager::manager_of_host_gone(HostId host) {
  for (auto it = watches_.begin(); it != watches_.end();) {
    const auto next = std::next(it);
    ClientWatch& watch = it->second;
    watch.look.awaiting.erase(host);
    if (watch.leaving && watch.leaving->question.awaiting.erase(host) > 0) {
      judge_leaving(it->first, watch);
    }
    it = next;
  }
}

}  // namespace netbinder
