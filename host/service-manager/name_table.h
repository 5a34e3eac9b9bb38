// SPDX-License-Identifier: Apache-2.0
//
// Names, and the services they stand for on each host: this host's own first, then the others' in
// configured order. Holds the handles of these services.
//
// Owned by the ServiceManager.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/base/ids.h"
#include "host/service-manager/counted.h"
#include "host/service-manager/held_handles.h"
#include "host/service-manager/manager_setup.h"
#include "host/service-manager/name_access.h"
#include "host/service-manager/registered_service.h"

namespace netbinder {

class NameTable {
 public:
  // Limits for a host, and for one program of this host.
  static constexpr std::size_t kMaxNames = 65536;
  static constexpr std::size_t kMaxNamesOfProgram = 8192;
  // The limit of this host's names for one service. Those of the manager itself end with no program.
  static constexpr std::size_t kMaxNamesOfService = 256;

  using Names = std::map<std::string, std::vector<RegisteredService>>;

  NameTable(const ServiceManagerSetup& setup, HeldHandles& handles, NameAccess& access)
      : own_host_(setup.host), hosts_(setup.hosts), handles_(handles), access_(access) {}

  // Called with each name under which this host has no service any more.
  void when_own_is_removed(std::function<void(const std::string&)> removed) {
    own_removed_ = std::move(removed);
  }

  [[nodiscard]] static bool valid_name(const std::string& name);
  [[nodiscard]] HostId own_host() const { return own_host_; }
  [[nodiscard]] bool knows_host(HostId host) const;
  [[nodiscard]] const std::string& host_name(HostId host) const;
  [[nodiscard]] std::vector<HostId> host_ids() const;

  // In order of their names; each has at least one service, the preferred one first.
  [[nodiscard]] const Names& names() const { return names_; }
  // The preferred service of `name`, or of `name@host`, for a client of this host; null if none.
  [[nodiscard]] RegisteredService* find(const std::string& name);
  // The name that find() would find that by, without `@host`: what rules are about.
  [[nodiscard]] std::string looked_up(const std::string& name) const;
  // Whether a user of this host may not register the name, as it is another user's until he lets it
  // go. Root may take any.
  [[nodiscard]] bool is_of_another(const std::string& name, std::uint32_t uid) const;
  // The service that is registered on a host; null if none.
  [[nodiscard]] RegisteredService* find_on(HostId host, const std::string& name);
  [[nodiscard]] const RegisteredService* own(const std::string& name) const;

  // The reason why a program of this host cannot register one more; null if it can.
  [[nodiscard]] const char* refusal(const std::string& name, const RegisteredService& service) const;
  // Whether a host has more names than any host that keeps its bound can have.
  [[nodiscard]] bool full(HostId host) const { return of_host_.of(host) >= kMaxNames + 1; }

  // Replaces the service that the same host had under that name.
  void put(const std::string& name, const RegisteredService& service);
  void remove(const std::string& name, HostId host);
  // Looks at that many names, from `from` on, and removes the host's services of these. The name
  // that is next; nothing: there is none.
  std::optional<std::string> remove_of_host(HostId host, const std::string& from, int names);
  // Sets the hosts of the cluster, in their order of preference. Listeners of names for which
  // another host is preferred from now on are not told of that.
  void set_hosts(std::vector<std::pair<HostId, std::string>> hosts);
  // The names that were registered on this host for a service which has died.
  struct Lost {
    std::vector<std::string> own;
    // Those among them whose home was elsewhere: other hosts may not have lost that home.
    std::vector<std::string> homeless;
  };
  // Removes the services of a handle whose node has died. Takes time in proportion to its names.
  Lost remove_dead(Handle handle);

 private:
  void count(const std::string& name, const RegisteredService& service);
  void uncount(const std::string& name, const RegisteredService& service);
  [[nodiscard]] std::size_t rank(HostId host) const;

  const HostId own_host_;
  std::vector<std::pair<HostId, std::string>> hosts_;
  HeldHandles& handles_;
  NameAccess& access_;
  std::function<void(const std::string&)> own_removed_;
  Names names_;
  Counted<HostId> of_host_;
  Counted<std::int32_t> of_program_;
  // The names of each handle, and the hosts where they are registered for it.
  std::map<Handle, std::set<std::pair<std::string, HostId>>> of_handle_;
};

}  // namespace netbinder
