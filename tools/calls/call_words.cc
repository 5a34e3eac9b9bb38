// SPDX-License-Identifier: Apache-2.0
#include "tools/calls/call_words.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <nlohmann/json.hpp>

namespace netbinder::tools {

std::string CallWords::end(const CallEnd& end) {
  if (end.host != HostId{}) {
    const auto found = source_.host_names().find(end.host.value());
    return "@" +
           (found == source_.host_names().end() ? std::to_string(end.host.value()) : found->second);
  }
  if (end.pid == 0) return "-";
  const std::string& name = program(end.pid);
  return fmt::format("{}({})", name.empty() ? "pid" : name, end.pid);
}

const std::string& CallWords::program(std::int32_t pid) {
  return programs_.of(pid, [this](std::int32_t of) { return source_.program_of(of); });
}

std::string CallWords::interface(const CallRecord& call) const {
  return source_.interface_of(call.node);
}

std::string CallWords::result(const CallRecord& call) const {
  if (call.failed()) {
    return failure_text(failure_name(call.failed_command), call.failed_error,
                        source_.reason(call.reason));
  }
  return call.oneway ? "oneway" : "ok";
}

std::string CallWords::time(const CallRecord& call) const {
  const std::int64_t ns =
      static_cast<std::int64_t>(call.began_ns != 0 ? call.began_ns : call.first_ns()) +
      source_.wall_ns();
  const std::time_t seconds = ns / 1'000'000'000;
  return fmt::format("{:%H:%M:%S}.{:06}", fmt::localtime(seconds), ns % 1'000'000'000 / 1000);
}

nlohmann::json CallWords::json(const CallRecord& call) {
  const auto end_of = [this](const CallEnd& of) {
    nlohmann::json made = {{"pid", of.pid}, {"tid", of.tid}};
    if (of.host != HostId{}) {
      made["host"] = end(of).substr(1);
    } else {
      made["program"] = program(of.pid);
    }
    return made;
  };
  const auto took = call.duration_us();
  nlohmann::json made = {{"time", time(call)},
                         {"trace", fmt::format("{:#018x}", call.trace)},
                         {"span", fmt::format("{:#018x}", call.span)},
                         {"from", end_of(call.caller)},
                         {"to", end_of(call.handler)},
                         {"interface", interface(call)},
                         {"node", call.node},
                         {"code", call.code},
                         {"oneway", call.oneway},
                         {"bytes", std::to_string(call.call_bytes)},
                         {"reply_bytes", std::to_string(call.reply_bytes)},
                         {"failed", call.failed()},
                         {"result", result(call)}};
  if (call.parent != 0) made["parent"] = fmt::format("{:#018x}", call.parent);
  made["duration_us"] = took ? nlohmann::json(*took) : nlohmann::json();
  return made;
}

}  // namespace netbinder::tools
