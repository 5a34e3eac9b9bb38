// SPDX-License-Identifier: Apache-2.0
#include "tools/ui/call_watch.h"

#include <algorithm>
#include <exception>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "tools/calls/call_words.h"
#include "tools/calls/ended_calls.h"
#include "tools/calls/ring_reader.h"

namespace netbinder::tools {

namespace {

constexpr std::chrono::milliseconds kReadEvery{10};  // as `netbinder monitor` does
constexpr std::size_t kMostFollowed = 100'000;

}  // namespace

CallWatch::CallWatch(std::string agent_socket)
    : agent_socket_(std::move(agent_socket)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

CallWatch::~CallWatch() = default;

nlohmann::json CallWatch::json() {
  const std::lock_guard lock(mutex_);
  const auto now = Clock::now();
  until_ = now + kLinger;
  changed_.notify_all();
  if (!problem_.empty()) return {{"problem", problem_}};
  if (!seen_) return {{"calls", nlohmann::json::array()}, {"seconds", 0}, {"lost", 0}};
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - seen_->since);
  return {{"calls", seen_->slowest.to_json(now)},
          {"seconds", std::min(seconds, SlowestCalls::kSpan).count()},
          {"lost", seen_->lost}};
}

void CallWatch::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [this] { return wanted(); })) {
    lock.unlock();
    std::string problem;
    try {
      follow(stop);
    } catch (const std::exception& error) {
      problem = error.what();
    }
    lock.lock();
    seen_.reset();
    problem_ = std::move(problem);
    if (!problem_.empty()) (void)changed_.wait_for(lock, stop, kRetry, [] { return false; });
  }
}

void CallWatch::follow(const std::stop_token& stop) {
  RingReader reader(agent_socket_);
  CallWords words(reader);
  EndedCalls calls(kMostFollowed);
  std::vector<call_ring::Entry> entries;
  std::unique_lock lock(mutex_);
  problem_.clear();
  seen_ = Seen{.since = Clock::now()};
  while (wanted() && !stop.stop_requested()) {
    lock.unlock();
    entries.clear();
    reader.drain(entries);
    lock.lock();
    const auto now = Clock::now();
    for (const call_ring::Entry& entry : entries) {
      const auto call = calls.add(entry);
      const auto took = call ? call->duration_us() : std::nullopt;
      if (!took || !seen_->slowest.takes(now, *took)) continue;
      seen_->slowest.add(now, *took, words.json(*call));
    }
    seen_->lost = reader.lost();
    (void)changed_.wait_for(lock, stop, kReadEvery, [] { return false; });
  }
}

}  // namespace netbinder::tools
