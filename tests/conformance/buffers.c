// SPDX-License-Identifier: Apache-2.0
// Scatter-gather buffers and the rules of their parents, and what freeing leaves.
#include <string.h>

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

// A word in front, as every real parcel has one: nothing at offset 0 can be a parent.
static struct parcel with_token(void) {
  struct parcel parcel = {.size = 0};
  parcel_word(&parcel, 1);
  parcel_word(&parcel, 2);
  return parcel;
}

static void sends(const char* what, const struct parcel* parcel) {
  put_transaction(b, BC_TRANSACTION_SG, to_a, 1, TF_ONE_WAY, parcel);
  exchange(b, what);
  extended_error(b, what);
}

static void receives(void) {
  exchange(a, "received");
  put_free(a);
  exchange(a, "freed");
}

static const char* at(const struct party* party, uint64_t offset) {
  return (const char*)(uintptr_t)(party->got.data.ptr.buffer + offset);
}

static void good(void) {
  begin("gather");
  struct parcel parcel = with_token();
  parcel_buffer(&parcel, "abcdefg", 8, 0, 0, 0);
  parcel_buffer(&parcel, "xyz", 4, 0, 0, 0);
  parcel_buffer(&parcel, NULL, 0, 0, 0, 0);
  sends("three buffers", &parcel);
  exchange(a, "received");
  if (a->got.offsets_size == 24) {
    struct binder_buffer_object first, second;
    memcpy(&first, at(a, 8), sizeof(first));
    memcpy(&second, at(a, 48), sizeof(second));
    note("contents", "%s %s\n", (const char*)(uintptr_t)first.buffer,
         (const char*)(uintptr_t)second.buffer);
  }
  put_free(a);
  exchange(a, "freed");

  uint64_t outer[3] = {1, 2, 3};
  uint64_t inner[2] = {4, 5};
  parcel = with_token();
  parcel_buffer(&parcel, outer, sizeof(outer), 0, 0, 0);
  parcel_buffer(&parcel, inner, sizeof(inner), 1, 0, 8);
  parcel_buffer(&parcel, "leaf", 5, 1, 1, 0);
  parcel_buffer(&parcel, "last", 5, 1, 0, 16);
  sends("a tree", &parcel);
  exchange(a, "received");
  if (a->got.offsets_size == 32) {
    struct binder_buffer_object objects[4];
    uint64_t words[3], inner_words[2];
    memcpy(objects, at(a, 8), sizeof(objects));
    memcpy(words, (const void*)(uintptr_t)objects[0].buffer, sizeof(words));
    memcpy(inner_words, (const void*)(uintptr_t)objects[1].buffer, sizeof(inner_words));
    note("fixed up", "%d %d %d, others %llu %llu\n", words[1] == objects[1].buffer,
         inner_words[0] == objects[2].buffer, words[2] == objects[3].buffer,
         (unsigned long long)words[0], (unsigned long long)inner_words[1]);
  }
  put_free(a);
  exchange(a, "freed");
  end();
}

static void parents(void) {
  begin("bad_parents");
  static const struct {
    const char* what;
    uint64_t parent, offset;
  } kCases[] = {{"good", 0, 0},
                {"the last place", 0, 16},
                {"beyond the end", 0, 17},
                {"far beyond", 0, 1 << 20},
                {"huge", 0, UINT64_MAX - 7},
                {"unaligned", 0, 3},
                {"itself", 1, 0},
                {"unknown", 9, 0},
                {"negative", UINT64_MAX, 0}};
  uint64_t words[3] = {1, 2, 3};
  for (size_t i = 0; i < sizeof(kCases) / sizeof(kCases[0]); ++i) {
    struct parcel parcel = with_token();
    parcel_buffer(&parcel, words, sizeof(words), 0, 0, 0);
    parcel_buffer(&parcel, "child", 6, 1, kCases[i].parent, kCases[i].offset);
    sends(kCases[i].what, &parcel);
  }
  struct parcel parcel = {.size = 0};
  parcel_buffer(&parcel, words, sizeof(words), 0, 0, 0);
  parcel_buffer(&parcel, "child", 6, 1, 0, 0);
  sends("a parent at offset 0", &parcel);
  parcel = with_token();
  parcel_handle(&parcel, to_a);
  parcel_buffer(&parcel, "child", 6, 1, 0, 0);
  sends("a parent that is no buffer", &parcel);
  parcel = with_token();
  parcel_buffer(&parcel, words, sizeof(words), 0, 0, 0);
  parcel_buffer(&parcel, "child", 6, 1, 0, 8);
  parcel_buffer(&parcel, "child", 6, 1, 0, 0);
  sends("downwards", &parcel);
  parcel = with_token();
  parcel_buffer(&parcel, words, sizeof(words), 0, 0, 0);
  parcel_buffer(&parcel, "child", 6, 1, 0, 8);
  parcel_buffer(&parcel, "child", 6, 1, 0, 12);
  sends("overlapping", &parcel);
  parcel = with_token();
  parcel_buffer(&parcel, words, sizeof(words), 0, 0, 0);
  parcel_buffer(&parcel, words, sizeof(words), 0, 0, 0);
  parcel_buffer(&parcel, "child", 6, 1, 0, 8);
  sends("a parent before another root", &parcel);
  parcel = with_token();
  parcel_buffer(&parcel, words, 4, 0, 0, 0);
  parcel_buffer(&parcel, "child", 6, 1, 0, 0);
  sends("a parent without room", &parcel);
  end();
}

