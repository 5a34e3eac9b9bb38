// SPDX-License-Identifier: Apache-2.0
#include "transport/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace netbinder::log {
namespace {

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarning:
      return spdlog::level::warn;
    case Level::kError:
      break;
  }
  return spdlog::level::err;
}

}  // namespace

void start(const std::string& program, const std::string& lowest) {
  spdlog::set_default_logger(spdlog::stderr_logger_st(program));
  spdlog::set_pattern("%Y-%m-%d %H:%M:%S.%e " + program + "[%P] %l: %v");
  spdlog::set_level(spdlog::level::from_str(lowest));
}

bool is_wanted(Level level) { return spdlog::should_log(to_spdlog(level)); }

void write(Level level, std::string_view line) {
  spdlog::default_logger_raw()->log(to_spdlog(level), line);
}

}  // namespace netbinder::log
