// SPDX-License-Identifier: Apache-2.0
//
// BINDER_FREEZE for programs of any host of the cluster. The ioctl can name a pid of its own host
// only, so that host's manager is asked to make it. Only root and the agent's own user may ask.
//
// Owned by the ServiceManager.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/ids.h"
#include "host/local_service.h"
#include "host/service-manager/name_table.h"
#include "host/service-manager/other_managers.h"
#include "parcel/reader.h"

namespace netbinder {

class LocalProcess;

class ProgramFreezes {
 public:
  // The code of a request, which has the host's name (String16), the pid, whether to freeze it, and
  // how many ms calls under way may take (three words). The answer is 0 or a negative errno.
  static constexpr std::uint32_t kCode = B_PACK_CHARS('_', 'F', 'R', 'Z');

  ProgramFreezes(NameTable& names, OtherManagers& managers) : names_(names), managers_(managers) {}
  // To be called before anything else.
  void attach(LocalProcess& process) { process_ = &process; }

  // Nothing if it is answered later.
  std::optional<OutgoingReply> call(const IncomingCall& call);
  // Messages of another host's manager: a request, or an answer to ours.
  void peer_asks(HostId from, ParcelReader& request);
  void peer_answers(HostId from, ParcelReader& answer);
  void host_gone(HostId host);

 private:
  struct Wanted {
    std::uint32_t pid = 0;
    std::uint32_t enable = 0;
    std::uint32_t timeout_ms = 0;
  };
  static std::optional<Wanted> wanted_in(ParcelReader& request);
  struct Question {
    HostId host;
    ReplyTo reply_to;
  };

  NameTable& names_;
  OtherManagers& managers_;
  LocalProcess* process_ = nullptr;
  std::map<std::uint32_t, Question> questions_;
  std::uint32_t next_question_ = 1;
};

}  // namespace netbinder
