// SPDX-License-Identifier: Apache-2.0
//
// Answers what was recorded of calls since the last question (node-agent/recorded_answer.h). A
// question has recording begin, or go on for kGoOn. An answer is made in slices between other
// events.
//
// Owned by the Agent. Thread: the data-plane thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>

#include "core/base/lifetime.h"
#include "node-agent/recorded_answer.h"

namespace netbinder {

class CallTracing;

class RecordedCalls {
 public:
  static constexpr std::chrono::seconds kGoOn{5};
  static constexpr std::size_t kMostAtOnce = 8;  // answers that are being made

  struct Question {
    // The recording of the last answer. It is empty if there was none; then nothing recorded so far
    // is wanted. If another recording has begun since, all of it is new.
    std::string recording;
    std::uint64_t since = 0;  // its `next`
  };
  using Done = std::function<void(std::string line)>;

  RecordedCalls(boost::asio::io_context& io, CallTracing& tracing) : io_(io), tracing_(tracing) {}
  RecordedCalls(const RecordedCalls&) = delete;
  RecordedCalls& operator=(const RecordedCalls&) = delete;

  // `done` is called by a later event; or why not, and it is not called.
  std::expected<void, std::string> ask(const Question& question, RecordedAnswer::HostNames hosts,
                                       Done done);

 private:
  struct Job;
  void go_on_later(std::shared_ptr<Job> job);

  boost::asio::io_context& io_;
  CallTracing& tracing_;
  std::size_t jobs_ = 0;
  Lifetime lifetime_;
};

}  // namespace netbinder
