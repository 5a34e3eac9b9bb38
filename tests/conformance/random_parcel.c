// SPDX-License-Identifier: Apache-2.0
// Payloads: mostly good ones with objects of all types, some of them wrong in one place.
#include <string.h>

#include "random.h"

struct shape {
  struct payload* payload;
  size_t size;
  size_t count;
  size_t pointers[kObjects];  // indices of the buffer objects so far
  size_t pointer_count;
  uint64_t buffers_size;
};

static uint32_t pick_handle_object(int party) {
  uint64_t handle;
  if (chance(85) && ring_any(&models[party].handles, &handle)) return (uint32_t)handle;
  return below(8);
}

static void add_flat(struct shape* shape, int party, uint32_t type) {
  struct flat_binder_object flat = {.hdr = {.type = type}};
  if (type == BINDER_TYPE_BINDER || type == BINDER_TYPE_WEAK_BINDER) {
    flat.flags = chance(60) ? FLAT_BINDER_FLAG_ACCEPTS_FDS : 0;
    flat.binder = 0x1000u * (uint32_t)(party + 1) + 0x10 * below(6);
    flat.cookie = flat.binder + (chance(97) ? 1 : 2);
  } else {
    flat.handle = pick_handle_object(party);
    flat.cookie = below(3);
  }
  memcpy(shape->payload->data + shape->size, &flat, sizeof(flat));
  shape->size += sizeof(flat);
  fprintf(described, " %.1s%s:%llx",
          type == BINDER_TYPE_BINDER || type == BINDER_TYPE_HANDLE ? "s" : "w",
          type == BINDER_TYPE_BINDER || type == BINDER_TYPE_WEAK_BINDER ? "b" : "h",
          (unsigned long long)flat.binder);
}

static void add_fd(struct shape* shape) {
  struct flat_binder_object flat = {.hdr = {.type = BINDER_TYPE_FD}};
  flat.handle = chance(92) ? kFdOne : 999;
  flat.cookie = below(3);
  memcpy(shape->payload->data + shape->size, &flat, sizeof(flat));
  shape->size += sizeof(flat);
  fprintf(described, " fd:%u", flat.handle);
}

static uint64_t pick_parent(struct shape* shape) {
  return chance(90) && shape->pointer_count > 0
             ? shape->pointers[below((uint32_t)shape->pointer_count)]
             : below(4);
}

static void add_pointer(struct shape* shape) {
  static const uint32_t kLengths[] = {0, 8, 16, 24, 40, 100, 500};
  uint8_t* const bytes = shape->payload->buffers[shape->count];
  struct binder_buffer_object object = {
      .hdr = {.type = BINDER_TYPE_PTR},
      .buffer = (uintptr_t)bytes,
      .length = kLengths[below(sizeof(kLengths) / sizeof(kLengths[0]))]};
  for (size_t i = 0; i < 512; i += 4) {
    const uint32_t word = chance(90) ? kFdOne + below(2) : below(1000);
    memcpy(bytes + i, &word, sizeof(word));
  }
  if (shape->pointer_count > 0 && chance(60)) {
    object.flags = BINDER_BUFFER_FLAG_HAS_PARENT;
    object.parent = pick_parent(shape);
    object.parent_offset = 8 * below(4);
  }
  if (chance(2)) object.buffer = 0x10;
  memcpy(shape->payload->data + shape->size, &object, sizeof(object));
  shape->size += sizeof(object);
  shape->pointers[shape->pointer_count++] = shape->count;
  shape->buffers_size += (object.length + 7) & ~7ull;
  fprintf(described, " ptr:%llu", (unsigned long long)object.length);
  if (object.flags != 0) {
    fprintf(described, "<%llu+%llu", (unsigned long long)object.parent,
            (unsigned long long)object.parent_offset);
  }
}

