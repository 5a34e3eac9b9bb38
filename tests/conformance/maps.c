// SPDX-License-Identifier: Apache-2.0
// The mappings programs make, and the largest calls they take.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "conformance.h"

enum { kGathered = 1000000 };

static struct party* a;
static struct party* b;
static uint32_t to_a;
static uint8_t* payload;

static void put_large(uint32_t command, uint32_t code, uint32_t flags, size_t size,
                      const binder_size_t* offsets, size_t offsets_size, size_t buffers_size) {
  const struct binder_transaction_data_sg data = {
      .transaction_data = {.target = {.handle = to_a},
                           .code = code,
                           .flags = flags,
                           .data_size = size,
                           .offsets_size = offsets_size,
                           .data = {.ptr = {.buffer = (uintptr_t)payload,
                                            .offsets = (uintptr_t)offsets}}},
      .buffers_size = buffers_size};
  uint8_t out[4 + sizeof(data)];
  memcpy(out, &command, sizeof(command));
  memcpy(out + 4, &data, sizeof(data));
  struct binder_write_read bwr = {.write_buffer = (uintptr_t)out,
                                  .write_size = 4 + _IOC_SIZE(command)};
  if (ioctl(b->fd, BINDER_WRITE_READ, &bwr) != 0) perror("writing");
}

static void oneway(const char* what, size_t size) {
  put_large(BC_TRANSACTION, (uint32_t)size, TF_ONE_WAY, size, NULL, 0, 0);
  exchange(b, what);
}

static void call(const char* what, size_t size) {
  put_large(BC_TRANSACTION, (uint32_t)size, 0, size, NULL, 0, 0);
  exchange(b, what);
}

static void answered(void) {
  exchange(a, "received");
  const uint8_t* const bytes = (const uint8_t*)(uintptr_t)a->got.data.ptr.buffer;
  note("same bytes", "%d\n", memcmp(bytes, payload, a->got.data_size) == 0);
  put_free(a);
  put_reply(a);
  exchange(a, "answered");
  exchange(b, "reply");
  put_free(b);
  exchange(b, "freed");
}

static void map(const char* name, size_t size, size_t room, int flags) {
  area(name);
  a = open_raw("A", O_NONBLOCK, 0);
  a->map = mmap(NULL, size, PROT_READ, flags, a->fd, 0);
  if (a->map == MAP_FAILED) {
    perror(name);
    exit(1);
  }
  settle(a);
  b = party_open("B");
  to_a = share(a, 0x1000, 0, b);
  call("all of it", room);
  answered();
  call("a word more", room + 8);
  oneway("half of it", room / 2);
  exchange(a, "received");
  put_free(a);
  exchange(a, "freed");
  oneway("a word more than half", room / 2 + 8);
}

static void end(size_t size) {
  munmap(a->map, size);
  close(a->fd);
  free(a);
  party_close(b);
}

static void gather(void) {
  uint8_t* const gathered = malloc(kGathered);
  for (int i = 0; i < kGathered; ++i) gathered[i] = (uint8_t)(i * 7 + i / 251);
  const struct binder_buffer_object object = {
      .hdr = {.type = BINDER_TYPE_PTR}, .buffer = (uintptr_t)gathered, .length = kGathered};
  const binder_size_t offset = 8;
  memcpy(payload + offset, &object, sizeof(object));
  put_large(BC_TRANSACTION_SG, 1, 0, offset + sizeof(object), &offset, sizeof(offset), kGathered);
  exchange(b, "a million bytes gathered");
  exchange(a, "received");
  struct binder_buffer_object got;
  memcpy(&got, (const void*)(uintptr_t)(a->got.data.ptr.buffer + offset), sizeof(got));
  note("gathered", "same bytes %d\n",
       memcmp((const void*)(uintptr_t)got.buffer, gathered, kGathered) == 0);
  put_free(a);
  put_reply(a);
  exchange(a, "answered");
  exchange(b, "reply");
  free(gathered);
}

void run_maps(void) {
  enum { kLargest = 4 << 20 };
  payload = malloc(kLargest + 8);
  for (int i = 0; i < kLargest + 8; ++i) payload[i] = (uint8_t)(i * 13 + i / 509);
  map("map_of_c_programs", 131072, 131072, MAP_PRIVATE);
  end(131072);
  map("map_of_libbinder", 1040384, 1040384, MAP_PRIVATE | MAP_NORESERVE);
  gather();
  end(1040384);
  map("map_shared", 65536, 65536, MAP_SHARED);
  end(65536);
  map("map_too_large", 16 << 20, kLargest, MAP_PRIVATE | MAP_NORESERVE);
  end(16 << 20);
  map("map_of_a_page", 4096, 4096, MAP_PRIVATE);
  end(4096);
  free(payload);
}