static void sizes(void) {
  begin("bad_buffers");
  struct parcel parcel = with_token();
  parcel_buffer(&parcel, "buffer", 7, 0, 0, 0);
  put_transaction(b, BC_TRANSACTION, to_a, 1, TF_ONE_WAY, &parcel);
  exchange(b, "no gathering asked for");
  extended_error(b, "no gathering asked for");
  parcel.buffers_size = 0;
  sends("no room", &parcel);
  parcel = with_token();
  parcel_buffer(&parcel, "buffer", 7, 0, 0, 0);
  parcel_buffer(&parcel, "buffer", 7, 0, 0, 0);
  parcel.buffers_size = 8;
  sends("room for one", &parcel);
  parcel = with_token();
  parcel_buffer(&parcel, (const void*)8, 8, 0, 0, 0);
  sends("bad pointer", &parcel);
  parcel = with_token();
  parcel_buffer(&parcel, "buffer", 7, 0xfe, 3, 4);
  parcel.buffers_size = 4096;
  sends("other flags, too much room", &parcel);
  receives();
  parcel = with_token();
  parcel.buffers_size = kMapSize;
  sends("more than there is", &parcel);
  parcel = with_token();
  parcel.buffers_size = 64;
  sends("room for nothing", &parcel);
  receives();
  end();
}

static void cleared(uint32_t flags) {
  begin(flags == TF_CLEAR_BUF ? "cleared" : "not_cleared");
  struct parcel parcel = {.size = 0};
  for (uint32_t i = 0; i < 64; ++i) parcel_word(&parcel, 0x41414141);
  put_transaction(b, BC_TRANSACTION, to_a, 1, TF_ONE_WAY | flags, &parcel);
  exchange(b, "sent");
  exchange(a, "received");
  const char* const bytes = at(a, 0);
  note("before", "%x %x\n", bytes[0], bytes[255]);
  put_free(a);
  exchange(a, "freed");
  if (flags == TF_CLEAR_BUF) note("after", "%x %x\n", bytes[0], bytes[255]);
  put_call(b, to_a, 2, 0);
  exchange(b, "called");
  exchange(a, "received");
  put_transaction(a, BC_REPLY, 0, 0, flags, &parcel);
  exchange(a, "answered");
  exchange(b, "reply");
  const char* const reply = at(b, 0);
  note("before", "%x %x\n", reply[0], reply[255]);
  put_free(b);
  exchange(b, "freed");
  if (flags == TF_CLEAR_BUF) note("after", "%x %x\n", reply[0], reply[255]);
  end();
}

static void places(void) {
  begin("places");
  struct parcel parcel = {.size = 0};
  for (int i = 0; i < 5; ++i) parcel_word(&parcel, 7);
  binder_uintptr_t buffers[6];
  const binder_uintptr_t base = (uintptr_t)a->map;
  for (int i = 0; i < 6; ++i) {
    put_transaction(b, BC_TRANSACTION, to_a, 1, TF_ONE_WAY, &parcel);
    settle(b);
    if (i > 0 && i % 2 == 0) parcel_word(&parcel, 8);
  }
  exchange(a, "first");
  buffers[0] = a->got.data.ptr.buffer;
  note("place", "%llu\n", (unsigned long long)(buffers[0] - base));
  for (int i = 1; i < 6; ++i) {
    put_free(a);
    write_only(a, "freed");
    exchange(a, "next");
    buffers[i] = a->got.data.ptr.buffer;
    note("place", "%llu\n", (unsigned long long)(buffers[i] - base));
  }
  put_address(a, BC_FREE_BUFFER, buffers[5] + 4);
  exchange(a, "freed in its middle");
  put_address(a, BC_FREE_BUFFER, 0);
  put_address(a, BC_FREE_BUFFER, UINT64_MAX);
  exchange(a, "freed elsewhere");
  put_free(a);
  exchange(a, "freed");
  end();
}

static void context(void) {
  area("security_context");
  a = party_open("A");
  b = party_open("B");
  to_a = share(a, 0x1000, 0x1000, b);
  struct parcel parcel = {.size = 0};
  parcel_word(&parcel, 7);
  parcel_buffer(&parcel, "buffer", 7, 0, 0, 0);
  put_transaction(b, BC_TRANSACTION_SG, to_a, 1, 0, &parcel);
  exchange(b, "called");
  exchange(a, "received");
  put_free(a);
  put_reply(a);
  exchange(a, "answered");
  exchange(b, "reply");
  put_call(b, to_a, 2, TF_ONE_WAY);
  exchange(b, "oneway");
  exchange(a, "received");
  put_free(a);
  exchange(a, "freed");
  end();
}

void run_buffers(void) {
  good();
  parents();
  sizes();
  cleared(TF_CLEAR_BUF);
  cleared(0);
  places();
  context();
}
