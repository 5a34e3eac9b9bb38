// SPDX-License-Identifier: Apache-2.0
//
// Questions of users to the agents of other hosts: a line, and its answer, both texts. The built-in
// managers carry them. An answer may be long, so the host that asked fetches it in parts, one after
// the other; the other host keeps an answer until its last part is fetched, and only the latest few
// of each host.
//
// Nobody waits here for long: a question ends with its answer, with the host's session, or when
// many newer ones have been asked.
//
// Owned by the ServiceManager. Thread: the data-plane thread.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "core/base/ids.h"
#include "core/base/lifetime.h"
#include "host/service-manager/other_managers.h"
#include "host/service-manager/peer_question.h"
#include "parcel/reader.h"

namespace netbinder {

class HostQuestions {
 public:
  static constexpr std::size_t kMaxAsked = 64;  // by this host at a time
  static constexpr std::size_t kMaxKeptForHost = 8;
  static constexpr std::size_t kMaxQuestionBytes = 1024;
  static constexpr std::size_t kMaxAnswerBytes = 8U << 20;
  static constexpr std::size_t kPartBytes = 16U << 10;

  using Answer = PeerQuestion::Answer;
  using AnswerFor = PeerQuestion::AnswerFor;
  using Heard = PeerQuestion::Heard;

  explicit HostQuestions(OtherManagers& managers) : managers_(managers) {}
  // Questions of other hosts are not answered before.
  void set_answers(AnswerFor answer) { answer_ = std::move(answer); }

  // Asks that host, whose manager is there, on behalf of a user of this host.
  void ask(HostId host, std::uint32_t uid, const std::string& question, Heard heard);

  // Messages of another host's manager.
  void peer_asks(HostId from, ParcelReader& message);
  void peer_fetches(HostId from, ParcelReader& message);
  void peer_answers(HostId from, ParcelReader& message);
  void host_gone(HostId host);

 private:
  struct Asked {
    HostId host;
    std::string answer;  // as much as has come
    Heard heard;
  };
  using Kept = std::map<std::uint32_t, std::optional<std::string>>;  // nothing: not answered yet

  void answered(HostId from, std::uint32_t number, std::string answer);
  void send_part(HostId to, std::uint32_t number, std::size_t offset);
  void end(std::map<std::uint32_t, Asked>::iterator asked,
           std::expected<std::string, std::string> how);

  OtherManagers& managers_;
  AnswerFor answer_;
  std::map<std::uint32_t, Asked> asked_;  // the oldest first
  std::uint32_t next_ = 1;
  std::map<HostId, Kept> kept_;  // by the number that the host gave
  Lifetime lifetime_;
};

}  // namespace netbinder
