// SPDX-License-Identifier: Apache-2.0
//
// How questions between hosts (host_questions.h) and their answers are handed over.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <string>

#include "core/base/ids.h"

namespace netbinder {

struct PeerQuestion {
  // Called once; another thread's or a later answer is brought to the data plane first.
  using Answer = std::function<void(std::string)>;
  // Answers a question of that host's user `uid`, whom this host may know by another number.
  using AnswerFor = std::function<void(HostId from, std::uint32_t uid, std::string question, Answer)>;
  // The answer, or in words why there is none.
  using Heard = std::function<void(std::expected<std::string, std::string>)>;
};

}  // namespace netbinder
