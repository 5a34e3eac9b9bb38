// SPDX-License-Identifier: Apache-2.0
//
// The built-in service manager of one context on one host: names and the handles they stand for.
//
// It serves every client in the client's own dialect (dialect.h), at once. Names registered here
// are replicated to the managers of all other hosts, by oneway calls that carry the service's
// binder; so whoever asks gets a handle straight to the service's home, and a name dies with its
// service by the ordinary death notification, on every host. A lookup prefers a service on the
// caller's host, then the hosts in configured order; `name@host` names a particular one.
//
// No I/O, no clock. Owned by BuiltinManager; thread: the data-plane thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/base/ids.h"
#include "node-agent/local_process.h"
#include "node-agent/service-manager/dialect.h"
#include "node-agent/service-manager/parcel.h"

namespace netbinder {

struct ServiceManagerSetup {
  std::string context;
  std::string dialect = "auto";  // or "classic", "android11" … "android16"
  HostId host{1};
  std::vector<std::pair<HostId, std::string>> hosts;  // in order of preference, with their names
};

// A name as it is registered somewhere in the cluster.
struct ServiceView {
  std::string name;
  std::string host;
  std::int32_t pid = 0;  // 0: on another host
};

class ServiceManager final : public LocalService {
 public:
  // The nodes of its process: what clients call, and what the managers of other hosts call. Nobody
  // else is ever given the second.
  static constexpr std::uint64_t kNodePtr = 0x6e62736d;
  static constexpr std::uint64_t kPeerNodePtr = 0x6e627065;

  explicit ServiceManager(ServiceManagerSetup setup);
  // Before anything else. The process outlives all calls.
  void attach(LocalProcess& process);

  // The manager of another host, with a strong reference for us: gets all names of this host.
  void peer_connected(HostId host, Handle manager);
  // The dialect a program wants, before its first call; sticky by pid. Stronger than the setup's.
  void set_dialect(std::int32_t pid, const std::string& dialect);
  // The dialect a program's libbinder speaks. Weaker than the setup's and what its calls show.
  void suggest_dialect(std::int32_t pid, const std::string& dialect);
  // The program has gone; the next one with its pid may speak another dialect.
  void forget_program(std::int32_t pid) { clients_.erase(pid); }
  [[nodiscard]] std::vector<ServiceView> services() const;

  // ---- lazy services (lazy_services.cc) ----
  // To be called every kLookIntervalMs while looks_for_clients().
  static constexpr std::uint32_t kLookIntervalMs = 5000;
  [[nodiscard]] bool looks_for_clients() const { return watched_services_ > 0; }
  void look_for_clients();

  // ---- LocalService ----
  std::optional<OutgoingReply> call(const IncomingCall& call) override;
  void died(std::uint64_t cookie) override;

 private:
  // A service as registered on one host.
  struct Instance {
    HostId host;
    Handle handle;
    std::int32_t pid = 0;
    bool allow_isolated = false;
    std::uint32_t dump_priority = 0;
    std::uint32_t stability = 0;
    bool tells_lookups = false;  // another host's: it wants to hear of the next lookup here
  };
  struct Listener {
    Handle callback;
    std::int32_t pid = 0;
    std::uint32_t header = 0;  // of the interface token this client uses
    Dialect dialect = Dialect::kAndroid14;
  };
  struct ClientCallback {
    Handle callback;
    std::uint32_t header = 0;
    Dialect dialect = Dialect::kAndroid14;
  };
  // A question to the managers of other hosts: have your programs clients of this name's service?
  struct Question {
    std::uint32_t number = 0;  // answers to an earlier one are passed over
    std::set<HostId> awaiting;
    bool in_use = false;
  };
  // A name of this host whose service wants to hear whether it has clients. Outlives the
  // registration of the service, as LazyServiceRegistrar of libbinder counts on; ends with the
  // callbacks.
  struct ClientWatch {
    std::int32_t pid = 0;  // of the service's process
    std::vector<ClientCallback> callbacks;
    bool has_clients = false;  // as the callbacks were told
    int looks_without = 0;
    Question look;
    // A tryUnregisterService that waits for the other hosts to let go of the name.
    struct Leaving {
      ReplyTo reply_to;
      Question question;
      int looks = 0;
    };
    std::optional<Leaving> leaving;
  };
  struct Client {
    std::optional<Dialect> wanted;    // by the program's environment
    std::optional<Dialect> detected;  // by what it has loaded and what it sent
  };

