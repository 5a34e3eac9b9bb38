// SPDX-License-Identifier: Apache-2.0
#include "transport/log.h"

#include <spdlog/details/log_msg.h>
#include <spdlog/pattern_formatter.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>

#include "core/base/utf8.h"
#include "transport/log_rate.h"
#include "transport/log_writer.h"

namespace netbinder::log {
namespace {

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::kTrace:
      return spdlog::level::trace;
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarning:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
    case Level::kOff:
      break;
  }
  return spdlog::level::off;
}

// As the configuration has it.
Level level_of(const std::string& name) {
  if (name == "trace") return Level::kTrace;
  if (name == "debug") return Level::kDebug;
  if (name == "warn" || name == "warning") return Level::kWarning;
  if (name == "error") return Level::kError;
  if (name == "off") return Level::kOff;
  return Level::kInfo;
}

int priority_of(Level level) {
  switch (level) {
    case Level::kTrace:
    case Level::kDebug:
      return 7;
    case Level::kInfo:
      return 6;
    case Level::kWarning:
      return 4;
    case Level::kError:
    case Level::kOff:
      break;
  }
  return 3;
}

// The message as the inside of a string of JSON.
class JsonMessage final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm& /*time*/,
              spdlog::memory_buf_t& into) override {
    std::string_view left(message.payload.data(), message.payload.size());
    while (!left.empty()) {
      const std::size_t length = utf8_length(left);
      const auto byte = static_cast<unsigned char>(left.front());
      if (length == 0) {
        put(into, "\uFFFD");
      } else if (byte == '"' || byte == '\\') {
        put(into, "\\");
        put(into, left.substr(0, 1));
      } else if (byte < 0x20 || byte == 0x7F) {
        put(into, fmt::format("\\u{:04x}", unsigned{byte}));
      } else {
        put(into, left.substr(0, length));
      }
      left.remove_prefix(length == 0 ? 1 : length);
    }
  }
  [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<JsonMessage>();
  }

 private:
  static void put(spdlog::memory_buf_t& into, std::string_view text) {
    into.append(text.data(), text.data() + text.size());
  }
};

class Log {
 public:
  explicit Log(const std::string& program) {
    text_.set_pattern("%Y-%m-%d %H:%M:%S.%e " + program + "[%P] %l: %v");
    json_.add_flag<JsonMessage>('*').set_pattern(
        R"({"time":"%Y-%m-%dT%H:%M:%S.%f%z","level":"%l","component":"%n","program":")" + program +
        R"(","pid":%P,"message":"%*"})");
  }

  void set(Format format, PutIntoJournal journal) {
    const std::lock_guard lock(mutex_);
    format_ = format == Format::kJournal && journal == nullptr ? Format::kText : format;
    writer_.set_journal(journal);
  }

  void write(Component component, Level level, const char* kind, std::string message) {
    using std::chrono::duration_cast;
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    const auto now_ms = static_cast<std::uint64_t>(
        duration_cast<std::chrono::milliseconds>(now).count());
    const std::lock_guard lock(mutex_);
    if (const std::uint64_t lost = writer_.take_lost(); lost > 0) {
      put(Component::kAgent, Level::kWarning, fmt::format("{} records are missing here", lost));
    }
    if (level >= Level::kInfo) {
      const LogRate::Verdict verdict = rate_.admit(kind, now_ms);
      if (!verdict.taken) return;
      if (verdict.left_out > 0) {
        message += fmt::format(" ({} more like it were left out before)", verdict.left_out);
      }
    }
    put(component, level, std::move(message));
  }

 private:
  void put(Component component, Level level, std::string message) {
    const std::string_view name = kComponentNames[static_cast<std::size_t>(component)];
    if (format_ == Format::kJournal) {
      return writer_.write({.priority = priority_of(level), .component = name, .text = std::move(message)});
    }
    spdlog::pattern_formatter& formatter = format_ == Format::kJson ? json_ : text_;
    spdlog::memory_buf_t line;
    formatter.format(spdlog::details::log_msg(spdlog::string_view_t(name.data(), name.size()),
                                              to_spdlog(level), message),
                     line);
    writer_.write({.text = fmt::to_string(line)});
  }

  std::mutex mutex_;
  Format format_ = Format::kText;
  spdlog::pattern_formatter text_;
  spdlog::pattern_formatter json_;
  LogRate rate_;
  LogWriter writer_{STDERR_FILENO};
};

// Threads that are left behind may still log while the program ends.
std::mutex current_mutex;
std::shared_ptr<Log> current;       // null: there is none, or none any more
PutIntoJournal journal = nullptr;

std::shared_ptr<Log> current_log() {
  const std::lock_guard lock(current_mutex);
  return current;
}

}  // namespace

void start(const std::string& program, const std::string& lowest) {
  {
    const std::lock_guard lock(current_mutex);
    current = std::make_shared<Log>(program);
  }
  configure({.lowest = lowest});
}

void set_journal(PutIntoJournal put) {
  const std::lock_guard lock(current_mutex);
  journal = put;
}

void configure(const Settings& settings) {
  for (std::size_t i = 0; i < kComponentNames.size(); ++i) {
    const auto filtered = settings.filter.find(std::string(kComponentNames[i]));
    const std::string& level =
        filtered == settings.filter.end() ? settings.lowest : filtered->second;
    Logger::lowest[i].store(level_of(level), std::memory_order_relaxed);
  }
  const std::lock_guard lock(current_mutex);
  if (current) current->set(settings.format, journal);
}

void set_lowest(const std::string& lowest) { configure({.lowest = lowest}); }

void finish() {
  std::shared_ptr<Log> ended;  // which may take a while, and nobody else waits for it
  const std::lock_guard lock(current_mutex);
  ended = std::move(current);
}

void write(Component component, Level level, const char* kind, std::string message) {
  if (const auto log = current_log()) log->write(component, level, kind, std::move(message));
}

}  // namespace netbinder::log
