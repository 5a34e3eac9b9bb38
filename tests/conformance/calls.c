// SPDX-License-Identifier: Apache-2.0
// Calls: their order, nesting, and which thread handles them.
#include "conformance.h"

static struct party* a;
static struct party* b;
static uint32_t to_a;
static uint32_t to_b;

static void begin(const char* name) {
  area(name);
  a = party_open("A");
  b = party_open("B");
  to_a = share(a, 0x1000, 0, b);
  to_b = share(b, 0x2000, 0, a);
}

static void end(void) {
  party_close(a);
  party_close(b);
}

static void plain(void) {
  begin("call");
  struct parcel parcel = {.size = 0};
  parcel_word(&parcel, 42);
  put_transaction(b, BC_TRANSACTION, to_a, 7, TF_ACCEPT_FDS, &parcel);
  exchange(b, "called");
  exchange(b, "no answer yet");
  exchange(a, "received");
  exchange(a, "nothing more");
  put_reply(a);
  exchange(a, "answered, not freed");
  exchange(b, "reply");
  put_free(b);
  exchange(b, "freed");
  put_free(a);
  exchange(a, "freed");
  put_free(a);
  exchange(a, "freed twice");
  put_reply(a);
  exchange(a, "reply without a call");
  extended_error(a, "its error");
  put_call(b, to_a, 8, 0x20000000 | TF_ROOT_OBJECT | TF_STATUS_CODE);
  exchange(b, "called with other flags");
  exchange(a, "received");
  put_free(a);
  put_transaction(a, BC_REPLY, 55, 9, TF_STATUS_CODE | TF_ONE_WAY, &parcel);
  exchange(a, "answered with a status");
  exchange(b, "reply with a status");
  put_free(b);
  exchange(b, "freed");
  end();
}

static void two_calls(void) {
  begin("two_calls");
  put_call(b, to_a, 1, 0);
  put_call(b, to_a, 2, 0);
  exchange(b, "a second call before the reply");
  exchange(a, "received");
  exchange(a, "and the second");
  put_reply(a);
  exchange(a, "answered");
  put_reply(a);
  exchange(a, "answered again");
  exchange(b, "replies");
  exchange(b, "replies");
  end();
}

static void nested(void) {
  begin("nested");
  struct worker* const other = worker_start();
  put(b, BC_ENTER_LOOPER);
  exchange_by(other, b, "another thread of B");
  put_call(b, to_a, 1, 0);
  exchange(b, "B calls A");
  exchange(a, "A is called");
  put_call(a, to_b, 2, 0);
  exchange(a, "A calls B back");
  exchange_by(other, b, "not for the other thread");
  exchange(b, "for the one that waits");
  put_call(b, to_a, 3, 0);
  exchange(b, "B calls A again");
  exchange(a, "A is called again");
  put_reply(a);
  exchange(a, "A answers 3");
  exchange(b, "B has 3");
  put_reply(b);
  exchange(b, "B answers 2");
  exchange(a, "A has 2");
  put_reply(a);
  exchange(a, "A answers 1");
  exchange(b, "B has 1");
  put_call(b, to_a, 4, 0);
  exchange(b, "B calls A");
  exchange(a, "A is called");
  put_call(a, to_b, 5, TF_ONE_WAY);
  exchange(a, "A sends B a oneway call");
  exchange(b, "not for the one that waits for a reply");
  exchange_by(other, b, "for another thread");
  put_reply(a);
  exchange(a, "A answers");
  exchange(b, "B has it");
  worker_stop(other);
  end();
}