static void add_fd_array(struct shape* shape) {
  struct binder_fd_array_object object = {.hdr = {.type = BINDER_TYPE_FDA}};
  object.num_fds = below(4);
  object.parent = pick_parent(shape);
  object.parent_offset = 4 * below(6);
  memcpy(shape->payload->data + shape->size, &object, sizeof(object));
  shape->size += sizeof(object);
  fprintf(described, " fda:%llu<%llu+%llu", (unsigned long long)object.num_fds,
          (unsigned long long)object.parent, (unsigned long long)object.parent_offset);
}

static void add_object(struct shape* shape, int party, bool gather) {
  const uint32_t which = below(gather ? 100 : 66);
  shape->payload->offsets[shape->count] = shape->size;
  if (which < 20) {
    add_flat(shape, party, BINDER_TYPE_BINDER);
  } else if (which < 30) {
    add_flat(shape, party, BINDER_TYPE_WEAK_BINDER);
  } else if (which < 50) {
    add_flat(shape, party, BINDER_TYPE_HANDLE);
  } else if (which < 58) {
    add_flat(shape, party, BINDER_TYPE_WEAK_HANDLE);
  } else if (which < 65) {
    add_fd(shape);
  } else if (which < 66) {
    const uint32_t type = 0x12345678;
    memcpy(shape->payload->data + shape->size, &type, sizeof(type));
    shape->size += 24;
    fprintf(described, " unknown");
  } else if (which < 90) {
    add_pointer(shape);
  } else {
    add_fd_array(shape);
  }
  ++shape->count;
}

static void add_words(struct shape* shape, uint32_t words) {
  for (uint32_t i = 0; i < words; ++i) {
    const uint32_t word = below(1000);
    memcpy(shape->payload->data + shape->size, &word, sizeof(word));
    shape->size += sizeof(word);
  }
}

static void break_something(struct payload* payload, struct binder_transaction_data_sg* data) {
  struct binder_transaction_data* const inner = &data->transaction_data;
  switch (below(7)) {
    case 0:
      payload->offsets[0] += 2;
      fprintf(described, " offset+2");
      break;
    case 1:
      payload->offsets[0] = inner->data_size - 4;
      fprintf(described, " offset at the end");
      break;
    case 2:
      inner->offsets_size += 4;
      fprintf(described, " offsets+4");
      break;
    case 3:
      inner->data.ptr.buffer = 0x10;
      fprintf(described, " no data");
      break;
    case 4:
      inner->data.ptr.offsets = 0x10;
      fprintf(described, " no offsets");
      break;
    case 5:
      data->buffers_size += 4;
      fprintf(described, " buffers+4");
      break;
    default:
      data->buffers_size = data->buffers_size / 2 & ~7ull;
      fprintf(described, " buffers/2");
  }
}

size_t generate_payload(struct slot* slot, size_t index, bool gather,
                        struct binder_transaction_data_sg* data) {
  struct payload* const payload = &slot->payloads[index];
  struct binder_transaction_data* const inner = &data->transaction_data;
  struct shape shape = {.payload = payload};
  memset(payload, 0, sizeof(*payload));
  if (chance(4)) {
    // There is no room for two of these, or for one.
    inner->data_size = 1000 + 1000 * below(40);
    inner->data.ptr.buffer = (uintptr_t)shared->huge;
    inner->data.ptr.offsets = (uintptr_t)payload->offsets;
    fprintf(described, " %llu bytes", (unsigned long long)inner->data_size);
    return 0;
  }
  add_words(&shape, chance(80) ? 1 + below(3) : 0);
  for (uint32_t objects = chance(60) ? 1 + below(4) : 0; objects > 0; --objects) {
    add_object(&shape, slot->party, gather);
    if (chance(30)) add_words(&shape, below(3));
  }
  if (chance(5)) add_words(&shape, below(500));
  inner->data_size = shape.size;
  inner->offsets_size = shape.count * sizeof(binder_size_t);
  inner->data.ptr.buffer = (uintptr_t)payload->data;
  inner->data.ptr.offsets = (uintptr_t)payload->offsets;
  data->buffers_size = shape.buffers_size + (chance(10) ? 64 : 0);
  fprintf(described, " %zu bytes", shape.size);
  if (chance(3)) break_something(payload, data);
  return shape.count;
}
