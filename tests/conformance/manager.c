// SPDX-License-Identifier: Apache-2.0
// A context manager in a process of its own that hands nodes from one party to another.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conformance.h"

enum { kPut = 1, kGet, kDrop };

static pid_t manager_pid;

// Calls and reads until one of these comes; it is left in party->got.
static void read_until(struct party* party, uint32_t wanted) {
  for (bool found = false; !found;) {
    uint8_t in[1024];
    struct binder_write_read bwr = {.write_buffer = (uintptr_t)party->out,
                                    .write_size = party->out_size,
                                    .read_buffer = (uintptr_t)in,
                                    .read_size = sizeof(in)};
    if (ioctl(party->fd, BINDER_WRITE_READ, &bwr) != 0) {
      perror(party->name);
      _exit(1);
    }
    party->out_size = 0;
    for (size_t position = 0; position < bwr.read_consumed;) {
      uint32_t command;
      struct binder_ptr_cookie object;
      memcpy(&command, in + position, sizeof(command));
      const uint8_t* const payload = in + position + sizeof(command);
      position += sizeof(command) + _IOC_SIZE(command);
      if (command == BR_TRANSACTION || command == BR_REPLY) {
        memcpy(&party->got, payload, sizeof(party->got));
      } else if (command == BR_INCREFS || command == BR_ACQUIRE) {
        memcpy(&object, payload, sizeof(object));
        put_ptr_cookie(party, command == BR_INCREFS ? BC_INCREFS_DONE : BC_ACQUIRE_DONE, object.ptr,
                       object.cookie);
      } else if (command == BR_FAILED_REPLY || command == BR_DEAD_REPLY) {
        fprintf(stderr, "%s: the manager cannot be called\n", party->name);
        _exit(1);
      }
      found = found || command == wanted;
    }
  }
}

static uint32_t first_handle(const struct party* party) {
  struct flat_binder_object object;
  memcpy(&object, (const void*)(uintptr_t)party->got.data.ptr.buffer, sizeof(object));
  return object.handle;
}

static void serve(struct party* party) {
  uint32_t handle = 0;
  put(party, BC_ENTER_LOOPER);
  for (;;) {
    read_until(party, BR_TRANSACTION);
    struct parcel reply = {.size = 0};
    switch (party->got.code) {
      case kPut:
        handle = first_handle(party);
        put_handle(party, BC_ACQUIRE, handle);
        break;
      case kGet:
        parcel_handle(&reply, handle);
        break;
      default:
        put_handle(party, BC_RELEASE, handle);
    }
    put_free(party);
    put_transaction(party, BC_REPLY, 0, 0, 0, &reply);
    read_until(party, BR_TRANSACTION_COMPLETE);
  }
}

void manager_start(void) {
  int ready[2];
  char byte = 0;
  if (pipe(ready) != 0) abort();
  fflush(stdout);
  manager_pid = fork();
  if (manager_pid == 0) {
    struct party* const party = open_raw("manager", 0, kMapSize);
    if (ioctl(party->fd, BINDER_SET_CONTEXT_MGR, 0) != 0) {
      perror("becoming the manager");
      _exit(1);
    }
    if (write(ready[1], &byte, 1) != 1) _exit(1);
    serve(party);
  }
  close(ready[1]);
  if (read(ready[0], &byte, 1) != 1) exit(1);
  close(ready[0]);
}

void manager_stop(void) {
  // The driver hears of the end later than waitpid.
  struct party* const watcher = party_open("watcher");
  put_handle(watcher, BC_ACQUIRE, 0);
  put_handle_cookie(watcher, BC_REQUEST_DEATH_NOTIFICATION, 0, 1);
  write_only(watcher, NULL);
  kill(manager_pid, SIGKILL);
  waitpid(manager_pid, NULL, 0);
  await(watcher, NULL);
  party_close(watcher);
}

static void call_manager(struct party* party, uint32_t code, const struct parcel* parcel) {
  fcntl(party->fd, F_SETFL, 0);
  put_transaction(party, BC_TRANSACTION, 0, code, 0, parcel);
  read_until(party, BR_REPLY);
  fcntl(party->fd, F_SETFL, O_NONBLOCK);
}

void give(struct party* from, binder_uintptr_t ptr, uint32_t flags) {
  struct parcel parcel = {.size = 0};
  parcel_flat(&parcel, BINDER_TYPE_BINDER, flags, ptr, ptr + 1);
  call_manager(from, kPut, &parcel);
  put_free(from);
  write_only(from, NULL);
}

uint32_t take(struct party* to) {
  const struct parcel empty = {.size = 0};
  call_manager(to, kGet, &empty);
  const uint32_t handle = first_handle(to);
  put_handle(to, BC_ACQUIRE, handle);
  put_free(to);
  call_manager(to, kDrop, &empty);
  put_free(to);
  write_only(to, NULL);
  return handle;
}

uint32_t share(struct party* from, binder_uintptr_t ptr, uint32_t flags, struct party* to) {
  give(from, ptr, flags);
  return take(to);
}
