// SPDX-License-Identifier: Apache-2.0
#include "parcel.h"

#include <stdlib.h>
#include <string.h>

static size_t padded(size_t size) { return (size + 3) & ~(size_t)3; }

void parcel_init(struct parcel_writer* parcel) {
  parcel->data = parcel->small;
  parcel->size = 0;
  parcel->capacity = sizeof(parcel->small);
  parcel->object_count = 0;
  parcel->failed = false;
}

void parcel_free(struct parcel_writer* parcel) {
  if (parcel->data != parcel->small) free(parcel->data);
  parcel_init(parcel);
}

// Room for `size` bytes, zeroed up to the padding; NULL if there is none.
static uint8_t* extend(struct parcel_writer* parcel, size_t size) {
  if (parcel->failed || size > SIZE_MAX / 4) {
    parcel->failed = true;
    return NULL;
  }
  const size_t needed = parcel->size + padded(size);
  if (needed > parcel->capacity) {
    const size_t capacity = needed * 2;
    const bool first = parcel->data == parcel->small;
    uint8_t* const data = realloc(first ? NULL : parcel->data, capacity);
    if (data == NULL) {
      parcel->failed = true;
      return NULL;
    }
    if (first) memcpy(data, parcel->small, parcel->size);
    parcel->data = data;
    parcel->capacity = capacity;
  }
  uint8_t* const room = parcel->data + parcel->size;
  memset(room, 0, padded(size));
  parcel->size = needed;
  return room;
}

void parcel_write_bytes(struct parcel_writer* parcel, const void* bytes, size_t size) {
  uint8_t* const room = extend(parcel, size);
  if (room != NULL && size > 0) memcpy(room, bytes, size);
}

void parcel_write_u32(struct parcel_writer* parcel, uint32_t value) {
  parcel_write_bytes(parcel, &value, sizeof(value));
}

void parcel_write_u64(struct parcel_writer* parcel, uint64_t value) {
  parcel_write_bytes(parcel, &value, sizeof(value));
}

// The next code point of a UTF-8 string; U+FFFD for what is not one.
static uint32_t next_code_point(const unsigned char** text) {
  const unsigned char* p = *text;
  uint32_t code = *p++;
  int more = code >= 0xf0 ? 3 : code >= 0xe0 ? 2 : code >= 0xc0 ? 1 : 0;
  if (more == 0) {
    *text = p;
    return code < 0x80 ? code : 0xfffd;
  }
  code &= 0x3fu >> more;
  for (; more > 0 && (*p & 0xc0) == 0x80; --more) code = code << 6 | (*p++ & 0x3f);
  *text = p;
  const bool surrogate = code >= 0xd800 && code < 0xe000;
  return more == 0 && code <= 0x10ffff && !surrogate ? code : 0xfffd;
}

void parcel_write_string16(struct parcel_writer* parcel, const char* text) {
  if (text == NULL) {
    parcel_write_u32(parcel, UINT32_MAX);
    return;
  }
  uint16_t* const units = malloc((strlen(text) + 1) * sizeof(uint16_t));
  if (units == NULL) {
    parcel->failed = true;
    return;
  }
  size_t count = 0;
  const unsigned char* p = (const unsigned char*)text;
  while (*p != 0) {
    const uint32_t code = next_code_point(&p);
    if (code >= 0x10000) {
      units[count++] = (uint16_t)(0xd800 + ((code - 0x10000) >> 10));
      units[count++] = (uint16_t)(0xdc00 + ((code - 0x10000) & 0x3ff));
    } else {
      units[count++] = (uint16_t)code;
    }
  }
  units[count] = 0;
  parcel_write_u32(parcel, (uint32_t)count);
  parcel_write_bytes(parcel, units, (count + 1) * sizeof(uint16_t));
  free(units);
}

static void write_object(struct parcel_writer* parcel, const struct flat_binder_object* object) {
  if (parcel->object_count == kParcelMaxObjects) {
    parcel->failed = true;
    return;
  }
  parcel->offsets[parcel->object_count++] = parcel->size;
  parcel_write_bytes(parcel, object, sizeof(*object));
}

