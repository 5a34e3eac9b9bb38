// SPDX-License-Identifier: Apache-2.0
// The state that remains when parties and threads end in the middle of something.
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

static void dead_objects(void) {
  begin("dead_objects");
  struct party* const c = party_open("C");
  const uint32_t to_c = share(c, 0x5000, 0, b);
  put_handle_cookie(b, BC_REQUEST_DEATH_NOTIFICATION, to_a, 0x11);
  write_only(b, "watched");
  party_close(a);
  await(b, "dies");
  struct parcel parcel = {.size = 0};
  parcel_handle(&parcel, to_a);
  parcel_flat(&parcel, BINDER_TYPE_WEAK_HANDLE, 0, to_a, 0);
  put_transaction(b, BC_TRANSACTION, to_c, 1, TF_ONE_WAY, &parcel);
  exchange(b, "the dead one handed on");
  exchange(c, "received");
  put_handle(c, BC_ACQUIRE, 1);
  put_handle_cookie(c, BC_REQUEST_DEATH_NOTIFICATION, 1, 0x22);
  exchange(c, "kept and watched");
  put_free(c);
  put_call(c, 1, 1, 0);
  exchange(c, "called");
  put_address(c, BC_DEAD_BINDER_DONE, 0x22);
  put_handle(c, BC_RELEASE, 1);
  exchange(c, "let go");
  party_close(b);
  party_close(c);
}

static void holder_ends(void) {
  begin("holder_ends");
  party_close(b);
  await(a, "its only holder is gone");
  exchange(a, "nothing more");
  party_close(a);

  begin("reader_ends");
  struct parcel parcel = {.size = 0};
  parcel_binder(&parcel, 0x2000);
  put_transaction(b, BC_TRANSACTION, to_a, 1, TF_ONE_WAY, &parcel);
  exchange(b, "sent");
  put_ptr_cookie(b, BC_INCREFS_DONE, 0x2000, 0x2001);
  put_ptr_cookie(b, BC_ACQUIRE_DONE, 0x2000, 0x2001);
  exchange(b, "answers");
  party_close(a);
  await(b, "the receiver ended without reading");
  party_close(b);

  begin("owner_of_a_buffer_ends");
  put_transaction(b, BC_TRANSACTION, to_a, 1, TF_ONE_WAY, &parcel);
  exchange(b, "sent");
  put_ptr_cookie(b, BC_INCREFS_DONE, 0x2000, 0x2001);
  put_ptr_cookie(b, BC_ACQUIRE_DONE, 0x2000, 0x2001);
  exchange(b, "answers");
  exchange(a, "read");
  party_close(a);
  await(b, "the receiver ended without freeing");
  party_close(b);
}

static void sender_lets_go(void) {
  begin("sender_lets_go");
  put_call(b, to_a, 1, TF_ONE_WAY);
  put_call(b, to_a, 2, TF_ONE_WAY);
  put_handle(b, BC_RELEASE, to_a);
  exchange(b, "sent and let go");
  exchange(a, "first");
  exchange(a, "nothing more");
  put_free(a);
  write_only(a, "freed");
  exchange(a, "second");
  put_free(a);
  exchange(a, "freed");
  exchange(a, "nothing more");
  end();

  begin("sender_ends");
  put_call(b, to_a, 1, TF_ONE_WAY);
  exchange(b, "sent");
  party_close(b);
  exchange(a, "received");
  put_free(a);
  await(a, "freed");
  party_close(a);
}

static void thread_ends(void) {
  begin("thread_ends_with_work");
  struct parcel parcel = {.size = 0};
  parcel_binder(&parcel, 0x2000);
  put_transaction(b, BC_TRANSACTION, to_a, 1, TF_ONE_WAY, &parcel);
  write_only(b, "sent, nothing read");
  thread_exit(b, "exit");
  exchange(b, "what is left");
  exchange(a, "received");
  put_free(a);
  exchange(a, "freed");
  exchange(b, "what is left");
  put_transaction(b, BC_TRANSACTION, to_a, 1, TF_ONE_WAY, &parcel);
  exchange(b, "the node again");
  put_call(b, 99, 1, 0);
  write_only(b, "an error, not read");
  thread_exit(b, "exit");
  exchange(b, "what is left");
  extended_error(b, "of the new thread");
  end();

  begin("thread_ends_in_nested_calls");
  const uint32_t to_b = share(b, 0x3000, 0, a);
  put_call(b, to_a, 1, 0);
  exchange(b, "B calls A");
  exchange(a, "received");
  put_call(a, to_b, 2, 0);
  exchange(a, "A calls B");
  exchange(b, "received");
  thread_exit(b, "B exits");
  exchange(a, "A hears");
  put_reply(a);
  exchange(a, "A answers");
  exchange(a, "nothing more");
  exchange(b, "B is new");
  end();

  begin("caller_below_ends");
  const uint32_t back = share(b, 0x3000, 0, a);
  put_call(b, to_a, 1, 0);
  exchange(b, "B calls A");
  exchange(a, "received");
  put_call(a, back, 2, 0);
  exchange(a, "A calls B");
  exchange(b, "received");
  thread_exit(a, "A exits");
  put_reply(b);
  exchange(b, "B answers");
  exchange(b, "and hears of its own call");
  exchange(b, "nothing more");
  end();
}

static void unread_reply(void) {
  begin("unread_reply");
  put_call(b, to_a, 1, 0);
  exchange(b, "called");
  exchange(a, "received");
  struct parcel parcel = {.size = 0};
  parcel_binder(&parcel, 0x4000);
  put_transaction(a, BC_REPLY, 0, 0, 0, &parcel);
  exchange(a, "answered with an object");
  put_ptr_cookie(a, BC_INCREFS_DONE, 0x4000, 0x4001);
  put_ptr_cookie(a, BC_ACQUIRE_DONE, 0x4000, 0x4001);
  exchange(a, "answers");
  thread_exit(b, "the caller exits");
  exchange(b, "nothing left");
  exchange(a, "hears of the object");
  end();
}

void run_endings(void) {
  dead_objects();
  holder_ends();
  sender_lets_go();
  thread_ends();
  unread_reply();
}
