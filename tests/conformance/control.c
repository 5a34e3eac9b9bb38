// SPDX-License-Identifier: Apache-2.0
// The ioctls about managers, nodes and versions. There is no manager when this starts.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "conformance.h"

static void node_info(struct party* party, const char* what, uint32_t handle, uint32_t weak) {
  struct binder_node_info_for_ref info = {.handle = handle, .weak_count = weak};
  if (ioctl(party->fd, BINDER_GET_NODE_INFO_FOR_REF, &info) != 0) {
    note(what, "%s\n", strerrorname_np(errno));
  } else {
    note(what, "strong %u weak %u\n", info.strong_count, info.weak_count);
  }
}

static void debug_info(struct party* party, binder_uintptr_t after) {
  struct binder_node_debug_info info = {.ptr = after, .has_strong_ref = 7};
  const int result = ioctl(party->fd, BINDER_GET_NODE_DEBUG_INFO, &info);
  note("debug info", "%d: 0x%llx 0x%llx strong %u weak %u\n", result, (unsigned long long)info.ptr,
       (unsigned long long)info.cookie, info.has_strong_ref, info.has_weak_ref);
}

static void no_manager(void) {
  area("no_manager");
  struct party* const a = party_open("A");
  put_call(a, 0, 1, 0);
  exchange(a, "called");
  extended_error(a, "its error");
  put_handle(a, BC_ACQUIRE, 0);
  exchange(a, "acquired");
  put_handle(a, BC_RELEASE, 0);
  exchange(a, "released");
  put_handle_cookie(a, BC_REQUEST_DEATH_NOTIFICATION, 0, 1);
  exchange(a, "watched");
  node_info(a, "node info", 1, 0);
  debug_info(a, 0);
  party_close(a);
}

static void managers(void) {
  area("managers");
  struct party* const a = party_open("A");
  struct party* const b = party_open("B");
  struct flat_binder_object node = {.flags = 0x1100, .binder = 0x1000, .cookie = 0x1001};
  note_result("first", ioctl(a->fd, BINDER_SET_CONTEXT_MGR_EXT, &node));
  note_result("again", ioctl(a->fd, BINDER_SET_CONTEXT_MGR_EXT, &node));
  spread_settle();
  note_result("second", ioctl(b->fd, BINDER_SET_CONTEXT_MGR, 0));
  debug_info(a, 0);
  debug_info(a, 0x1000);
  put_call(b, 0, 1, 0);
  exchange(b, "called from the same pid");
  extended_error(b, "its error");
  put_call(a, 0, 1, 0);
  exchange(a, "called by itself");
  put_handle(a, BC_ACQUIRE, 0);
  exchange(a, "acquired by itself");
  put_handle(a, BC_RELEASE, 0);
  exchange(a, "released by itself");
  put_handle(b, BC_ACQUIRE, 0);
  exchange(b, "acquired");
  exchange(a, "hears nothing");
  put_handle_cookie(b, BC_REQUEST_DEATH_NOTIFICATION, 0, 0x77);
  exchange(b, "watched");
  party_close(a);
  await(b, "dies");
  note_result("becomes the next", ioctl(b->fd, BINDER_SET_CONTEXT_MGR, 0));
  put_call(b, 0, 1, 0);
  exchange(b, "handle 0 is its own now");
  put_handle(b, BC_RELEASE, 0);
  exchange(b, "the dead one released");
  debug_info(b, 0);
  party_close(b);
}

static void context_and_nodes(void) {
  area("manager_node");
  struct party* const a = party_open("A");
  struct flat_binder_object node = {.flags = 0x1000, .binder = 0x1000, .cookie = 0x1001};
  while (ioctl(a->fd, BINDER_SET_CONTEXT_MGR_EXT, &node) != 0) {
    if (errno != EBUSY) {
      perror("manager");
      return;
    }
  }
  fflush(stdout);
  int gate[2];
  if (pipe(gate) != 0) return;
  const pid_t child = fork();
  if (child == 0) {
    close(a->fd);  // not at its end: closing makes the other's reads return
    struct party* const b = party_open("B");
    struct parcel parcel = {.size = 0};
    parcel_binder(&parcel, 0x2000);
    parcel_flat(&parcel, BINDER_TYPE_WEAK_BINDER, 0, 0x3000, 0x3001);
    put_transaction(b, BC_TRANSACTION, 0, 5, TF_ONE_WAY, &parcel);
    exchange(b, "child calls");
    debug_info(b, 0);
    debug_info(b, 0x2000);
    debug_info(b, 0x3000);
    debug_info(b, 0x2800);
    char byte = 0;
    if (write(gate[1], &byte, 1) != 1) _exit(1);
    fflush(stdout);
    pause();
  }
  char byte = 0;
  if (read(gate[0], &byte, 1) != 1) return;
  exchange(a, "called");
  put_handle(a, BC_ACQUIRE, 1);
  put_handle(a, BC_INCREFS, 2);
  exchange(a, "keeps");
  node_info(a, "strong", 1, 0);
  node_info(a, "weak", 2, 0);
  node_info(a, "unknown", 3, 0);
  node_info(a, "not zeroed", 1, 1);
  put_free(a);
  exchange(a, "freed");
  node_info(a, "strong", 1, 0);
  node_info(a, "weak", 2, 0);
  put_handle_cookie(a, BC_REQUEST_DEATH_NOTIFICATION, 1, 0x88);
  exchange(a, "watched");
  kill(child, SIGKILL);
  await(a, "child dies");
  party_close(a);
}

void run_control(void) {
  no_manager();
  managers();
  context_and_nodes();
}
