// SPDX-License-Identifier: Apache-2.0
// Read buffers of every size: what fits, and what is left for the next read.
#include <stdio.h>

#include "conformance.h"

static struct party* a;
static struct party* b;
static uint32_t to_a;

static void begin(const char* name) {
  area(name);
  a = party_open("A");
  b = party_open("B");
  to_a = share(a, 0x1000, 0, b);
}

static void end(void) {
  party_close(a);
  party_close(b);
}

static void transactions(void) {
  begin("small_read_of_a_call");
  put_call(b, to_a, 1, TF_ONE_WAY);
  exchange(b, "sent");
  static const size_t kSizes[] = {1, 4, 8, 68, 72, 75, 76};
  for (size_t i = 0; i < sizeof(kSizes) / sizeof(kSizes[0]); ++i) {
    char what[32];
    snprintf(what, sizeof(what), "%zu bytes", kSizes[i]);
    a->read_size = kSizes[i];
    if (kSizes[i] >= 4) exchange(a, what);
  }
  a->read_size = 80;
  exchange(a, "80 bytes");
  end();
}

static void many(void) {
  begin("small_read_of_many");
  struct parcel parcel = {.size = 0};
  for (unsigned i = 0; i < 6; ++i) parcel_binder(&parcel, 0x2000 + 0x100 * i);
  b->read_size = 84;
  put_transaction(b, BC_TRANSACTION, to_a, 1, TF_ONE_WAY, &parcel);
  for (int i = 0; i < 8; ++i) exchange(b, "84 bytes");
  b->read_size = 128;
  put_transaction(b, BC_TRANSACTION, to_a, 1, TF_ONE_WAY, &parcel);
  put_call(b, 99, 1, 0);
  for (int i = 0; i < 8; ++i) exchange(b, "128 bytes");
  end();
}

static void commands(void) {
  begin("commands");
  static const struct {
    const char* what;
    uint32_t command;
  } kOdd[] = {{"attempt acquire", BC_ATTEMPT_ACQUIRE},
              {"acquire result", BC_ACQUIRE_RESULT},
              {"zero", 0},
              {"a return", BR_NOOP},
              {"another size", _IOW('c', 3, uint32_t)},
              {"another direction", _IOR('c', 3, binder_uintptr_t)},
              {"another type", _IOW('d', 3, binder_uintptr_t)},
              {"the next number", _IOW('c', 22, binder_uintptr_t)}};
  for (size_t i = 0; i < sizeof(kOdd) / sizeof(kOdd[0]); ++i) {
    put(b, BC_ENTER_LOOPER);
    put_address(b, kOdd[i].command, 0);
    put(b, BC_ENTER_LOOPER);
    exchange(b, kOdd[i].what);
  }
  put_handle(b, BC_ACQUIRE, to_a);
  put(b, BC_RELEASE);
  exchange(b, "cut off");
  put_call(b, to_a, 1, TF_ONE_WAY);
  put(b, 0x12345678);
  exchange(b, "good and bad");
  exchange(b, "what the good one left");
  exchange(a, "it arrived");
  struct party* const c = party_open_unmapped("C");
  put_address(c, BC_FREE_BUFFER, 0);
  exchange(c, "freed without a map");
  party_close(c);
  end();
}

static void unmapped(void) {
  area("no_map");
  a = party_open("A");
  b = party_open_unmapped("B");
  struct parcel parcel = {.size = 0};
  parcel_binder(&parcel, 0x5000);
  put_transaction(b, BC_TRANSACTION, 0, 1, 0, &parcel);
  await(b, "a call without room for its reply");
  extended_error(b, "its error");
  party_close(a);
  party_close(b);
}

void run_reads(void) {
  transactions();
  many();
  commands();
  unmapped();
}
