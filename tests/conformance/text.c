// SPDX-License-Identifier: Apache-2.0
// Observations as text.
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conformance.h"
#include "returns.h"

static const char* area_name = "";

void area(const char* name) { area_name = name; }

void note(const char* what, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  printf("%s.%s: ", area_name, what);
  vprintf(format, arguments);
  va_end(arguments);
}

void note_result(const char* what, int result) {
  if (result < 0) {
    note(what, "%s\n", strerrorname_np(errno));
  } else {
    note(what, "%d\n", result);
  }
}

static const char* sender_name(int32_t pid) { return pid == getpid() ? "us" : "another"; }

void print_returns(struct party* party, const uint8_t* in, size_t size) {
  const struct returns_text text = {.out = stdout, .sender = sender_name, .last = &party->got};
  write_returns(&text, in, size);
}
