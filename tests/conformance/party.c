// SPDX-License-Identifier: Apache-2.0
// The parties and how they talk to the driver.
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "conformance.h"

enum { kReadSize = 1024 };

struct party* open_raw(const char* name, int flags, size_t map_size) {
  const char* const device = getenv("BINDER_DEVICE");
  struct party* const party = calloc(1, sizeof(*party));
  party->host = spread_next_open();
  party->name = name;
  party->read_size = kReadSize;
  party->fd = open(device != NULL ? device : "/dev/binder", O_RDWR | O_CLOEXEC | flags);
  if (party->fd < 0) {
    perror("open");
    exit(1);
  }
  if (map_size > 0) {
    party->map = mmap(NULL, map_size, PROT_READ, MAP_PRIVATE | MAP_NORESERVE, party->fd, 0);
    if (party->map == MAP_FAILED) {
      perror("mmap");
      exit(1);
    }
  }
  return party;
}

static void prime(struct party* party) {
  // The first read of a thread returns at once whatever there is.
  uint32_t in[8];
  struct binder_write_read bwr = {.read_buffer = (uintptr_t)in, .read_size = sizeof(in)};
  if (ioctl(party->fd, BINDER_WRITE_READ, &bwr) != 0) perror("first read");
}

struct party* party_open(const char* name) {
  struct party* const party = open_raw(name, O_NONBLOCK, kMapSize);
  prime(party);
  return party;
}

struct party* party_open_beside(const char* name, const struct party* other) {
  spread_open_on(other->host);
  return party_open(name);
}

struct party* party_open_unmapped(const char* name) {
  struct party* const party = open_raw(name, O_NONBLOCK, 0);
  prime(party);
  return party;
}

void party_close(struct party* party) {
  close(party->fd);
  spread_settle();
  if (party->map != NULL) munmap(party->map, kMapSize);
  free(party);
}

static void talk(struct party* party, const char* what, bool reads) {
  uint8_t in[kReadSize];
  const size_t size = party->out_size;
  struct binder_write_read bwr = {.write_buffer = (uintptr_t)party->out,
                                  .write_size = size,
                                  .read_buffer = (uintptr_t)in,
                                  .read_size = reads ? party->read_size : 0};
  const int result = ioctl(party->fd, BINDER_WRITE_READ, &bwr);
  const int error = errno;
  spread_settle();
  party->out_size = 0;
  if (what == NULL) return;
  note(what, "%s %s", party->name, result < 0 ? strerrorname_np(error) : "ok");
  if (size > 0) {
    printf(", written %llu", (unsigned long long)bwr.write_consumed);
    if (bwr.write_consumed != size) printf(" of %zu", size);
  }
  if (reads) {
    printf(", read");
    print_returns(party, in, bwr.read_consumed);
  }
  putchar('\n');
}

void exchange(struct party* party, const char* what) { talk(party, what, true); }
void write_only(struct party* party, const char* what) { talk(party, what, false); }

void await(struct party* party, const char* what) {
  fcntl(party->fd, F_SETFL, 0);
  talk(party, what, true);
  fcntl(party->fd, F_SETFL, O_NONBLOCK);
}

static bool is_among(const uint8_t* in, size_t size, uint32_t wanted) {
  uint32_t command;
  for (size_t at = 0; at + sizeof(command) <= size; at += sizeof(command) + _IOC_SIZE(command)) {
    memcpy(&command, in + at, sizeof(command));
    if (command == wanted) return true;
  }
  return false;
}

// Whether the command was among what it has read.
static bool settle_seeing(struct party* party, uint32_t wanted) {
  bool seen = false;
  for (;;) {
    uint8_t in[kReadSize];
    struct binder_write_read bwr = {.write_buffer = (uintptr_t)party->out,
                                    .write_size = party->out_size,
                                    .read_buffer = (uintptr_t)in,
                                    .read_size = sizeof(in)};
    party->out_size = 0;
    const int result = ioctl(party->fd, BINDER_WRITE_READ, &bwr);
    seen = seen || is_among(in, bwr.read_consumed, wanted);
    spread_settle();
    if (result != 0) return seen;
  }
}

void settle(struct party* party) { (void)settle_seeing(party, BR_NOOP); }

void settle_until(struct party* party, uint32_t command) {
  while (!settle_seeing(party, command)) sched_yield();
}

void extended_error(struct party* party, const char* what) {
  struct binder_extended_error error;
  if (ioctl(party->fd, BINDER_GET_EXTENDED_ERROR, &error) != 0) {
    note(what, "%s %s\n", party->name, strerrorname_np(errno));
    return;
  }
  note(what, "%s command %s%u, param %s\n", party->name, error.command == BR_OK ? "ok " : "",
       _IOC_NR(error.command), error.param == 0 ? "0" : strerrorname_np(-error.param));
}

static void append(struct party* party, const void* bytes, size_t size) {
  if (party->out_size + size > sizeof(party->out)) abort();
  memcpy(party->out + party->out_size, bytes, size);
  party->out_size += size;
}

void put(struct party* party, uint32_t command) { append(party, &command, sizeof(command)); }

void put_handle(struct party* party, uint32_t command, uint32_t handle) {
  put(party, command);
  append(party, &handle, sizeof(handle));
}

void put_address(struct party* party, uint32_t command, binder_uintptr_t address) {
  put(party, command);
  append(party, &address, sizeof(address));
}

void put_ptr_cookie(struct party* party, uint32_t command, binder_uintptr_t ptr,
                    binder_uintptr_t cookie) {
  const struct binder_ptr_cookie payload = {.ptr = ptr, .cookie = cookie};
  put(party, command);
  append(party, &payload, sizeof(payload));
}

void put_handle_cookie(struct party* party, uint32_t command, uint32_t handle,
                       binder_uintptr_t cookie) {
  const struct binder_handle_cookie payload = {.handle = handle, .cookie = cookie};
  put(party, command);
  append(party, &payload, sizeof(payload));
}

void put_free(struct party* party) {
  put_address(party, BC_FREE_BUFFER, party->got.data.ptr.buffer);
}

void put_transaction(struct party* party, uint32_t command, uint32_t handle, uint32_t code,
                     uint32_t flags, const struct parcel* parcel) {
  struct parcel* const kept = &party->parcels[party->parcel_count++ % 8];
  *kept = *parcel;
  const struct binder_transaction_data_sg data = {
      .transaction_data = {.target = {.handle = handle},
                           .code = code,
                           .flags = flags,
                           .data_size = parcel->size,
                           .offsets_size = parcel->offsets_size,
                           .data = {.ptr = {.buffer = (uintptr_t)kept->data,
                                            .offsets = (uintptr_t)kept->offsets}}},
      .buffers_size = parcel->buffers_size};
  put(party, command);
  append(party, &data, _IOC_SIZE(command));
}

void put_call(struct party* party, uint32_t handle, uint32_t code, uint32_t flags) {
  static const struct parcel kEmpty;
  put_transaction(party, BC_TRANSACTION, handle, code, flags, &kEmpty);
}

void put_reply(struct party* party) {
  static const struct parcel kEmpty;
  put_transaction(party, BC_REPLY, 0, 0, 0, &kEmpty);
}

void thread_exit(struct party* party, const char* what) {
  note_result(what, ioctl(party->fd, BINDER_THREAD_EXIT, 0));
  spread_settle();
  prime(party);
}
