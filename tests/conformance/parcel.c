// SPDX-License-Identifier: Apache-2.0
// The payloads of transactions.
#include <stdlib.h>
#include <string.h>

#include "conformance.h"

static void append(struct parcel* parcel, const void* bytes, size_t size) {
  if (parcel->size + size > sizeof(parcel->data)) abort();
  memcpy(parcel->data + parcel->size, bytes, size);
  parcel->size += size;
}

static void append_object(struct parcel* parcel, const void* object, size_t size) {
  if (parcel->count == kMaxObjects) abort();
  parcel->offsets[parcel->count++] = parcel->size;
  parcel->offsets_size = parcel->count * sizeof(binder_size_t);
  append(parcel, object, size);
}

void parcel_word(struct parcel* parcel, uint32_t word) { append(parcel, &word, sizeof(word)); }

void parcel_flat(struct parcel* parcel, uint32_t type, uint32_t flags, binder_uintptr_t value,
                 binder_uintptr_t cookie) {
  const struct flat_binder_object object = {
      .hdr = {.type = type}, .flags = flags, .binder = value, .cookie = cookie};
  append_object(parcel, &object, sizeof(object));
}

void parcel_binder(struct parcel* parcel, binder_uintptr_t ptr) {
  parcel_flat(parcel, BINDER_TYPE_BINDER, 0, ptr, ptr + 1);
}

void parcel_handle(struct parcel* parcel, uint32_t handle) {
  parcel_flat(parcel, BINDER_TYPE_HANDLE, 0, handle, 0);
}

void parcel_fd(struct parcel* parcel, int fd) {
  const struct binder_fd_object object = {
      .hdr = {.type = BINDER_TYPE_FD}, .fd = (uint32_t)fd, .cookie = 7};
  append_object(parcel, &object, sizeof(object));
}

void parcel_buffer(struct parcel* parcel, const void* buffer, size_t length, uint32_t flags,
                   uint64_t parent, uint64_t parent_offset) {
  const struct binder_buffer_object object = {.hdr = {.type = BINDER_TYPE_PTR},
                                              .flags = flags,
                                              .buffer = (uintptr_t)buffer,
                                              .length = length,
                                              .parent = parent,
                                              .parent_offset = parent_offset};
  append_object(parcel, &object, sizeof(object));
  parcel->buffers_size += (length + 7) & ~(size_t)7;
}

void parcel_fd_array(struct parcel* parcel, uint64_t count, uint64_t parent,
                     uint64_t parent_offset) {
  const struct binder_fd_array_object object = {.hdr = {.type = BINDER_TYPE_FDA},
                                                .num_fds = count,
                                                .parent = parent,
                                                .parent_offset = parent_offset};
  append_object(parcel, &object, sizeof(object));
}
