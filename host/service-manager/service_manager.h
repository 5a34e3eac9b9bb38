// SPDX-License-Identifier: Apache-2.0
//
// The built-in service manager of one context on one host: names and the handles they stand for.
//
// It serves every client, HIDL's too, in the client's own dialect (dialect.h). Names registered
// here are replicated to the managers of all other hosts, by oneway calls that carry the service's
// binder. So every client gets a handle straight to the service's home, and a name dies with its
// service by the ordinary death notification, on every host. A name whose home is a third host is
// published again to a host that reaches that home later. A lookup prefers a service on the
// caller's host, then the hosts in configured order; `name@host` names a particular one.
//
// This file serves the requests of clients and of other managers; its state is in NameTable,
// Listeners, LazyServices and OtherManagers.
//
// No I/O, no clock. Owned by BuiltinManager; thread: the data-plane thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/ids.h"
#include "host/local_service.h"
#include "host/service-manager/callback_quota.h"
#include "host/service-manager/client_dialects.h"
#include "host/service-manager/dialect.h"
#include "host/service-manager/held_handles.h"
#include "host/service-manager/hidl_calls.h"
#include "host/service-manager/host_questions.h"
#include "host/service-manager/lazy_services.h"
#include "host/service-manager/listeners.h"
#include "host/service-manager/manager_setup.h"
#include "host/service-manager/name_access.h"
#include "host/service-manager/name_table.h"
#include "host/service-manager/other_managers.h"
#include "host/service-manager/program_freezes.h"
#include "host/service-manager/protocol.h"
#include "host/service-manager/registration.h"
#include "host/service-manager/service_facts.h"
#include "host/service-manager/unique_names.h"
#include "parcel/reader.h"
#include "parcel/writer.h"

namespace netbinder {

class LocalProcess;

// A name that is registered somewhere in the cluster.
struct ServiceView {
  std::string name;
  std::string host;
  std::int32_t pid = 0;  // 0: on another host
};

class ServiceManager final : public LocalService {
 public:
  // The nodes of its process: clients call the first. The manager of each other host calls a node
  // of its own, which is given to nobody else: the second value plus the host's number.
  static constexpr std::uint64_t kNodePtr = kManagerNode;
  static constexpr std::uint64_t kPeerNodePtr = 0x6e62'7065'0000'0000;

  explicit ServiceManager(const ServiceManagerSetup& setup);
  ServiceManager(const ServiceManager&) = delete;
  ServiceManager& operator=(const ServiceManager&) = delete;
  // To be called before anything else. The process must outlive all calls.
  void attach(LocalProcess& process);

  // ---- work in slices ----
  // Whether names of a lost host are yet to be forgotten, a host to be sent names, or services to
  // be looked at. go_on() does some of it.
  [[nodiscard]] bool has_more() const {
    return !to_be_forgotten_.empty() || !to_be_told_.empty() || lazy_.has_more();
  }
  void go_on();

  // Another host's manager, with a strong reference for us: it is sent all names of this host.
  void peer_connected(HostId host, Handle manager);
  // There is a session with that host now: names that lead there, but are registered on a third
  // host, can be had again.
  void host_reachable(HostId host) { managers_.refresh(host); }
  // Sets the hosts of the cluster, in their order of preference.
  void set_hosts(std::vector<std::pair<HostId, std::string>> hosts) {
    names_.set_hosts(std::move(hosts));
  }
  // Replaces the policy. Names that are registered and handles that were given out stay.
  void set_policy(std::shared_ptr<const Policy> policy) { access_.set_policy(std::move(policy)); }
  // Replaces the filter of names between hosts. Names that no longer pass it are forgotten.
  void set_exchange(const NameExchange& exchange);
  // The dialect a program wants, before its first call; kept by pid. It overrides the setup's.
  void set_dialect(std::int32_t pid, const std::string& dialect) { clients_.wants(pid, dialect); }
  // The dialect of a program's libbinder. The setup's, and what its calls show, override it.
  void suggest_dialect(std::int32_t pid, const std::string& dialect) {
    clients_.suggested(pid, dialect);
  }
  // The program has gone; the next one with its pid may speak another dialect.
  void forget_program(std::int32_t pid) { clients_.forget(pid); }
  [[nodiscard]] std::vector<ServiceView> services() const;

