// SPDX-License-Identifier: Apache-2.0
//
// The calls of another host, as its agent records them: the agent here asks it through the cluster,
// again and again. Recording goes on there for some seconds after the last question.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tools/calls/call_source.h"
#include "tools/calls/far_answer.h"

namespace netbinder::tools {

class FarCalls final : public CallSource {
 public:
  // A host answers 20 questions a second of another one, and this is not the only tool there.
  static constexpr std::chrono::milliseconds kAskEvery{100};
  static constexpr std::chrono::milliseconds kAskForMore{60};
  // For so long it is asked again where there is no answer: another tool may have asked too much.
  // Recording goes on there for longer.
  static constexpr std::chrono::seconds kPatience{3};

  // Asks for the first time: what is recorded from now on is wanted. Throws std::runtime_error with
  // a plain sentence if that host's agent does not record.
  FarCalls(std::string agent_socket, std::string host);

  void drain(std::vector<call_ring::Entry>& into) override;
  void drain_rest(std::vector<call_ring::Entry>& into) override;
  [[nodiscard]] std::uint64_t lost() const override { return lost_; }
  [[nodiscard]] std::uint32_t host() const override { return last_.host; }
  [[nodiscard]] const std::string& host_name() const override { return host_; }
  [[nodiscard]] std::int32_t agent_pid() const override { return last_.agent_pid; }
  [[nodiscard]] const std::string& boot() const override { return last_.boot; }
  [[nodiscard]] std::int64_t wall_ns() const override { return last_.wall_ns; }
  [[nodiscard]] const std::map<std::uint32_t, std::string>& host_names() const override {
    return last_.hosts;
  }
  [[nodiscard]] std::string interface_of(std::uint32_t node) const override;
  [[nodiscard]] std::string program_of(std::int32_t pid) const override;
  [[nodiscard]] std::string reason(std::uint16_t number) const override;

 private:
  using Clock = std::chrono::steady_clock;

  // The next question and its answer; false: there is none, which is borne for a while.
  bool ask(std::vector<call_ring::Entry>& into);
  [[nodiscard]] FarAnswer question() const;
  void take(FarAnswer answer, std::vector<call_ring::Entry>& into);

  const std::string agent_socket_;
  const std::string host_;
  FarAnswer last_;  // without its entries; nothing in it: it has not been asked yet
  Clock::time_point answered_;
  Clock::time_point ask_again_;
  std::uint64_t lost_ = 0;
  // The texts of all answers so far, by the numbers that entries use.
  std::map<std::uint32_t, std::string> interfaces_;
  std::map<std::int32_t, std::string> programs_;
  std::map<std::uint16_t, std::string> reasons_;
};

}  // namespace netbinder::tools
