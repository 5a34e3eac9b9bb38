// SPDX-License-Identifier: Apache-2.0
// The content of a read buffer, as text.
#ifndef TESTS_CONFORMANCE_RETURNS_H
#define TESTS_CONFORMANCE_RETURNS_H

#include <stdint.h>
#include <stdio.h>

#include "uapi.h"

struct returns_text {
  FILE* out;
  const char* (*sender)(int32_t pid);
  // May be NULL. More about a BR_TRANSACTION or BR_REPLY.
  void (*payload)(const struct returns_text* text, uint32_t command,
                  const struct binder_transaction_data* data);
  struct binder_transaction_data* last;  // may be NULL: where the last of them is put
  void* context;                         // the caller's
};

void write_returns(const struct returns_text* text, const uint8_t* in, size_t size);

#endif
