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
#include <string>
#include <utility>
#include <vector>

#include "core/ids.h"
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
  // The dialect a program wants or was found to speak, before its first call; sticky by pid.
  void set_dialect(std::int32_t pid, const std::string& dialect);
  // The program has gone; the next one with its pid may speak another dialect.
  void forget_program(std::int32_t pid) { clients_.erase(pid); }
  [[nodiscard]] std::vector<ServiceView> services() const;

  // ---- LocalService ----
  OutgoingReply call(const IncomingCall& call) override;
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
  };
  struct Listener {
    Handle callback;
    std::uint32_t header = 0;  // of the interface token this client uses
    Dialect dialect = Dialect::kAndroid14;
  };
  struct Client {
    std::optional<Dialect> wanted;    // by the program's environment
    std::optional<Dialect> detected;  // by what it sent
  };

  OutgoingReply client_call(const IncomingCall& call);
  OutgoingReply classic_call(const IncomingCall& call, ParcelReader& request);
  OutgoingReply aidl_call(const IncomingCall& call, ParcelReader& request, std::uint32_t header);
  void peer_call(const IncomingCall& call);
  Dialect dialect_of(std::int32_t pid, std::uint32_t code, const RequestShape& shape);

  [[nodiscard]] static bool valid_name(const std::string& name);
  // The best instance of `name`, or of `name@host`, for a client of this host.
  [[nodiscard]] const Instance* find(const std::string& name) const;
  // An exception, or 0 and an empty message.
  std::pair<std::int32_t, std::string> add(const std::string& name, Instance instance);
  void put_instance(const std::string& name, const Instance& instance);
  void drop_instances_of(HostId host);
  void publish(Handle manager, const std::string& name, const Instance& instance);
  void notify(const std::string& name, const Listener& listener, const Instance& instance);
  // What `name` stands for, or null, with its stability.
  void put_service(ParcelWriter& reply, const std::string& name, Dialect dialect) const;
  static void put_instance_handle(ParcelWriter& parcel, const Instance& instance, Dialect dialect);
  // A handle is held once for each use: with a strong reference and linked to death.
  void hold(Handle handle);
  void let_go(Handle handle);
  [[nodiscard]] std::size_t rank(HostId host) const;
  [[nodiscard]] const std::string& host_name(HostId host) const;

  static constexpr std::size_t kMaxNames = 65536;
  static constexpr std::size_t kMaxListeners = 65536;
  static constexpr std::size_t kMaxClients = 16384;

  ServiceManagerSetup setup_;
  LocalProcess* process_ = nullptr;
  std::map<std::string, std::vector<Instance>> names_;  // instances in order of preference
  std::map<std::string, std::vector<Listener>> listeners_;
  std::size_t listener_count_ = 0;
  std::map<std::uint32_t, std::size_t> uses_;  // by handle
  std::map<HostId, Handle> managers_;          // of other hosts
  std::map<std::int32_t, Client> clients_;     // by pid
};

}  // namespace netbinder
