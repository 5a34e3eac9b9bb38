// SPDX-License-Identifier: Apache-2.0
// Handles: their numbers, and commands on handles that do not exist.
#include "conformance.h"

static void numbers(void) {
  area("handles");
  struct party* const a = party_open("A");
  struct party* const b = party_open("B");
  for (unsigned i = 1; i <= 4; ++i) note("shared", "%u\n", share(a, 0x1000 * i, 0, b));
  note("shared again", "%u\n", share(a, 0x2000, 0, b));
  put_handle(b, BC_RELEASE, 2);
  exchange(b, "one of two released");
  exchange(a, "hears nothing");
  put_handle(b, BC_RELEASE, 2);
  exchange(b, "the other released");
  exchange(a, "hears");
  put_handle(b, BC_RELEASE, 3);
  exchange(b, "3 released");
  exchange(a, "hears");
  note("lowest free", "%u\n", share(a, 0x5000, 0, b));
  note("next", "%u\n", share(a, 0x6000, 0, b));
  note("next", "%u\n", share(a, 0x7000, 0, b));
  party_close(a);
  party_close(b);
}

static void unknown(void) {
  area("unknown_handles");
  struct party* const a = party_open("A");
  static const uint32_t kCommands[] = {BC_INCREFS, BC_ACQUIRE, BC_RELEASE, BC_DECREFS};
  for (size_t i = 0; i < 4; ++i) {
    put_handle(a, kCommands[i], 77);
    exchange(a, "count");
  }
  put_handle_cookie(a, BC_REQUEST_DEATH_NOTIFICATION, 77, 1);
  exchange(a, "death request");
  put_handle_cookie(a, BC_CLEAR_DEATH_NOTIFICATION, 77, 1);
  exchange(a, "death clear");
  put_address(a, BC_DEAD_BINDER_DONE, 1);
  exchange(a, "death done");
  put_handle_cookie(a, CONF_BC_REQUEST_FREEZE_NOTIFICATION, 77, 1);
  exchange(a, "freeze request");
  put_handle_cookie(a, CONF_BC_CLEAR_FREEZE_NOTIFICATION, 77, 1);
  exchange(a, "freeze clear");
  put_address(a, CONF_BC_FREEZE_NOTIFICATION_DONE, 1);
  exchange(a, "freeze done");
  party_close(a);
}

static void zero(void) {
  area("handle_0");
  struct party* const a = party_open("A");
  put_handle(a, BC_RELEASE, 0);
  exchange(a, "released before");
  put_handle(a, BC_INCREFS, 0);
  put_handle(a, BC_ACQUIRE, 0);
  exchange(a, "acquired");
  put_handle(a, BC_ACQUIRE, 0);
  put_handle(a, BC_RELEASE, 0);
  put_handle(a, BC_RELEASE, 0);
  put_handle(a, BC_DECREFS, 0);
  exchange(a, "released");
  put_handle(a, BC_DECREFS, 0);
  exchange(a, "released too often");
  party_close(a);
}

static void strong_and_weak(void) {
  area("release_order");
  struct party* const a = party_open("A");
  struct party* const b = party_open("B");
  share(a, 0x1000, 0, b);
  put_handle(b, BC_DECREFS, 1);
  exchange(b, "a weak one that is not there");
  put_handle(b, BC_INCREFS, 1);
  put_handle(b, BC_INCREFS, 1);
  put_handle(b, BC_RELEASE, 1);
  exchange(b, "only weak ones left");
  exchange(a, "hears release");
  put_handle(b, BC_RELEASE, 1);
  exchange(b, "a strong one that is not there");
  put_handle(b, BC_DECREFS, 1);
  exchange(b, "one weak one left");
  exchange(a, "hears nothing");
  put_handle(b, BC_DECREFS, 1);
  exchange(b, "none left");
  exchange(a, "hears decrefs");
  put_handle(b, BC_INCREFS, 1);
  exchange(b, "the handle is gone");
  party_close(a);
  party_close(b);
}

static void weak_made_strong(void) {
  area("weak_made_strong");
  struct party* const a = party_open("A");
  struct party* const b = party_open("B");
  struct party* const c = party_open("C");
  share(a, 0x1000, 0, b);
  share(a, 0x1000, 0, c);
  put_handle(b, BC_INCREFS, 1);
  put_handle(b, BC_RELEASE, 1);
  exchange(b, "held weakly, by another strongly");
  put_handle(b, BC_ACQUIRE, 1);
  put_call(b, 1, 1, TF_ONE_WAY);
  exchange(b, "acquired and called");
  extended_error(b, "its error");
  put_handle(c, BC_RELEASE, 1);
  exchange(c, "the other lets go");
  exchange(a, "hears release");
  party_close(a);
  put_handle(b, BC_ACQUIRE, 1);
  put_call(b, 1, 1, TF_ONE_WAY);
  exchange(b, "the same when it is dead");
  party_close(b);
  party_close(c);
}

void run_references(void) {
  numbers();
  unknown();
  zero();
  strong_and_weak();
  weak_made_strong();
}