void parcel_write_local_object(struct parcel_writer* parcel, const void* object) {
  const struct flat_binder_object flat = {
      .hdr.type = BINDER_TYPE_BINDER,
      .flags = FLAT_BINDER_FLAG_PRIORITY_MASK & 0x7f,
      .binder = (binder_uintptr_t)(uintptr_t)object,
      .cookie = (binder_uintptr_t)(uintptr_t)object,
  };
  write_object(parcel, &flat);
}

void parcel_write_handle(struct parcel_writer* parcel, uint32_t handle) {
  const struct flat_binder_object flat = {
      .hdr.type = BINDER_TYPE_HANDLE,
      .flags = FLAT_BINDER_FLAG_PRIORITY_MASK & 0x7f,
      .handle = handle,
  };
  write_object(parcel, &flat);
}

bool parcel_read_bytes(struct parcel_reader* parcel, size_t size, const void** bytes) {
  const size_t left = parcel->size - parcel->position;
  if (size > left) return false;
  *bytes = parcel->data + parcel->position;
  // The padding of the last item may be missing.
  parcel->position += padded(size) <= left ? padded(size) : left;
  return true;
}

bool parcel_read_u32(struct parcel_reader* parcel, uint32_t* value) {
  const void* bytes = NULL;
  if (!parcel_read_bytes(parcel, sizeof(*value), &bytes)) return false;
  memcpy(value, bytes, sizeof(*value));
  return true;
}

bool parcel_read_u64(struct parcel_reader* parcel, uint64_t* value) {
  const void* bytes = NULL;
  if (!parcel_read_bytes(parcel, sizeof(*value), &bytes)) return false;
  memcpy(value, bytes, sizeof(*value));
  return true;
}

// Writes one code point as UTF-8 and returns its length.
static size_t encode_utf8(uint32_t code, char out[4]) {
  if (code < 0x80) {
    out[0] = (char)code;
    return 1;
  }
  const size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  for (size_t i = length - 1; i > 0; --i, code >>= 6) out[i] = (char)(0x80 | (code & 0x3f));
  static const uint8_t kLead[] = {0, 0, 0xc0, 0xe0, 0xf0};
  out[0] = (char)(kLead[length] | code);
  return length;
}

bool parcel_read_string16(struct parcel_reader* parcel, char* text, size_t text_size) {
  uint32_t count = 0;
  const void* bytes = NULL;
  if (!parcel_read_u32(parcel, &count) || count > INT32_MAX) return false;
  if (!parcel_read_bytes(parcel, ((size_t)count + 1) * sizeof(uint16_t), &bytes)) return false;
  const uint16_t* const units = bytes;  // four-byte aligned, as all of a parcel
  size_t used = 0;
  for (uint32_t i = 0; i < count; ++i) {
    uint32_t code = units[i];
    if (code >= 0xd800 && code < 0xdc00 && i + 1 < count && (units[i + 1] & 0xfc00) == 0xdc00) {
      code = 0x10000 + ((code - 0xd800) << 10) + (units[++i] - 0xdc00u);
    } else if ((code & 0xf800) == 0xd800 || code == 0) {
      code = 0xfffd;
    }
    char encoded[4];
    const size_t length = encode_utf8(code, encoded);
    if (used + length >= text_size) return false;
    memcpy(text + used, encoded, length);
    used += length;
  }
  text[used] = '\0';
  return true;
}

bool parcel_read_object(struct parcel_reader* parcel, struct flat_binder_object* object) {
  for (size_t i = 0; i < parcel->object_count; ++i) {
    if (parcel->offsets[i] != parcel->position) continue;
    const void* bytes = NULL;
    if (!parcel_read_bytes(parcel, sizeof(*object), &bytes)) return false;
    memcpy(object, bytes, sizeof(*object));
    return true;
  }
  return false;
}