  std::optional<OutgoingReply> client_call(const IncomingCall& call);
  OutgoingReply classic_call(const IncomingCall& call, ParcelReader& request);
  std::optional<OutgoingReply> aidl_call(const IncomingCall& call, ParcelReader& request,
                                         std::uint32_t header);
  void peer_call(const IncomingCall& call);
  Dialect dialect_of(std::int32_t pid, std::uint32_t code, const RequestShape& shape);

  [[nodiscard]] static bool valid_name(const std::string& name);
  // The best instance of `name`, or of `name@host`, for a client of this host.
  [[nodiscard]] Instance* find(const std::string& name);
  // An exception, or 0 and an empty message.
  std::pair<std::int32_t, std::string> add(const std::string& name, Instance instance);
  void put_instance(const std::string& name, const Instance& instance);
  void count_instance(const Instance& instance, bool more);
  void count_listener(std::int32_t pid, bool more);
  [[nodiscard]] bool room_for_listener(std::int32_t pid) const;
  void drop_instances_of(HostId host);
  void publish(Handle manager, const std::string& name, const Instance& instance);
  void withdraw_instance(const std::string& name, HostId host);
  void notify(const std::string& name, const Listener& listener, const Instance& instance);
  // What `name` stands for, or null, with its stability.
  void put_service(ParcelWriter& reply, const std::string& name, Dialect dialect);
  static void put_instance_handle(ParcelWriter& parcel, const Instance& instance, Dialect dialect);

  // ---- lazy services ----
  OutgoingReply register_client_callback(const IncomingCall& call, ParcelReader& request,
                                         std::uint32_t header, Dialect dialect);
  std::optional<OutgoingReply> try_unregister(const IncomingCall& call, ParcelReader& request);
  [[nodiscard]] const Instance* own_instance(const std::string& name) const;
  // A client of this host is about to be given what `name` leads to.
  void handed_out(const std::string& name, Instance& instance);
  void client_appeared(const std::string& name, ClientWatch& watch);
  void tell_clients(const std::string& name, ClientWatch& watch, bool has_clients);
  void ask_hosts(const std::string& name, std::uint32_t code, Question& question);
  [[nodiscard]] bool used_here(const Instance& instance) const;
  void judge_look(const std::string& name, ClientWatch& watch);
  void judge_leaving(const std::string& name, ClientWatch& watch);
  void refuse_leaving(const std::string& name, ClientWatch& watch);
  void forget_callbacks(const std::string& name, ClientWatch& watch);
  void count_watched();
  void client_callback_died(Handle handle);
  void manager_of_host_gone(HostId host);
  void send_to_manager(HostId host, std::uint32_t code, const std::string& name,
                       std::uint32_t number, std::uint32_t word);
  void peer_question(HostId from, const IncomingCall& call, const std::string& name,
                     ParcelReader& request);

  // A handle is held once for each use: with a strong reference and linked to death.
  void hold(Handle handle);
  void let_go(Handle handle);
  [[nodiscard]] std::size_t rank(HostId host) const;
  [[nodiscard]] const std::string& host_name(HostId host) const;

  // Of a host, and of one program of it.
  static constexpr std::size_t kMaxNames = 65536;
  static constexpr std::size_t kMaxNamesOfProgram = 8192;
  static constexpr std::size_t kMaxListeners = 65536;
  static constexpr std::size_t kMaxListenersOfProgram = 8192;
  static constexpr std::size_t kMaxClients = 16384;

  ServiceManagerSetup setup_;
  LocalProcess* process_ = nullptr;
  std::map<std::string, std::vector<Instance>> names_;  // instances in order of preference
  std::map<std::string, std::vector<Listener>> listeners_;
  std::size_t listener_count_ = 0;
  std::map<std::uint32_t, std::size_t> uses_;  // by handle
  std::map<HostId, Handle> managers_;          // of other hosts
  std::map<std::int32_t, Client> clients_;     // by pid
  std::map<HostId, std::size_t> names_of_host_;
  std::map<std::int32_t, std::size_t> names_of_program_;  // by pid, of this host
  std::map<std::int32_t, std::size_t> listeners_of_program_;
  std::map<std::string, ClientWatch> watches_;
  std::size_t watched_services_ = 0;  // watches of names that are registered
  std::uint32_t next_question_ = 1;
};

}  // namespace netbinder
