// SPDX-License-Identifier: Apache-2.0
// Oneway calls: their order, their half of the arena, and which sender is notified of spam.
#include <stdio.h>
#include <sys/ioctl.h>

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

static void one_at_a_time(void) {
  begin("oneway_order");
  const uint32_t second_node = share(a, 0x2000, 0, b);
  for (uint32_t code = 1; code <= 3; ++code) put_call(b, to_a, code, TF_ONE_WAY);
  put_call(b, second_node, 4, TF_ONE_WAY);
  put_call(b, to_a, 5, 0);
  exchange(b, "three, one to another node, a call");
  exchange(a, "first");
  const struct binder_transaction_data first = a->got;
  exchange(a, "the other node's");
  put_free(a);
  write_only(a, "its buffer freed");
  exchange(a, "the call passes the waiting ones");
  put_free(a);
  put_reply(a);
  exchange(a, "answered");
  exchange(b, "reply");
  put_address(a, BC_FREE_BUFFER, first.data.ptr.buffer);
  exchange(a, "the first freed, the second comes");
  put_free(a);
  write_only(a, "freed");
  exchange(a, "the third");
  put_free(a);
  exchange(a, "freed");
  end();
}

static void while_handling(void) {
  begin("oneway_while_handling");
  struct worker* const other = worker_start();
  put_call(b, to_a, 1, 0);
  exchange(b, "call");
  exchange(a, "handled");
  put_call(b, to_a, 2, TF_ONE_WAY);
  exchange_by(other, b, "oneway from another thread");
  exchange(a, "not while the call is handled");
  put_reply(a);
  exchange(a, "answered");
  exchange(a, "now");
  exchange(b, "reply");
  put_reply(a);
  exchange(a, "reply to a oneway call");
  worker_stop(other);
  end();
}

static void send_bytes(size_t size, uint32_t flags) {
  static uint8_t bytes[kMapSize];
  const struct binder_transaction_data data = {.target = {.handle = to_a},
                                               .code = (uint32_t)size,
                                               .flags = flags,
                                               .data_size = size,
                                               .data = {.ptr = {.buffer = (uintptr_t)bytes}}};
  uint8_t* const place = b->out + b->out_size;
  put(b, BC_TRANSACTION);
  __builtin_memcpy(place + 4, &data, sizeof(data));
  b->out_size += sizeof(data);
}

static void half(void) {
  begin("oneway_half");
  send_bytes(kMapSize / 2 + 8, TF_ONE_WAY);
  exchange(b, "more than half");
  extended_error(b, "its error");
  send_bytes(kMapSize / 2, TF_ONE_WAY);
  exchange(b, "just half");
  extended_error(b, "its error");
  send_bytes(8, TF_ONE_WAY);
  exchange(b, "a little more");
  extended_error(b, "its error");
  send_bytes(kMapSize / 2, 0);
  exchange(b, "a call with the other half");
  exchange(a, "received");
  put_free(a);
  exchange(a, "freed");
  put_free(a);
  put_reply(a);
  exchange(a, "freed and answered");
  exchange(b, "reply");
  send_bytes(kMapSize, 0);
  exchange(b, "all of it");
  exchange(a, "received");
  put_free(a);
  put_reply(a);
  exchange(a, "answered");
  exchange(b, "reply");
  send_bytes(kMapSize + 8, 0);
  exchange(b, "too much");
  extended_error(b, "its error");
  end();
}

static void spam(bool enabled) {
  begin(enabled ? "spam_told" : "spam_untold");
  uint32_t on = enabled;
  note_result("detection", ioctl(b->fd, BINDER_ENABLE_ONEWAY_SPAM_DETECTION, &on));
  // Nearly all of the half, in small pieces.
  for (unsigned sent = 0; sent < 29; ++sent) {
    send_bytes(1024, TF_ONE_WAY);
    char what[32];
    snprintf(what, sizeof(what), "number %u", sent);
    exchange(b, what);
  }
  settle(a);
  end();
  begin(enabled ? "spam_told_by_count" : "spam_untold_by_count");
  note_result("detection", ioctl(b->fd, BINDER_ENABLE_ONEWAY_SPAM_DETECTION, &on));
  for (unsigned sent = 0; sent < 60; ++sent) {
    send_bytes(sent < 20 ? 1000 : 64, TF_ONE_WAY);
    char what[32];
    snprintf(what, sizeof(what), "number %u", sent);
    exchange(b, what);
  }
  end();
}

void run_oneway(void) {
  one_at_a_time();
  while_handling();
  half();
  spam(true);
  spam(false);
}
