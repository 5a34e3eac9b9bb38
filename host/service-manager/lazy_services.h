// SPDX-License-Identifier: Apache-2.0
//
// Lazy services: they ask to be notified whether they have clients, and leave when they have none.
//
// A client is anybody, other than the managers, who holds a strong reference to the service, on any
// host. Each host's manager knows the programs of its own host, so a look is a question to all of
// them. A client that gets a service is reported to it at once; that there are none left is
// reported after two looks in a row.
//
// When a service leaves, the other hosts first forget the name, each only if it has no clients. The
// references that their drivers give back arrive before the answer, so the service's own host then
// sees every reference that is left. If there is any, the name is published again.
//
// Owned by the ServiceManager.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/ids.h"
#include "host/local_service.h"
#include "host/service-manager/callback_quota.h"
#include "host/service-manager/dialect.h"
#include "host/service-manager/held_handles.h"
#include "host/service-manager/name_table.h"
#include "host/service-manager/other_managers.h"
#include "parcel/reader.h"

namespace netbinder {

class LocalProcess;

class LazyServices {
 public:
  LazyServices(NameTable& names, OtherManagers& managers, HeldHandles& handles,
               CallbackQuota& quota)
      : names_(names), managers_(managers), handles_(handles), quota_(quota) {}
  // To be called before anything else.
  void attach(LocalProcess& process) { process_ = &process; }

  // ---- requests of services ----
  OutgoingReply register_callback(const IncomingCall& call, ParcelReader& request,
                                  std::uint32_t header, Dialect dialect);
  // Nothing if it is answered later.
  std::optional<OutgoingReply> try_unregister(const IncomingCall& call, ParcelReader& request);

  // Whether a service of this host asked to be notified of clients of that name.
  [[nodiscard]] bool watches(const std::string& name) const { return watches_.contains(name); }

  // ---- events ----
  // A program of this host has registered `name`.
  void registered(const std::string& name, std::int32_t pid);
  // The other hosts know of it, too.
  void published(const std::string& name);
  // Removes the service that is registered on a host by that name.
  void withdraw(const std::string& name, HostId host);
  // A client of this host is about to be given the service that it asked for by this name.
  void handed_out(const std::string& asked, RegisteredService& service);
  // The node of a handle died; if it was a service's, these are its names, which are gone already.
  void died(Handle handle, const std::vector<std::string>& names);
  // A host's manager has connected, and was sent this name of this host, even if its service is
  // leaving.
  void host_told(HostId host, const std::string& name);
  // A host is gone, and with it its references.
  void host_gone(HostId host);
  // A message of the protocol, other than kPeerPublish, has come from another host's manager.
  void peer_said(HostId from, const IncomingCall& call, const std::string& name,
                 ParcelReader& request);

  // Whether there is any service to look for clients of; and the look itself, which is due at
  // regular intervals while there is one.
  [[nodiscard]] bool looks_for_clients() const { return watched_services_ > 0; }
  void look_for_clients();
  // Whether the look goes on, as there are many.
  [[nodiscard]] bool has_more() const { return look_from_.has_value(); }
  void go_on_looking();

 private:
  struct ClientCallback {
    Handle callback;
    std::uint32_t header = 0;
    Dialect dialect = Dialect::kAndroid14;
  };
  // A question to the managers of other hosts: do your programs use the service of this name?
  struct Question {
    std::uint32_t number = 0;  // answers to an earlier one are passed over
    std::set<HostId> awaiting;
    bool in_use = false;
  };
  // A name of this host whose service asked to be notified about clients. It outlives the
  // registration of the service, which LazyServiceRegistrar of libbinder relies on, and ends with
  // the callbacks.
  struct Watch {
    std::int32_t pid = 0;  // of the service's process
    std::vector<ClientCallback> callbacks;
    bool has_clients = false;  // as last reported to the callbacks
    int looks_without = 0;
    Question look;
    bool counted = false;  // its name is registered
    // A tryUnregisterService that waits until the other hosts have let go of the name.
    struct Leaving {
      ReplyTo reply_to;
      Question question;
      int looks = 0;
    };
    std::optional<Leaving> leaving;
  };

  [[nodiscard]] bool used_here(const RegisteredService& service) const;
  void client_appeared(const std::string& name, Watch& watch);
  void tell_clients(const std::string& name, Watch& watch, bool has_clients);
  void tell(const std::string& name, const ClientCallback& callback, bool has_clients);
  void ask_hosts(const std::string& name, std::uint32_t code, Question& question);
  void ask(HostId host, const std::string& name, std::uint32_t code, Question& question);
  void judge_look(const std::string& name, Watch& watch);
  void judge_leaving(const std::string& name, Watch& watch);
  void refuse_leaving(const std::string& name, Watch& watch);
  void forget_callbacks(const std::string& name, Watch& watch);
  void answer_peer(HostId from, std::uint32_t code, const std::string& name, std::uint32_t number);
  // To be called when a watch has come, or its name was registered or removed.
  void count(const std::string& name);
  void end(std::map<std::string, Watch>::iterator watch);

  NameTable& names_;
  OtherManagers& managers_;
  HeldHandles& handles_;
  CallbackQuota& quota_;
  LocalProcess* process_ = nullptr;
  std::map<std::string, Watch> watches_;
  std::map<Handle, std::set<std::string>> names_of_;  // of watches, by callback
  std::optional<std::string> look_from_;  // the name that the look has come to
  std::size_t watched_services_ = 0;  // watches of names that are registered
  std::uint32_t next_question_ = 1;
};

}  // namespace netbinder
