// SPDX-License-Identifier: Apache-2.0
#include "transport/log.h"

#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <memory>
#include <mutex>

#include "transport/log_writer.h"

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

class WriterSink final : public spdlog::sinks::base_sink<std::mutex> {
 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    writer_.write(fmt::to_string(line));
  }
  void flush_() override {}

  LogWriter writer_{STDERR_FILENO};
};

}  // namespace

void start(const std::string& program, const std::string& lowest) {
  spdlog::set_default_logger(
      std::make_shared<spdlog::logger>(program, std::make_shared<WriterSink>()));
  spdlog::set_pattern("%Y-%m-%d %H:%M:%S.%e " + program + "[%P] %l: %v");
  spdlog::set_level(spdlog::level::from_str(lowest));
}

void set_lowest(const std::string& lowest) { spdlog::set_level(spdlog::level::from_str(lowest)); }

void finish() { spdlog::set_default_logger(std::make_shared<spdlog::logger>("ended")); }

bool is_wanted(Level level) { return spdlog::should_log(to_spdlog(level)); }

void write(Level level, std::string_view line) {
  spdlog::default_logger_raw()->log(to_spdlog(level), line);
}

}  // namespace netbinder::log
