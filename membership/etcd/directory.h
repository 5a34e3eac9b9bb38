// SPDX-License-Identifier: Apache-2.0
//
// The keys below the prefix, as they were read and as the watch has changed them since:
//   PREFIX/hosts/NAME      a host that is there, under its lease
//   PREFIX/ids/NAME        the number of that name, for good: it is given to no other
//   PREFIX/next_id         the lowest number that no name has had
//   PREFIX/claims/CONTEXT  whose program manages the context, under its host's lease
//   PREFIX/claims/names/CONTEXT/NAME  whose service has the name, likewise
// Values that no agent writes are left out, and logged. Pure but for that.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "membership/etcd/values.h"
#include "membership/etcd/wire.h"

namespace netbinder::etcd {

class Directory {
 public:
  static constexpr std::size_t kMaxHosts = 1024;

  struct Host {
    Member member;
    std::int64_t create_revision = 0;
    std::int64_t lease = 0;
  };
  struct Claim {
    ClaimHolder holder;
    std::int64_t lease = 0;
  };

  Directory(std::string prefix, Reachable reachable)
      : prefix_(std::move(prefix)), reachable_(reachable) {}

  [[nodiscard]] KeyRange range() const { return keys_below(prefix_ + "/"); }
  [[nodiscard]] std::string host_key(const std::string& name) const {
    return prefix_ + "/hosts/" + name;
  }
  [[nodiscard]] std::string id_key(const std::string& name) const {
    return prefix_ + "/ids/" + name;
  }
  [[nodiscard]] std::string claim_key(const std::string& context) const {
    return prefix_ + "/claims/" + context;
  }
  [[nodiscard]] std::string next_id_key() const { return prefix_ + "/next_id"; }

  // Everything there is.
  void reset(const std::vector<KeyValue>& all);
  void apply(const WatchEvent& event);
  // Applies a change of this host's own, from etcd's answer. The watch reports it later, after the
  // changes before it.
  void apply_own(const WatchEvent& event);

  // Whether a host may have come, gone or changed since the last of these.
  bool take_hosts_changed() { return std::exchange(hosts_changed_, false); }
  // The claims that may have come, gone or changed since the last of these.
  std::set<std::string> take_claims_changed() { return std::exchange(claims_changed_, {}); }
  // Null: there is none.
  [[nodiscard]] const Host* host(const std::string& name) const;
  [[nodiscard]] std::optional<HostId> id(const std::string& name) const;
  // The name that has the number.
  [[nodiscard]] std::optional<std::string> name_of(HostId id) const;
  [[nodiscard]] HostId next_id() const;
  // The revision of its key; 0: there is no such key yet.
  [[nodiscard]] std::int64_t next_id_revision() const { return next_id_revision_; }
  [[nodiscard]] const std::map<std::string, Claim>& claims() const { return claims_; }
  // The hosts that are there, in the order of their ids. No two have the same id or address: the
  // number is its first owner's, the address its last one's.
  [[nodiscard]] std::vector<Member> members() const;

 private:
  void put(const KeyValue& key_value);
  void remove(const std::string& key);
  // The part of the key after `/kind/`; nothing if it is a key of another kind.
  [[nodiscard]] std::optional<std::string> rest(const std::string& key,
                                                std::string_view kind) const;

  std::string prefix_;
  Reachable reachable_;
  std::map<std::string, Host> hosts_;
  std::map<std::string, HostId> ids_;
  std::map<std::string, Claim> claims_;
  std::optional<HostId> next_id_;
  std::int64_t next_id_revision_ = 0;
  bool hosts_changed_ = false;
  std::set<std::string> claims_changed_;
  std::map<std::string, std::int64_t> own_;  // keys of apply_own, until the watch has told of it
};

}  // namespace netbinder::etcd
