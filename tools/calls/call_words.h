// SPDX-License-Identifier: Apache-2.0
//
// A call in words, for people and for programs that read JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "tools/calls/call_record.h"
#include "tools/calls/call_source.h"
#include "tools/calls/program_names.h"

namespace netbinder::tools {

class CallWords {
 public:
  // The source, which outlives this, is where the call was read.
  explicit CallWords(const CallSource& source) : source_(source) {}

  // "hello_client(1234)", or "@" and the name of a host.
  std::string end(const CallEnd& end);
  [[nodiscard]] std::string interface(const CallRecord& call) const;
  // "ok", "oneway", or how it failed.
  [[nodiscard]] std::string result(const CallRecord& call) const;
  // When it began, by the clock on its host's wall and in this machine's zone.
  [[nodiscard]] std::string time(const CallRecord& call) const;
  // All of these: a line of `netbinder monitor --json`.
  nlohmann::json json(const CallRecord& call);

 private:
  const std::string& program(std::int32_t pid);

  const CallSource& source_;
  ProgramNames programs_;
};

}  // namespace netbinder::tools
