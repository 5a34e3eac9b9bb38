// SPDX-License-Identifier: Apache-2.0
// Transactions that fail: how they fail, and what happens to the commands after them.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

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
  exchange(a, "nothing arrived");
  party_close(a);
  party_close(b);
}

static void fails(const char* what, const struct parcel* parcel, uint32_t command) {
  put_transaction(b, command, to_a, 1, TF_ONE_WAY, parcel);
  exchange(b, what);
  extended_error(b, what);
}

static void targets(void) {
  begin("bad_target");
  put_call(b, 99, 1, 0);
  exchange(b, "unknown handle");
  extended_error(b, "unknown handle");
  extended_error(b, "read once");
  struct party* const c = party_open_unmapped("C");
  put_call(c, 0, 1, 0);
  await(c, "a caller without a map");
  extended_error(c, "its error");
  party_close(c);
  put_call(b, 99, 1, 0);
  put_call(b, to_a, 2, TF_ONE_WAY);
  exchange(b, "a good one behind a bad one");
  b->read_size = 0;
  put_call(b, 99, 1, 0);
  put_call(b, to_a, 3, TF_ONE_WAY);
  exchange(b, "the same without reading");
  put_call(b, to_a, 4, TF_ONE_WAY);
  exchange(b, "nothing is run before the error is read");
  b->read_size = 512;
  exchange(b, "read");
  put_call(b, to_a, 5, TF_ONE_WAY);
  exchange(b, "and on");
  exchange(a, "received");
  end();
}

static void offsets(void) {
  begin("bad_offsets");
  struct parcel parcel = {.size = 0};
  parcel_handle(&parcel, to_a);
  parcel.offsets[0] = 1;
  fails("unaligned", &parcel, BC_TRANSACTION);
  parcel.offsets[0] = 4;
  fails("beyond the end", &parcel, BC_TRANSACTION);
  parcel.offsets[0] = 1 << 20;
  fails("far beyond", &parcel, BC_TRANSACTION);
  parcel.offsets[0] = UINT64_MAX;
  fails("negative", &parcel, BC_TRANSACTION);
  parcel.offsets[0] = 0;
  parcel.offsets_size = 4;
  fails("half an offset", &parcel, BC_TRANSACTION);
  parcel.offsets_size = 16;
  parcel.offsets[1] = 0;
  fails("the same twice", &parcel, BC_TRANSACTION);
  parcel = (struct parcel){.size = 0};
  parcel_handle(&parcel, to_a);
  parcel_handle(&parcel, to_a);
  parcel.offsets[0] = 24;
  parcel.offsets[1] = 0;
  fails("backwards", &parcel, BC_TRANSACTION);
  parcel.offsets[0] = 0;
  parcel.offsets[1] = 20;
  fails("overlapping", &parcel, BC_TRANSACTION);
  parcel = (struct parcel){.size = 0};
  parcel.offsets_size = 8;
  fails("without data", &parcel, BC_TRANSACTION);
  parcel.offsets_size = (uint64_t)1 << 63;
  fails("a huge table", &parcel, BC_TRANSACTION);
  parcel.offsets_size = 0;
  parcel.size = SIZE_MAX - 7;
  fails("huge data", &parcel, BC_TRANSACTION);
  parcel.size = 0;
  parcel.buffers_size = 4;
  fails("an odd size of buffers", &parcel, BC_TRANSACTION_SG);
  parcel.buffers_size = UINT64_MAX - 7;
  fails("a huge size of buffers", &parcel, BC_TRANSACTION_SG);
  end();
}

