// SPDX-License-Identifier: Apache-2.0
#include "ndk/base/log.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>

namespace netbinder::ndk {
namespace {

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
  write_line(format, arguments);
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
