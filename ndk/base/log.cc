// SPDX-License-Identifier: Apache-2.0
#include "ndk/base/log.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace netbinder::ndk {
namespace {

// Messages of others can cause log lines. This many in a second are enough to find the cause.
constexpr unsigned kMostLines = 20;

bool may_write() {
  static std::atomic<std::int64_t> second = 0;
  static std::atomic<unsigned> lines = 0;
  const std::int64_t now = std::chrono::duration_cast<std::chrono::seconds>(
                               std::chrono::steady_clock::now().time_since_epoch())
                               .count();
  if (second.exchange(now, std::memory_order_relaxed) != now) lines = 0;
  const unsigned line = lines.fetch_add(1, std::memory_order_relaxed);
  if (line == kMostLines) {
    static constexpr char kMore[] = "binder: more lines are left out\n";
    (void)!::write(STDERR_FILENO, kMore, sizeof kMore - 1);
  }
  return line < kMostLines;
}

void write_line(const char* format, va_list arguments) {
  const int saved_errno = errno;
  char line[512] = "binder: ";
  constexpr std::size_t kPrefix = 8;
  const int size = std::vsnprintf(line + kPrefix, sizeof line - kPrefix - 1, format, arguments);
  if (size >= 0) {
    std::size_t end = kPrefix + static_cast<std::size_t>(size);
    end = std::min(end, sizeof line - 2);
    line[end] = '\n';
    (void)!::write(STDERR_FILENO, line, end + 1);
  }
  errno = saved_errno;
}

}  // namespace

void log_line(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  if (may_write()) write_line(format, arguments);
  va_end(arguments);
}

void fatal(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  write_line(format, arguments);
  va_end(arguments);
  std::abort();
}

}  // namespace netbinder::ndk
