// SPDX-License-Identifier: Apache-2.0
#include "tools/calls/far_calls.h"

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>
#include <utility>

#include "tools/admin_client.h"

namespace netbinder::tools {

namespace {

constexpr double kAnswerTimeoutS = 5;
constexpr std::size_t kMostNames = 65'536;  // of a kind; a host that tells more begins anew
constexpr int kMostQuestionsForTheRest = 16;

template <typename Number>
void add_names(std::map<Number, std::string>& names, std::map<Number, std::string> more) {
  if (names.size() + more.size() > kMostNames) names.clear();
  for (auto& [number, name] : more) names[number] = std::move(name);
}

template <typename Number>
std::string name_in(const std::map<Number, std::string>& names, Number number) {
  const auto found = names.find(number);
  return found == names.end() ? "" : found->second;
}

}  // namespace

FarCalls::FarCalls(std::string agent_socket, std::string host)
    : agent_socket_(std::move(agent_socket)), host_(std::move(host)) {
  std::vector<call_ring::Entry> none;
  try {
    take(question(), none);
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(host_ + ": " + error.what());
  }
}

FarAnswer FarCalls::question() const {
  nlohmann::json request = {{"command", "recorded_calls"}, {"host", host_}};
  if (!last_.recording.empty()) {
    request["recording"] = last_.recording;
    request["since"] = last_.next;
  }
  return far_answer_of(ask_agent(agent_socket_, request, kAnswerTimeoutS));
}

void FarCalls::take(FarAnswer answer, std::vector<call_ring::Entry>& into) {
  const bool anew = answer.recording != last_.recording;
  const std::uint64_t before = anew ? 0 : last_.next;
  if (answer.next < before || answer.entries.size() > answer.next - before) {
    throw std::runtime_error("the agent's answer makes no sense: its entries are out of order");
  }
  if (!last_.recording.empty()) lost_ += answer.lost;
  answered_ = Clock::now();
  ask_again_ = answered_ + (answer.more ? kAskForMore : kAskEvery);
  add_names(interfaces_, std::exchange(answer.interfaces, {}));
  add_names(programs_, std::exchange(answer.programs, {}));
  add_names(reasons_, std::exchange(answer.reasons, {}));
  const auto entries = std::exchange(answer.entries, {});
  into.insert(into.end(), entries.begin(), entries.end());
  last_ = std::move(answer);
}

bool FarCalls::ask(std::vector<call_ring::Entry>& into) {
  try {
    take(question(), into);
    return true;
  } catch (const std::runtime_error& error) {
    if (Clock::now() - answered_ > kPatience) throw std::runtime_error(host_ + ": " + error.what());
    ask_again_ = Clock::now() + kAskEvery;
    return false;
  }
}

void FarCalls::drain(std::vector<call_ring::Entry>& into) {
  if (Clock::now() >= ask_again_) (void)ask(into);
}

void FarCalls::drain_rest(std::vector<call_ring::Entry>& into) {
  // The calls that fetch the rest are recorded as well, so there may be more for ever.
  for (int i = 0; i < kMostQuestionsForTheRest; ++i) {
    std::this_thread::sleep_until(ask_again_);
    if (ask(into) && !last_.more) return;
  }
}

std::string FarCalls::interface_of(std::uint32_t node) const { return name_in(interfaces_, node); }

std::string FarCalls::program_of(std::int32_t pid) const { return name_in(programs_, pid); }

std::string FarCalls::reason(std::uint16_t number) const { return name_in(reasons_, number); }

}  // namespace netbinder::tools
