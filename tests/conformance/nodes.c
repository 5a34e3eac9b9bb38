// SPDX-License-Identifier: Apache-2.0
// The notifications that the owner of a node gets about references to it.
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

static void send(uint32_t type, uint32_t command_flags, binder_uintptr_t ptr) {
  struct parcel parcel = {.size = 0};
  parcel_flat(&parcel, type, 0, ptr, ptr + 1);
  put_transaction(b, BC_TRANSACTION, to_a, 1, command_flags, &parcel);
}

// A node sent, kept by nobody.
static void sent_and_dropped(uint32_t type) {
  begin(type == BINDER_TYPE_BINDER ? "node_sent" : "weak_node_sent");
  send(type, TF_ONE_WAY, 0x2000);
  exchange(b, "oneway");
  exchange(b, "before the answers");
  exchange(a, "received");
  put_ptr_cookie(b, BC_INCREFS_DONE, 0x2000, 0x2001);
  if (type == BINDER_TYPE_BINDER) put_ptr_cookie(b, BC_ACQUIRE_DONE, 0x2000, 0x2001);
  exchange(b, "answered");
  put_free(a);
  exchange(a, "buffer freed");
  exchange(b, "dropped");
  exchange(b, "nothing more");
  send(type, 0, 0x2000);
  exchange(b, "the same in a call");
  exchange(a, "call received");
  put_free(a);
  put_reply(a);
  exchange(a, "freed and answered");
  exchange(b, "reply");
  exchange(b, "after the reply");
  put_ptr_cookie(b, BC_INCREFS_DONE, 0x2000, 0x2001);
  exchange(b, "increfs done late");
  put_ptr_cookie(b, BC_ACQUIRE_DONE, 0x2000, 0x2001);
  exchange(b, "acquire done late");
  exchange(b, "nothing more");
  end();
}

static void kept(void) {
  begin("node_kept");
  send(BINDER_TYPE_BINDER, TF_ONE_WAY, 0x2000);
  exchange(b, "oneway");
  put_ptr_cookie(b, BC_INCREFS_DONE, 0x2000, 0x2001);
  put_ptr_cookie(b, BC_ACQUIRE_DONE, 0x2000, 0x2001);
  exchange(a, "received");
  put_handle(a, BC_INCREFS, 2);
  put_handle(a, BC_ACQUIRE, 2);
  put_free(a);
  exchange(a, "kept");
  exchange(b, "answers");
  put_handle(a, BC_INCREFS, 1);
  put_handle(a, BC_ACQUIRE, 1);
  exchange(a, "kept handle 1");
  put_handle(a, BC_RELEASE, 1);
  exchange(a, "strong released");
  exchange(b, "hears of the strong one");
  put_handle(a, BC_ACQUIRE, 1);
  exchange(a, "strong again without a thread of the owner");
  exchange(b, "hears nothing");
  put_handle(a, BC_DECREFS, 1);
  exchange(a, "weak released");
  exchange(b, "hears of the weak one");
  put_handle(a, BC_RELEASE, 1);
  put_handle(a, BC_DECREFS, 1);
  exchange(a, "released too often");
  exchange(b, "hears nothing of it");
  end();
}

static void sent_twice(void) {
  begin("node_sent_twice");
  send(BINDER_TYPE_BINDER, TF_ONE_WAY, 0x2000);
  send(BINDER_TYPE_BINDER, TF_ONE_WAY, 0x2000);
  exchange(b, "two oneways");
  put_ptr_cookie(b, BC_INCREFS_DONE, 0x2000, 0x2001);
  put_ptr_cookie(b, BC_ACQUIRE_DONE, 0x2000, 0x2001);
  exchange(b, "answers");
  exchange(a, "first");
  put_handle(a, BC_ACQUIRE, 1);
  put_free(a);
  exchange(a, "second");
  put_free(a);
  exchange(a, "all freed");
  exchange(b, "still held");
  put_handle(a, BC_RELEASE, 1);
  exchange(a, "let go");
  exchange(b, "hears of it");
  // It comes back before the owner has read that it was gone.
  send(BINDER_TYPE_BINDER, TF_ONE_WAY, 0x3000);
  exchange(b, "another node");
  put_ptr_cookie(b, BC_INCREFS_DONE, 0x3000, 0x3001);
  put_ptr_cookie(b, BC_ACQUIRE_DONE, 0x3000, 0x3001);
  write_only(b, "its answers");
  exchange(a, "the other received");
  put_free(a);
  write_only(a, "the other dropped");
  send(BINDER_TYPE_BINDER, TF_ONE_WAY, 0x3000);
  exchange(b, "sent before it was known to be dropped");
  exchange(b, "nothing more");
  exchange(a, "received again");
  end();
}

