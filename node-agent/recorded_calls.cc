// SPDX-License-Identifier: Apache-2.0
#include "node-agent/recorded_calls.h"

#include <boost/asio/post.hpp>
#include <utility>

#include "node-agent/call_tracing.h"

namespace netbinder {

struct RecordedCalls::Job {
  RecordedAnswer answer;
  Done done;
};

std::expected<void, std::string> RecordedCalls::ask(const Question& question,
                                                    RecordedAnswer::HostNames hosts, Done done) {
  if (jobs_ >= kMostAtOnce) return std::unexpected("too many ask for recorded calls");
  const auto fd = tracing_.record_for(kGoOn);
  if (!fd) return std::unexpected(fd.error());
  const call_ring::Ring& ring = tracing_.recorder()->ring();
  const std::string recording = tracing_.recording();
  std::uint64_t since = 0;
  if (question.recording.empty()) since = ring.header.written;
  if (question.recording == recording) since = question.since;
  ++jobs_;
  go_on_later(std::make_shared<Job>(
      Job{.answer = {ring, recording, since, std::move(hosts)}, .done = std::move(done)}));
  return {};
}

void RecordedCalls::go_on_later(std::shared_ptr<Job> job) {
  boost::asio::post(io_, lifetime_.guard([this, job = std::move(job)] {
    const CallRecorder* const recorder = tracing_.recorder();
    const bool is_there = recorder != nullptr && tracing_.recording() == job->answer.recording();
    if (is_there && !job->answer.go_on(recorder->ring())) return go_on_later(job);
    --jobs_;
    job->done(is_there ? job->answer.line(recorder->ring())
                       : "{\"error\":\"calls are recorded no more\"}\n");
  }));
}

}  // namespace netbinder