  // ---- names that one host of the cluster may have at a time ----
  [[nodiscard]] UniqueNames& unique_names() { return unique_; }

  // Questions to other hosts' agents, and theirs; their managers that have connected are asked.
  [[nodiscard]] HostQuestions& questions() { return questions_; }
  [[nodiscard]] bool knows_manager_of(HostId host) const { return managers_.contains(host); }

  // ---- at intervals ----
  // To be called every kLookIntervalMs while needs_looks(): looks for clients of lazy services, and
  // asks again for unique names whose claims were lost. The rest follows by go_on().
  static constexpr std::uint32_t kLookIntervalMs = 5000;
  [[nodiscard]] bool needs_looks() const { return lazy_.looks_for_clients() || unique_.has_lost(); }
  void look() {
    lazy_.look_for_clients();
    unique_.ask_again();
  }

  // ---- LocalService ----
  std::optional<OutgoingReply> call(const IncomingCall& call) override;
  void died(std::uint64_t cookie) override;

 private:
  std::optional<OutgoingReply> client_call(const IncomingCall& call);
  std::optional<OutgoingReply> classic_call(const IncomingCall& call, ParcelReader& request);
  std::optional<OutgoingReply> aidl_call(const IncomingCall& call, ParcelReader& request,
                                         std::uint32_t header);
  OutgoingReply get_service(const IncomingCall& call, ParcelReader& request, Dialect dialect);
  OutgoingReply get_service2(const IncomingCall& call, ParcelReader& request, Dialect dialect);
  std::optional<OutgoingReply> add_service(const IncomingCall& call, ParcelReader& request);
  OutgoingReply list_services(const IncomingCall& call, ParcelReader& request);
  OutgoingReply register_for_notifications(const IncomingCall& call, ParcelReader& request,
                                           std::uint32_t header, Dialect dialect);
  OutgoingReply unregister_for_notifications(ParcelReader& request);
  OutgoingReply debug_info(const IncomingCall& call);
  OutgoingReply facts(const IncomingCall& call);
  void peer_call(HostId from, const IncomingCall& call);

  // Registers a service, or says why not. Nothing: the call is answered later.
  std::optional<OutgoingReply> add(const IncomingCall& call, const std::string& name,
                                   const RegisteredService& service, RegistrationForm form);
  // The same for a name that the user in `service` may have, and that need not be asked for.
  std::optional<Refusal> take(const std::string& name, const RegisteredService& service);
  // Whether policy lets the caller find what it has asked for; that is told if it does not.
  bool may_find(const IncomingCall& call, const std::string& name);
  void put(const std::string& name, RegisteredService service);
  // The names of this host that lead to a third one.
  void publish_again(HostId to, HostId home);
  // Writes the service that `name` stands for, or null, with its stability.
  void put_service(ParcelWriter& reply, const std::string& name, Dialect dialect);

  HostId own_host_;
  LocalProcess* process_ = nullptr;
  HeldHandles handles_;
  CallbackQuota quota_;
  NameAccess access_;
  NameTable names_;
  OtherManagers managers_;
  Listeners listeners_;
  LazyServices lazy_;
  UniqueNames unique_;
  ClientDialects clients_;
  HidlCalls hidl_;
  ProgramFreezes freezes_;
  HostQuestions questions_;
  // Some names' turn, of a host in one of these.
  void go_on_forgetting();
  void go_on_telling();
  // Hosts that are sent all names of this host, and the name that is next.
  std::map<HostId, std::string> to_be_told_;
  // Hosts that are lost and had names, and the name that is next. The host is not connected again.
  std::map<HostId, std::string> to_be_forgotten_;
};

}  // namespace netbinder