static void weak_then_strong(void) {
  begin("weak_then_strong");
  send(BINDER_TYPE_WEAK_BINDER, TF_ONE_WAY, 0x2000);
  exchange(b, "weak");
  put_ptr_cookie(b, BC_INCREFS_DONE, 0x2000, 0x2001);
  exchange(b, "answers");
  exchange(a, "received");
  put_handle(a, BC_INCREFS, 1);
  put_free(a);
  exchange(a, "kept weakly");
  exchange(b, "hears nothing");
  put_call(a, 1, 5, 0);
  exchange(a, "call through the weak one");
  extended_error(a, "its error");
  put_handle(a, BC_ACQUIRE, 1);
  exchange(a, "made strong");
  exchange(b, "asked for nothing");
  send(BINDER_TYPE_BINDER, TF_ONE_WAY, 0x2000);
  exchange(b, "sent strongly");
  exchange(a, "received strongly");
  put_handle(a, BC_ACQUIRE, 1);
  put_free(a);
  exchange(a, "kept strongly");
  put_ptr_cookie(b, BC_ACQUIRE_DONE, 0x2000, 0x2001);
  exchange(b, "acquire done");
  put_call(a, 1, 5, TF_ONE_WAY);
  exchange(a, "call through the strong one");
  exchange(b, "is called");
  put_free(b);
  exchange(b, "frees");
  put_handle(a, BC_RELEASE, 1);
  exchange(a, "released");
  exchange(b, "hears of it");
  put_handle(a, BC_DECREFS, 1);
  exchange(a, "weak one let go");
  exchange(b, "hears of that");
  end();
}

static void wrong_answers(void) {
  begin("wrong_answers");
  put_ptr_cookie(b, BC_INCREFS_DONE, 0x9000, 0x9001);
  put_ptr_cookie(b, BC_ACQUIRE_DONE, 0x9000, 0x9001);
  exchange(b, "unknown nodes");
  send(BINDER_TYPE_BINDER, TF_ONE_WAY, 0x2000);
  exchange(b, "sent");
  put_ptr_cookie(b, BC_INCREFS_DONE, 0x2000, 0x2222);
  put_ptr_cookie(b, BC_ACQUIRE_DONE, 0x2000, 0x2222);
  exchange(b, "other cookies");
  put_ptr_cookie(b, BC_INCREFS_DONE, 0x2000, 0x2001);
  put_ptr_cookie(b, BC_INCREFS_DONE, 0x2000, 0x2001);
  put_ptr_cookie(b, BC_ACQUIRE_DONE, 0x2000, 0x2001);
  put_ptr_cookie(b, BC_ACQUIRE_DONE, 0x2000, 0x2001);
  exchange(b, "twice");
  exchange(a, "received");
  struct parcel parcel = {.size = 0};
  parcel_flat(&parcel, BINDER_TYPE_BINDER, 0, 0x2000, 0x3333);
  put_transaction(b, BC_TRANSACTION, to_a, 1, TF_ONE_WAY, &parcel);
  exchange(b, "sent with another cookie");
  extended_error(b, "its error");
  end();
}

static void flags(void) {
  begin("node_flags");
  struct parcel parcel = {.size = 0};
  parcel_flat(&parcel, BINDER_TYPE_BINDER, 0x113, 0x2000, 0x2001);
  parcel_flat(&parcel, BINDER_TYPE_WEAK_BINDER, 0x1000, 0x3000, 0x3001);
  put_transaction(b, BC_TRANSACTION, to_a, 1, TF_ONE_WAY, &parcel);
  exchange(b, "sent");
  exchange(a, "received");
  struct parcel back = {.size = 0};
  parcel_flat(&back, BINDER_TYPE_HANDLE, 0x17, 1, 0);
  parcel_flat(&back, BINDER_TYPE_WEAK_HANDLE, 0x100, 2, 0x55);
  const uint32_t to_b = share(b, 0x4000, 0, a);
  put_transaction(a, BC_TRANSACTION, to_b, 2, TF_ONE_WAY, &back);
  exchange(a, "sent back");
  exchange(b, "received back");
  end();
}

static void handed_on(void) {
  begin("handed_on");
  struct party* const c = party_open("C");
  const uint32_t b_in_c = share(b, 0x4000, 0, c);
  const uint32_t c_in_b = share(c, 0x5000, 0, b);
  note("handles", "%u %u\n", b_in_c, c_in_b);
  // A's node goes from B to C strongly and weakly, and home again.
  struct parcel parcel = {.size = 0};
  parcel_handle(&parcel, to_a);
  parcel_flat(&parcel, BINDER_TYPE_WEAK_HANDLE, 0, to_a, 0);
  put_transaction(b, BC_TRANSACTION, c_in_b, 3, TF_ONE_WAY, &parcel);
  exchange(b, "handed on");
  exchange(c, "received");
  exchange(a, "hears nothing");
  put_handle(c, BC_ACQUIRE, 2);
  put_free(c);
  exchange(c, "kept");
  put_handle(b, BC_RELEASE, to_a);
  exchange(b, "let go");
  exchange(a, "still hears nothing");
  struct parcel home = {.size = 0};
  parcel_handle(&home, 2);
  put_transaction(c, BC_TRANSACTION, 2, 4, 0, &home);
  exchange(c, "called with itself");
  exchange(a, "received its own");
  put_free(a);
  put_reply(a);
  exchange(a, "answered");
  exchange(c, "reply");
  put_handle(c, BC_RELEASE, 2);
  exchange(c, "let go");
  exchange(a, "hears of the end");
  party_close(c);
  end();
}