static void objects(void) {
  begin("bad_objects");
  struct parcel parcel = {.size = 0};
  parcel_flat(&parcel, 0x12345678, 0, 1, 1);
  fails("unknown type", &parcel, BC_TRANSACTION);
  parcel = (struct parcel){.size = 0};
  parcel_handle(&parcel, 99);
  fails("unknown handle", &parcel, BC_TRANSACTION);
  parcel = (struct parcel){.size = 0};
  parcel_flat(&parcel, BINDER_TYPE_WEAK_HANDLE, 0, 99, 0);
  fails("unknown weak handle", &parcel, BC_TRANSACTION);
  parcel = (struct parcel){.size = 0};
  parcel_handle(&parcel, 0);
  fails("handle 0 never acquired", &parcel, BC_TRANSACTION);
  parcel = (struct parcel){.size = 0};
  parcel_binder(&parcel, 0x2000);
  parcel_flat(&parcel, BINDER_TYPE_BINDER, 0, 0x2000, 0x9999);
  fails("two cookies", &parcel, BC_TRANSACTION);
  exchange(b, "what the first object left");
  exchange(b, "nothing more");
  parcel = (struct parcel){.size = 0};
  parcel_fd(&parcel, 0);
  fails("descriptor not accepted", &parcel, BC_TRANSACTION);
  parcel = (struct parcel){.size = 0};
  parcel_word(&parcel, 1);
  put_transaction(b, BC_TRANSACTION, to_a, 1, TF_ONE_WAY, &parcel);
  struct binder_transaction_data data;
  memcpy(&data, b->out + 4, sizeof(data));
  data.data.ptr.buffer = 8;
  memcpy(b->out + 4, &data, sizeof(data));
  exchange(b, "bad data pointer");
  extended_error(b, "bad data pointer");
  for (int gap = 0; gap < 2; ++gap) {
    parcel = (struct parcel){.size = 0};
    if (gap != 0) parcel_word(&parcel, 1);
    parcel_handle(&parcel, to_a);
    put_transaction(b, BC_TRANSACTION, to_a, 1, TF_ONE_WAY, &parcel);
    memcpy(&data, b->out + 4, sizeof(data));
    data.data.ptr.buffer = 8;
    memcpy(b->out + 4, &data, sizeof(data));
    exchange(b, "bad data pointer with an object");
    extended_error(b, "bad data pointer with an object");
  }
  parcel = (struct parcel){.size = 0};
  parcel_handle(&parcel, to_a);
  put_transaction(b, BC_TRANSACTION, to_a, 1, TF_ONE_WAY, &parcel);
  memcpy(&data, b->out + 4, sizeof(data));
  data.data.ptr.offsets = 8;
  memcpy(b->out + 4, &data, sizeof(data));
  exchange(b, "bad offsets pointer");
  extended_error(b, "bad offsets pointer");
  end();
}

static void replies(void) {
  begin("bad_reply");
  struct parcel parcel = {.size = 0};
  parcel_handle(&parcel, 99);
  put_call(b, to_a, 1, 0);
  exchange(b, "call");
  exchange(a, "received");
  put_transaction(a, BC_REPLY, 0, 0, 0, &parcel);
  put_call(a, 0, 1, TF_ONE_WAY);
  exchange(a, "reply with a bad handle");
  extended_error(a, "the replier's error");
  exchange(b, "what the caller hears");
  extended_error(b, "the caller's error");
  parcel = (struct parcel){.size = 0};
  parcel_fd(&parcel, 0);
  put_call(b, to_a, 1, 0);
  exchange(b, "call");
  exchange(a, "received");
  put_transaction(a, BC_REPLY, 0, 0, 0, &parcel);
  exchange(a, "reply with a descriptor");
  extended_error(a, "the replier's error");
  exchange(b, "what the caller hears");
  extended_error(b, "the caller's error");
  parcel = (struct parcel){.offsets_size = 4};
  put_call(b, to_a, 1, 0);
  exchange(b, "call");
  exchange(a, "received");
  put_transaction(a, BC_REPLY, 0, 0, 0, &parcel);
  exchange(a, "reply with half an offset");
  exchange(b, "what the caller hears");
  extended_error(b, "the caller's error");
  end();
}

void run_failures(void) {
  targets();
  offsets();
  objects();
  replies();
}
