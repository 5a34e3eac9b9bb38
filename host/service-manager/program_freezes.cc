// SPDX-License-Identifier: Apache-2.0
#include "host/service-manager/program_freezes.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "core/base/uapi.h"
#include "host/local_process.h"
#include "host/service-manager/protocol.h"
#include "host/service-manager/replies.h"

namespace netbinder {

namespace {

OutgoingReply answer_of(std::int32_t error) {
  ParcelWriter writer;
  writer.i32(error);
  return reply_of(writer);
}

}  // namespace

std::optional<ProgramFreezes::Wanted> ProgramFreezes::wanted_in(ParcelReader& request) {
  const auto pid = request.i32();
  const auto enable = request.i32();
  const auto timeout_ms = request.i32();
  if (!pid || *pid <= 0 || !enable || !timeout_ms || *timeout_ms < 0) return std::nullopt;
  return Wanted{.pid = static_cast<std::uint32_t>(*pid),
                .enable = *enable != 0 ? 1U : 0U,
                .timeout_ms = static_cast<std::uint32_t>(*timeout_ms)};
}

std::optional<OutgoingReply> ProgramFreezes::call(const IncomingCall& call) {
  // A sender of another host asks that host's manager.
  const bool may = call.sender_pid != 0 &&
                   (call.sender_euid == 0 || call.sender_euid == ::geteuid());
  if (!may) return answer_of(-EPERM);
  ParcelReader request(call.parcel);
  const auto name = request.string16();
  const auto wanted = wanted_in(request);
  if (!name || !wanted || (call.flags & TF_ONE_WAY) != 0) return answer_of(-EINVAL);
  if (!process_->can_defer()) return answer_of(-EAGAIN);
  if (*name == names_.host_name(names_.own_host())) {
    process_->freeze(wanted->pid, wanted->enable, wanted->timeout_ms,
                     [this, to = call.reply_to](int error) {
                       process_->reply(to, answer_of(error));
                     });
    return std::nullopt;
  }
  for (const HostId host : managers_.hosts()) {
    if (names_.host_name(host) != *name) continue;
    const std::uint32_t number = next_question_++;
    questions_.emplace(number, Question{.host = host, .reply_to = call.reply_to});
    ParcelWriter writer;
    writer.u32(number);
    writer.u32(wanted->pid);
    writer.u32(wanted->enable);
    writer.u32(wanted->timeout_ms);
    managers_.call(host, kPeerFreeze, writer.take());
    return std::nullopt;
  }
  return answer_of(-EHOSTUNREACH);
}

void ProgramFreezes::peer_asks(HostId from, ParcelReader& request) {
  const auto number = request.i32();
  const auto wanted = wanted_in(request);
  if (!number) return;
  const auto answer = [this, from, number = *number](int error) {
    ParcelWriter writer;
    writer.i32(number);
    writer.i32(error);
    managers_.call(from, kPeerFrozen, writer.take());
  };
  if (!wanted) return answer(-EINVAL);
  if (!process_->can_freeze()) return answer(-EAGAIN);
  process_->freeze(wanted->pid, wanted->enable, wanted->timeout_ms, answer);
}

void ProgramFreezes::peer_answers(HostId from, ParcelReader& answer) {
  const auto number = answer.i32();
  const auto error = answer.i32();
  if (!number || !error) return;
  const auto found = questions_.find(static_cast<std::uint32_t>(*number));
  if (found == questions_.end() || found->second.host != from) return;
  process_->reply(found->second.reply_to, answer_of(*error));
  questions_.erase(found);
}

void ProgramFreezes::host_gone(HostId host) {
  std::erase_if(questions_, [&](const auto& question) {
    if (question.second.host != host) return false;
    process_->reply(question.second.reply_to, answer_of(-EHOSTUNREACH));
    return true;
  });
}

}  // namespace netbinder