// Nodes of B above `after`: the first one.
static void next_node(const char* what, binder_uintptr_t after) {
  struct binder_node_debug_info info = {.ptr = after};
  const int result = ioctl(b->fd, BINDER_GET_NODE_DEBUG_INFO, &info);
  note(what, "%d: 0x%llx strong %u weak %u\n", result, (unsigned long long)info.ptr,
       info.has_strong_ref, info.has_weak_ref);
}

// A node that nobody refers to is there until it is looked at again.
static void looked_up(void) {
  begin("node_of_a_failed_call");
  struct parcel parcel = {.size = 0};
  parcel_binder(&parcel, 0x2000);
  parcel_handle(&parcel, 99);
  put_transaction(b, BC_TRANSACTION, to_a, 1, TF_ONE_WAY, &parcel);
  exchange(b, "failed");
  next_node("its node", 0);
  exchange(b, "nothing to hear");
  put_ptr_cookie(b, BC_INCREFS_DONE, 0x2000, 0x9999);
  exchange(b, "looked up with another cookie");
  next_node("its node", 0);
  put_transaction(b, BC_TRANSACTION, to_a, 1, TF_ONE_WAY, &parcel);
  write_only(b, "failed again, not read");
  next_node("its node", 0);
  put_ptr_cookie(b, BC_ACQUIRE_DONE, 0x2000, 0x2001);
  settle(b);
  next_node("its node", 0);
  end();
}

static void exit_thread(void* unused) {
  (void)unused;
  thread_exit(b, "its thread exits");
}

// B's thread exits before it has read that its nodes are referred to; A hands them on to C.
static void never_heard_of(uint32_t type, size_t count) {
  begin(type == BINDER_TYPE_BINDER ? "node_never_heard_of" : "weak_node_never_heard_of");
  note("nodes", "%zu\n", count);
  struct party* const c = party_open("C");
  const uint32_t c_in_a = share(c, 0x5000, 0, a);
  struct worker* const worker = worker_start();
  struct parcel parcel = {.size = 0};
  for (size_t i = 0; i < count; ++i) {
    parcel_flat(&parcel, type, 0, 0x2000 + i * 0x1000, 0x2001 + i * 0x1000);
  }
  put_transaction(b, BC_TRANSACTION, to_a, 1, TF_ONE_WAY, &parcel);
  write_only_by(worker, b, "sent, not read");
  worker_run(worker, exit_thread, NULL);
  worker_stop(worker);
  exchange(a, "received");
  for (uint32_t i = 0; i < count; ++i) {
    for (uint32_t weakly = 0; weakly < 2; ++weakly) {
      struct parcel on = {.size = 0};
      parcel_flat(&on, weakly != 0 ? BINDER_TYPE_WEAK_HANDLE : BINDER_TYPE_HANDLE, 0,
                  c_in_a + 1 + i, 0);
      put_transaction(a, BC_TRANSACTION, c_in_a, 3, TF_ONE_WAY, &on);
      exchange(a, weakly != 0 ? "handed on weakly" : "handed on");
      extended_error(a, "its error");
    }
  }
  settle(c);
  exchange(b, "hears");
  put_handle(a, BC_INCREFS, c_in_a + 1);
  put_handle(a, BC_ACQUIRE, c_in_a + 1);
  put_free(a);
  exchange(a, "kept");
  exchange(b, "hears");
  put_handle(a, BC_RELEASE, c_in_a + 1);
  put_handle(a, BC_DECREFS, c_in_a + 1);
  exchange(a, "released");
  exchange(b, "hears");
  party_close(c);
  end();
}

void run_nodes(void) {
  sent_and_dropped(BINDER_TYPE_BINDER);
  sent_and_dropped(BINDER_TYPE_WEAK_BINDER);
  kept();
  sent_twice();
  weak_then_strong();
  wrong_answers();
  flags();
  handed_on();
  looked_up();
  for (size_t count = 1; count <= 2; ++count) {
    never_heard_of(BINDER_TYPE_BINDER, count);
    never_heard_of(BINDER_TYPE_WEAK_BINDER, count);
  }
}
