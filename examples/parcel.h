// SPDX-License-Identifier: Apache-2.0
// The few parts of the parcel format that small C programs need: every item is padded to four
// bytes, objects are listed in a table of offsets.
#ifndef EXAMPLES_PARCEL_H
#define EXAMPLES_PARCEL_H

#include <linux/android/binder.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { kParcelMaxObjects = 8, kParcelSmallBytes = 256 };

// Grows as needed; a failed allocation is remembered in `failed`, so that only the end of a
// sequence must be checked. Stays at its address: what is small lies in it.
struct parcel_writer {
  uint8_t* data;
  size_t size;
  size_t capacity;
  size_t object_count;
  bool failed;
  binder_size_t offsets[kParcelMaxObjects];
  uint8_t small[kParcelSmallBytes];
};

// A view of somebody else's memory. Every read checks its bounds and answers false at the end.
struct parcel_reader {
  const uint8_t* data;
  size_t size;
  size_t position;
  const binder_size_t* offsets;
  size_t object_count;
};

void parcel_init(struct parcel_writer* parcel);
void parcel_free(struct parcel_writer* parcel);

void parcel_write_u32(struct parcel_writer* parcel, uint32_t value);
void parcel_write_u64(struct parcel_writer* parcel, uint64_t value);
void parcel_write_bytes(struct parcel_writer* parcel, const void* bytes, size_t size);
// `text` is UTF-8; NULL writes the null string.
void parcel_write_string16(struct parcel_writer* parcel, const char* text);
void parcel_write_local_object(struct parcel_writer* parcel, const void* object);
void parcel_write_handle(struct parcel_writer* parcel, uint32_t handle);

bool parcel_read_u32(struct parcel_reader* parcel, uint32_t* value);
bool parcel_read_u64(struct parcel_reader* parcel, uint64_t* value);
// The bytes stay where they are; they are valid as long as the buffer behind the reader.
bool parcel_read_bytes(struct parcel_reader* parcel, size_t size, const void** bytes);
// Converts to UTF-8. False for a null string and for one that does not fit.
bool parcel_read_string16(struct parcel_reader* parcel, char* text, size_t text_size);
// False unless the driver vouches for an object at this position.
bool parcel_read_object(struct parcel_reader* parcel, struct flat_binder_object* object);

#endif