static void through_a_third(void) {
  begin("nested_through_a_third");
  struct party* const c = party_open("C");
  const uint32_t c_in_a = share(c, 0x3000, 0, a);
  const uint32_t b_in_c = share(b, 0x2000, 0, c);
  struct worker* const other = worker_start();
  put(b, BC_ENTER_LOOPER);
  exchange_by(other, b, "another thread of B");
  put_call(b, to_a, 1, 0);
  exchange(b, "B calls A");
  exchange(a, "A is called");
  put_call(a, c_in_a, 2, 0);
  exchange(a, "A calls C");
  exchange(c, "C is called");
  put_call(c, b_in_c, 3, 0);
  exchange(c, "C calls B");
  exchange_by(other, b, "not for the other thread");
  exchange(b, "for the first caller");
  put_reply(b);
  exchange(b, "B answers 3");
  exchange(c, "C has 3");
  put_reply(c);
  exchange(c, "C answers 2");
  exchange(a, "A has 2");
  put_reply(a);
  exchange(a, "A answers 1");
  exchange(b, "B has 1");
  worker_stop(other);
  party_close(c);
  end();
}

static void call_while_reply_waits(void) {
  begin("call_in_the_wrong_state");
  put_call(b, to_a, 1, 0);
  exchange(b, "B calls A");
  put_reply(b);
  exchange(b, "B replies to its own call");
  extended_error(b, "its error");
  exchange(a, "A is called");
  put_reply(a);
  exchange(a, "A answers");
  exchange(b, "B has it");
  // A thread with an unread call in its list for the process.
  put_call(b, to_a, 2, 0);
  write_only(b, "B calls A, no reading");
  struct worker* const other = worker_start();
  exchange_by(other, a, "another thread of A takes it");
  put_reply(a);
  exchange(a, "the wrong thread answers");
  extended_error(a, "its error");
  put_reply(a);
  exchange_by(other, a, "the right one answers");
  exchange(b, "B has it");
  worker_stop(other);
  end();
}

static void dead_partners(void) {
  begin("callee_dies_before_reading");
  put_call(b, to_a, 1, 0);
  exchange(b, "called");
  party_close(a);
  await(b, "dead");
  extended_error(b, "its error");
  party_close(b);

  begin("callee_dies_after_reading");
  put_call(b, to_a, 1, 0);
  exchange(b, "called");
  exchange(a, "read");
  party_close(a);
  await(b, "dead");
  extended_error(b, "its error");
  party_close(b);

  begin("callee_thread_exits");
  put_call(b, to_a, 1, 0);
  exchange(b, "called");
  exchange(a, "read");
  put(a, BC_EXIT_LOOPER);
  write_only(a, "leaves");
  thread_exit(a, "exits");
  exchange(b, "dead");
  extended_error(b, "its error");
  end();

  begin("caller_thread_exits");
  put_call(b, to_a, 1, 0);
  exchange(b, "called");
  exchange(a, "read");
  thread_exit(b, "exits");
  put_reply(a);
  exchange(a, "answered");
  extended_error(a, "its error");
  put_free(a);
  exchange(a, "freed");
  exchange(b, "a new thread");
  end();

  begin("caller_thread_exits_unread");
  put_call(b, to_a, 1, 0);
  exchange(b, "called");
  thread_exit(b, "exits");
  exchange(a, "read");
  put_reply(a);
  exchange(a, "answered");
  end();
}

static void two_errors(void) {
  begin("two_errors");
  put_call(b, to_a, 1, 0);
  exchange(b, "called");
  exchange(a, "received");
  put_call(b, 99, 1, TF_ONE_WAY);
  put_handle(b, BC_ACQUIRE, to_a);
  exchange(b, "an error of its own");
  put_call(b, to_a, 2, 0);
  put_reply(b);
  exchange(b, "and another");
  struct parcel parcel = {.size = 0};
  parcel_handle(&parcel, 98);
  put_transaction(a, BC_REPLY, 0, 0, 0, &parcel);
  exchange(a, "the reply fails");
  exchange(b, "the caller hears");
  extended_error(b, "its own is told");
  extended_error(b, "and no more");
  end();
}

void run_calls(void) {
  plain();
  two_calls();
  nested();
  through_a_third();
  call_while_reply_waits();
  dead_partners();
  two_errors();
}
