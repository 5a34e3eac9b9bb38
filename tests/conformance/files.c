// SPDX-License-Identifier: Apache-2.0
// Descriptors: how they arrive, and who closes them.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "conformance.h"

enum { kAccepts = 0x100 };

static struct party* a;
static struct party* b;
static uint32_t to_a;

static void begin(const char* name) {
  area(name);
  a = party_open("A");
  b = party_open("B");
  to_a = share(a, 0x1000, kAccepts, b);
}

static void end(void) {
  party_close(a);
  party_close(b);
}

// A file that can travel to another host as well.
static int some_file(void) {
  const int fd = memfd_create("conformance", MFD_ALLOW_SEALING);
  if (write(fd, "text", 4) != 4) perror("write");
  if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW) != 0) perror("seals");
  return fd;
}

static int received(const struct party* party, size_t offset) {
  int fd;
  memcpy(&fd, (const uint8_t*)(uintptr_t)party->got.data.ptr.buffer + offset, sizeof(fd));
  return fd;
}

static void look(const char* what, int fd) {
  char text[8] = "";
  const int flags = fcntl(fd, F_GETFD);
  if (flags < 0) {
    note(what, "%s\n", strerrorname_np(errno));
    return;
  }
  const ssize_t size = pread(fd, text, 4, 0);
  note(what, "cloexec %d, %zd bytes \"%s\"\n", flags & FD_CLOEXEC, size, text);
}

static void single(void) {
  begin("descriptors");
  const int fd = some_file();
  struct parcel parcel = {.size = 0};
  parcel_fd(&parcel, fd);
  put_transaction(b, BC_TRANSACTION, to_a, 1, TF_ACCEPT_FDS, &parcel);
  exchange(b, "sent");
  exchange(a, "received");
  const int got = received(a, 8);
  note("another one", "%d\n", got != fd);
  look("it", got);
  put_free(a);
  exchange(a, "buffer freed");
  look("it stays", got);
  close(got);
  put_transaction(a, BC_REPLY, 0, 0, 0, &parcel);
  exchange(a, "answered with one");
  exchange(b, "reply");
  look("it", received(b, 8));
  close(received(b, 8));
  put_free(b);
  exchange(b, "freed");
  parcel = (struct parcel){.size = 0};
  parcel_fd(&parcel, 999);
  put_transaction(b, BC_TRANSACTION, to_a, 1, TF_ONE_WAY, &parcel);
  exchange(b, "one that is not open");
  extended_error(b, "its error");
  parcel = (struct parcel){.size = 0};
  parcel_fd(&parcel, fd);
  parcel_fd(&parcel, -1);
  put_transaction(b, BC_TRANSACTION, to_a, 1, TF_ONE_WAY, &parcel);
  exchange(b, "a good and a bad one");
  extended_error(b, "its error");
  // The sender may close it before it is read.
  parcel = (struct parcel){.size = 0};
  parcel_fd(&parcel, fd);
  put_transaction(b, BC_TRANSACTION, to_a, 1, TF_ONE_WAY, &parcel);
  exchange(b, "sent and closed");
  close(fd);
  exchange(a, "received");
  look("it", received(a, 8));
  close(received(a, 8));
  end();
}

static void no_room(void) {
  begin("no_descriptor_left");
  const int fd = some_file();
  struct parcel parcel = {.size = 0};
  parcel_fd(&parcel, fd);
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  const struct rlimit none = {.rlim_cur = 1, .rlim_max = limit.rlim_max};
  put_transaction(b, BC_TRANSACTION, to_a, 1, 0, &parcel);
  exchange(b, "sent");
  setrlimit(RLIMIT_NOFILE, &none);
  exchange(a, "read");
  setrlimit(RLIMIT_NOFILE, &limit);
  exchange(a, "nothing more");
  exchange(b, "the caller");
  extended_error(b, "its error");
  close(fd);
  end();
}

static void arrays(void) {
  begin("descriptor_arrays");
  const int first = some_file();
  const int second = some_file();
  int numbers[4] = {first, second, -7, 0};
  struct parcel parcel = {.size = 0};
  parcel_word(&parcel, 0);
  parcel_word(&parcel, 0);
  parcel_buffer(&parcel, numbers, sizeof(numbers), 0, 0, 0);
  parcel_fd_array(&parcel, 2, 0, 0);
  put_transaction(b, BC_TRANSACTION_SG, to_a, 1, TF_ONE_WAY, &parcel);
  exchange(b, "sent");
  exchange(a, "received");
  struct binder_buffer_object buffer;
  memcpy(&buffer, (const void*)(uintptr_t)(a->got.data.ptr.buffer + 8), sizeof(buffer));
  int got[4] = {-1, -1, 0, 0};
  if (a->got.data_size > 8) memcpy(got, (const void*)(uintptr_t)buffer.buffer, sizeof(got));
  look("first", got[0]);
  look("second", got[1]);
  note("rest", "%d %d\n", got[2], got[3]);
  put_free(a);
  exchange(a, "freed");
  look("first", got[0]);
  look("second", got[1]);
  // Descriptors that cannot be sent.
  static const struct {
    const char* what;
    uint64_t count, parent, offset;
  } kBad[] = {
      {"no descriptors", 0, 0, 0},   {"too many", 5, 0, 0},       {"none beyond the end", 0, 0, 64},
      {"beyond the end", 2, 0, 12},  {"unaligned", 1, 0, 2},      {"huge", UINT64_MAX / 4, 0, 0},
      {"itself as parent", 1, 1, 0}, {"unknown parent", 1, 9, 0}, {"a bad one in it", 3, 0, 0}};
  for (size_t i = 0; i < sizeof(kBad) / sizeof(kBad[0]); ++i) {
    parcel = (struct parcel){.size = 0};
    parcel_word(&parcel, 0);
    parcel_word(&parcel, 0);
    parcel_buffer(&parcel, numbers, sizeof(numbers), 0, 0, 0);
    parcel_fd_array(&parcel, kBad[i].count, kBad[i].parent, kBad[i].offset);
    put_transaction(b, BC_TRANSACTION_SG, to_a, 1, TF_ONE_WAY, &parcel);
    exchange(b, kBad[i].what);
    extended_error(b, kBad[i].what);
  }
  close(first);
  close(second);
  end();
}

// A oneway call that cannot be delivered makes way for the next one of its node.
static void oneway_no_room(void) {
  begin("no_descriptor_left_oneway");
  const int fd = some_file();
  struct parcel parcel = {.size = 0};
  parcel_fd(&parcel, fd);
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  const struct rlimit none = {.rlim_cur = 1, .rlim_max = limit.rlim_max};
  put_transaction(b, BC_TRANSACTION, to_a, 1, TF_ONE_WAY, &parcel);
  exchange(b, "one with a descriptor");
  put_call(b, to_a, 2, TF_ONE_WAY);
  exchange(b, "one without");
  put_call(b, to_a, 3, TF_ONE_WAY);
  exchange(b, "another one without");
  setrlimit(RLIMIT_NOFILE, &none);
  exchange(a, "read without room");
  setrlimit(RLIMIT_NOFILE, &limit);
  put_free(a);
  exchange(a, "the first that came freed");
  put_free(a);
  exchange(a, "the next freed");
  put_call(b, to_a, 4, TF_ONE_WAY);
  exchange(b, "one more");
  exchange(a, "read");
  put_free(a);
  exchange(a, "freed");
  close(fd);
  end();
}

void run_files(void) {
  single();
  no_room();
  oneway_no_room();
  arrays();
}
