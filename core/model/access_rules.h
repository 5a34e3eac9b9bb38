// SPDX-License-Identifier: Apache-2.0
//
// Rules about who may do one thing to one object. They are in order; the first that matches
// decides. The host makes them from its configuration (host/policy/), and gives them to a node or
// to a context. A decision is a comparison of numbers: no allocation, no text.
//
// Plain values; no thread of their own.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/base/ids.h"

namespace netbinder {

// The program that wants to do it.
struct Subject {
  HostId host;
  std::uint32_t uid = 0;                       // as this host knows it
  std::span<const std::uint32_t> groups = {};  // of programs of this host
};

// Some subjects: everybody, a user or a group; of one host, or of any.
class Who {
 public:
  static Who anybody(std::optional<HostId> host = {}) { return {Kind::kAnybody, 0, host}; }
  static Who user(std::uint32_t uid, std::optional<HostId> host = {}) {
    return {Kind::kUser, uid, host};
  }
  static Who group(std::uint32_t gid, std::optional<HostId> host = {}) {
    return {Kind::kGroup, gid, host};
  }
  [[nodiscard]] bool matches(const Subject& subject) const;
  friend bool operator==(const Who&, const Who&) = default;

 private:
  enum class Kind : std::uint8_t { kAnybody, kUser, kGroup };
  Who(Kind kind, std::uint32_t number, std::optional<HostId> host)
      : kind_(kind), number_(number), host_(host) {}

  Kind kind_;
  std::uint32_t number_;
  std::optional<HostId> host_;
};

enum class Permission : std::uint8_t { kAllowed, kDenied };

// `rule` is the number of the rule that decided; 0: none did, and what nothing forbids is allowed.
struct Verdict {
  Permission permission = Permission::kAllowed;
  std::uint32_t rule = 0;
  [[nodiscard]] bool denied() const { return permission == Permission::kDenied; }
  friend bool operator==(const Verdict&, const Verdict&) = default;
};

class AccessRules {
 public:
  AccessRules() = default;
  // `object` says what they are about, for logs.
  explicit AccessRules(std::string object) : object_(std::move(object)) {}

  void add(std::vector<Who> who, Verdict verdict) {
    rules_.push_back({.who = std::move(who), .verdict = verdict});
  }
  [[nodiscard]] bool empty() const { return rules_.empty(); }
  [[nodiscard]] const std::string& object() const { return object_; }
  // Work in proportion to the rules.
  [[nodiscard]] Verdict decide(const Subject& subject) const;
  friend bool operator==(const AccessRules&, const AccessRules&) = default;

 private:
  struct Rule {
    std::vector<Who> who;
    Verdict verdict;
    friend bool operator==(const Rule&, const Rule&) = default;
  };
  std::string object_;
  std::vector<Rule> rules_;
};

// A denied request, for the host's log.
struct Denial {
  const char* action = "";  // static text: "call", "manage", "add", "find"
  std::string object;       // a name; empty of a context itself
  std::string context;
  HostId host;  // of the program; none if it is not known
  std::uint32_t uid = 0;
  std::int32_t pid = 0;    // 0: on another host
  std::uint32_t rule = 0;  // 0: it was denied because who asks is not known
};

}  // namespace netbinder
