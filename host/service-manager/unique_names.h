// SPDX-License-Identifier: Apache-2.0
//
// Names that one host of the cluster may have at a time, by the word of a store (NameClaims). A
// registration of such a name is answered when the store has decided. If the claim holds no more,
// as the store was away for too long, the name is withdrawn, and registered again as soon as the
// store grants it again.
//
//   State       Is left when                                        For
//   (none)      a program registers the name                        kAsked
//   kAsked      the claim is granted                                kHeld
//               it is another host's, or nothing was decided        (none)
//   kHeld       the service has died or was unregistered            (none), and it is given back
//               the claim holds no more                             kLost
//   kLost       it is asked for again, by the timer or as a         kLostAsked
//               program registers the name
//               the withdrawn service has died                      (none)
//   kLostAsked  the claim is granted                                kHeld
//               it is another host's                                (none)
//               nothing was decided                                 kLost, or (none) if the
//                                                                   withdrawn service has died
// If nothing is left to be registered when a claim is granted, it is given back.
//
// Owned by the ServiceManager. Thread: the data-plane thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/base/ids.h"
#include "core/base/stored_claim.h"
#include "host/local_service.h"
#include "host/policy/name_globs.h"
#include "host/service-manager/held_handles.h"
#include "host/service-manager/name_claims.h"
#include "host/service-manager/name_table.h"
#include "host/service-manager/registration.h"

namespace netbinder {

class LocalProcess;

class UniqueNames {
 public:
  // The owner's part: `take` registers a service by a name, unless that has been refused by now;
  // `withdraw` takes this host's service away, on all hosts.
  struct Owner {
    std::function<std::optional<Refusal>(const std::string&, const RegisteredService&)> take;
    std::function<void(const std::string&)> withdraw;
  };

  UniqueNames(NameTable& names, HeldHandles& handles, Owner owner)
      : names_(names), handles_(handles), owner_(std::move(owner)) {}
  // To be called before anything else.
  void attach(LocalProcess& process) { process_ = &process; }
  // Without it no name is unique. It outlives all calls.
  void set_claims(NameClaims& claims) { claims_ = &claims; }
  // Names that are registered stay as they are.
  void set_names(NameGlobs names) { unique_ = std::move(names); }

  // Whether a service can be registered by that name only when the store has granted it.
  [[nodiscard]] bool must_be_asked(const std::string& name) const;
  // Asks. The call is answered later, or, with the reason, at once.
  std::optional<OutgoingReply> ask(const IncomingCall& call, const std::string& name,
                                   const RegisteredService& service, RegistrationForm form);

  // ---- events ----
  void answered(const std::string& name, ClaimAnswer answer);
  void lost(const std::string& name);
  // This host's service of that name is in the table no more.
  void removed(const std::string& name);
  // The node of a handle has died.
  void died(Handle handle);

  // Whether there are withdrawn names, and asks for some of them again; to be called at intervals.
  [[nodiscard]] bool has_lost() const { return !lost_.empty(); }
  void ask_again();

 private:
  static constexpr int kAskedAtOnce = 256;

  enum class State : std::uint8_t { kAsked, kHeld, kLost, kLostAsked };
  // A registration that is to be answered.
  struct Waiting {
    ReplyTo reply_to;
    RegistrationForm form;
    RegisteredService service;
    bool dead = false;
  };
  struct Entry {
    State state = State::kAsked;
    std::vector<Waiting> waiting;
    std::optional<RegisteredService> withdrawn;  // kLost, kLostAsked
  };
  using Entries = std::map<std::string, Entry>;

  void ask(const std::string& name, Entry& entry, State next);
  void granted(Entries::iterator entry);
  // Answers all who wait that they get nothing.
  void refuse(const std::string& name, Entry& entry, const char* why);
  void drop_withdrawn(const std::string& name, Entry& entry);
  void hold(const std::string& name, Handle handle);
  void let_go(const std::string& name, Handle handle);

  NameTable& names_;
  HeldHandles& handles_;
  const Owner owner_;
  LocalProcess* process_ = nullptr;
  NameClaims* claims_ = nullptr;
  NameGlobs unique_{std::vector<std::string>{}};
  Entries entries_;
  std::set<std::string> lost_;                   // those in kLost
  std::multimap<Handle, std::string> names_of_;  // services that wait or are withdrawn
};

}  // namespace netbinder
