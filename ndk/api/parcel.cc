// SPDX-License-Identifier: Apache-2.0
// AParcel_*: plain values, strings and arrays.
#include "ndk/parcel/parcel.h"

#include <android/binder_parcel_jni.h>
#include <android/binder_parcel_platform.h>
#include <fcntl.h>

#include <cstring>
#include <limits>

#include "ndk/parcel/status.h"
#include "ndk/process/binder_object.h"
#include "parcel/text.h"

using namespace netbinder::ndk;

namespace {

// A null array has length -1; everything else is as long as it says.
binder_status_t write_length(AParcel* parcel, bool null, std::int32_t length) {
  if (length < -1 || (null && length > 0) || (!null && length < 0)) return STATUS_BAD_VALUE;
  return parcel->write(length);
}

// The number of elements that follow, which take at least `least_bytes` each. A null is -1.
binder_status_t read_length(const AParcel* parcel, std::size_t least_bytes, std::int32_t& length) {
  const binder_status_t status = parcel->read(length);
  if (status != STATUS_OK) return status;
  if (length < -1) return STATUS_BAD_VALUE;
  if (length < 0) return STATUS_OK;
  const std::size_t left =
      parcel->size() > parcel->position() ? parcel->size() - parcel->position() : 0;
  // Nothing is allocated for what cannot be there.
  return static_cast<std::size_t>(length) > left / least_bytes ? STATUS_NO_MEMORY : STATUS_OK;
}

template <typename Value>
binder_status_t write_array(AParcel* parcel, const Value* values, std::int32_t length) {
  const binder_status_t status = write_length(parcel, values == nullptr, length);
  if (status != STATUS_OK || length <= 0) return status;
  return parcel->write_bytes(values, static_cast<std::size_t>(length) * sizeof(Value));
}

template <typename Value, typename Allocator>
binder_status_t read_array(const AParcel* parcel, void* data, Allocator allocator) {
  std::int32_t length = 0;
  binder_status_t status = read_length(parcel, sizeof(Value), length);
  if (status != STATUS_OK) return status;
  Value* values = nullptr;
  if (!allocator(data, length, &values)) return STATUS_NO_MEMORY;
  if (length <= 0) return STATUS_OK;
  if (values == nullptr) return STATUS_NO_MEMORY;
  const std::size_t bytes = static_cast<std::size_t>(length) * sizeof(Value);
  const std::byte* at = nullptr;
  status = parcel->take(bytes, at);
  if (status == STATUS_OK) std::memcpy(values, at, bytes);
  return status;
}

// For arrays whose elements take a word each, whatever their size in memory.
template <typename Allocate>
binder_status_t allocate_elements(const AParcel* parcel, std::size_t least_bytes,
                                  std::int32_t& length, Allocate allocate) {
  const binder_status_t status = read_length(parcel, least_bytes, length);
  if (status != STATUS_OK) return status;
  return allocate(length) ? STATUS_OK : STATUS_NO_MEMORY;
}

// A string into what `allocate` makes for it.
template <typename Allocate>
binder_status_t read_string(const AParcel* parcel, Allocate allocate) {
  Parcel::Units units;
  const binder_status_t status = parcel->read_string16(units);
  if (status != STATUS_OK) return status;
  char* buffer = nullptr;
  if (units.units == nullptr) return allocate(-1, nullptr) ? STATUS_OK : STATUS_UNEXPECTED_NULL;
  const std::size_t length = netbinder::utf8_length(units.units, units.count);
  if (length >= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    return STATUS_BAD_VALUE;
  }
  if (!allocate(static_cast<std::int32_t>(length + 1), &buffer) || buffer == nullptr) {
    return STATUS_NO_MEMORY;
  }
  netbinder::convert_to_utf8(units.units, units.count, buffer);
  buffer[length] = '\0';
  return STATUS_OK;
}

binder_status_t write_string(AParcel* parcel, const char* text, std::int32_t length) {
  if (text == nullptr) return length == -1 ? parcel->write_null_string16() : STATUS_BAD_VALUE;
  if (length < 0) return STATUS_BAD_VALUE;
  return parcel->write_string16({text, static_cast<std::size_t>(length)});
}

}  // namespace

// ---- the parcel itself ----

AParcel* AParcel_create() { return new AParcel(); }
void AParcel_delete(AParcel* parcel) { delete parcel; }

binder_status_t AParcel_setDataPosition(const AParcel* parcel, int32_t position) {
  if (position < 0) return STATUS_BAD_VALUE;
  parcel->set_position(static_cast<std::size_t>(position));
  return STATUS_OK;
}

int32_t AParcel_getDataPosition(const AParcel* parcel) {
  return static_cast<int32_t>(parcel->position());
}

int32_t AParcel_getDataSize(const AParcel* parcel) { return static_cast<int32_t>(parcel->size()); }

int32_t AParcel_getDataCapacity(const AParcel* parcel) {
  return static_cast<int32_t>(parcel->capacity());
}

binder_status_t AParcel_setDataCapacity(AParcel* parcel, int32_t capacity) {
  if (capacity < 0) return STATUS_BAD_VALUE;
  return parcel->set_capacity(static_cast<std::size_t>(capacity));
}

binder_status_t AParcel_reset(AParcel* parcel) {
  parcel->clear();
  return STATUS_OK;
}

binder_status_t AParcel_appendFrom(const AParcel* from, AParcel* to, int32_t start, int32_t size) {
  if (start < 0 || size < 0) return STATUS_BAD_VALUE;
  return to->append(*from, static_cast<std::size_t>(start), static_cast<std::size_t>(size));
}

binder_status_t AParcel_marshal(const AParcel* parcel, uint8_t* buffer, size_t start, size_t len) {
  if (parcel->has_objects()) return STATUS_INVALID_OPERATION;
  if (start > parcel->size() || len > parcel->size() - start) return STATUS_BAD_VALUE;
  if (len > 0) std::memcpy(buffer, parcel->data() + start, len);
  return STATUS_OK;
}

binder_status_t AParcel_unmarshal(AParcel* parcel, const uint8_t* buffer, size_t len) {
  return parcel->write_bytes(buffer, len);
}

bool AParcel_getAllowFds(const AParcel* /*parcel*/) { return true; }
void AParcel_markSensitive(const AParcel* parcel) { parcel->mark_sensitive(); }

AParcel* AParcel_fromJavaParcel(JNIEnv* /*env*/, jobject /*parcel*/) { return nullptr; }

// ---- objects ----

binder_status_t AParcel_writeStrongBinder(AParcel* parcel, AIBinder* binder) {
  return parcel->write_binder(binder);
}

binder_status_t AParcel_readStrongBinder(const AParcel* parcel, AIBinder** binder) {
  *binder = nullptr;
  return parcel->read_binder(*binder);
}

binder_status_t AParcel_writeParcelFileDescriptor(AParcel* parcel, int fd) {
  if (fd < 0) return fd == -1 ? parcel->write<std::int32_t>(0) : STATUS_UNKNOWN_ERROR;
  UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (copy.get() < 0) return -errno;
  binder_status_t status = parcel->write<std::int32_t>(1);
  // No second descriptor, which could say that the other end is closed.
  if (status == STATUS_OK) status = parcel->write<std::int32_t>(0);
  return status == STATUS_OK ? parcel->write_fd(std::move(copy)) : status;
}

binder_status_t AParcel_readParcelFileDescriptor(const AParcel* parcel, int* fd) {
  std::int32_t present = 0;
  binder_status_t status = parcel->read(present);
  if (status != STATUS_OK) return status;
  if (present == 0) {
    *fd = -1;
    return STATUS_OK;
  }
  std::int32_t has_second = 0;
  status = parcel->read(has_second);
  int received = -1;
  if (status == STATUS_OK) status = parcel->read_fd(received);
  int second = -1;
  if (status == STATUS_OK && has_second != 0) status = parcel->read_fd(second);
  if (status != STATUS_OK) return status;
  *fd = ::fcntl(received, F_DUPFD_CLOEXEC, 0);
  return *fd < 0 ? -errno : STATUS_OK;
}

binder_status_t AParcel_writeStatusHeader(AParcel* parcel, const AStatus* status) {
  return status->write(*parcel);
}

binder_status_t AParcel_readStatusHeader(const AParcel* parcel, AStatus** status) {
  AStatus value;
  const binder_status_t got = AStatus::read(*parcel, value);
  if (got == STATUS_OK) {
    *status = value.ok() ? AStatus::shared_ok() : new AStatus(std::move(value));
  }
  return got;
}

// ---- strings and parcelables ----

binder_status_t AParcel_writeString(AParcel* parcel, const char* string, int32_t length) {
  return write_string(parcel, string, length);
}

binder_status_t AParcel_readString(const AParcel* parcel, void* stringData,
                                   AParcel_stringAllocator allocator) {
  return read_string(parcel, [&](std::int32_t length, char** buffer) {
    return allocator(stringData, length, buffer);
  });
}

binder_status_t AParcel_writeStringArray(AParcel* parcel, const void* arrayData, int32_t length,
                                         AParcel_stringArrayElementGetter getter) {
  // An empty array need not have data; only -1 is null.
  if (length < -1) return STATUS_BAD_VALUE;
  binder_status_t status = parcel->write(length);
  for (std::int32_t i = 0; i < length && status == STATUS_OK; ++i) {
    std::int32_t size = 0;
    const char* const text = getter(arrayData, static_cast<std::size_t>(i), &size);
    status = write_string(parcel, text, size);
  }
  return status;
}

binder_status_t AParcel_readStringArray(const AParcel* parcel, void* arrayData,
                                        AParcel_stringArrayAllocator allocator,
                                        AParcel_stringArrayElementAllocator elementAllocator) {
  std::int32_t length = 0;
  binder_status_t status =
      allocate_elements(parcel, sizeof(std::int32_t), length,
                        [&](std::int32_t count) { return allocator(arrayData, count); });
  for (std::int32_t i = 0; i < length && status == STATUS_OK; ++i) {
    status = read_string(parcel, [&](std::int32_t size, char** buffer) {
      return elementAllocator(arrayData, static_cast<std::size_t>(i), size, buffer);
    });
  }
  return status;
}

binder_status_t AParcel_writeParcelableArray(AParcel* parcel, const void* arrayData, int32_t length,
                                             AParcel_writeParcelableElement elementWriter) {
  if (length < -1) return STATUS_BAD_VALUE;
  binder_status_t status = parcel->write(length);
  for (std::int32_t i = 0; i < length && status == STATUS_OK; ++i) {
    status = elementWriter(parcel, arrayData, static_cast<std::size_t>(i));
  }
  return status;
}

binder_status_t AParcel_readParcelableArray(const AParcel* parcel, void* arrayData,
                                            AParcel_parcelableArrayAllocator allocator,
                                            AParcel_readParcelableElement elementReader) {
  std::int32_t length = 0;
  binder_status_t status =
      allocate_elements(parcel, sizeof(std::int32_t), length,
                        [&](std::int32_t count) { return allocator(arrayData, count); });
  for (std::int32_t i = 0; i < length && status == STATUS_OK; ++i) {
    status = elementReader(parcel, arrayData, static_cast<std::size_t>(i));
  }
  return status;
}

// ---- plain values: whatever is smaller than a word takes one ----

binder_status_t AParcel_writeInt32(AParcel* parcel, int32_t value) { return parcel->write(value); }
binder_status_t AParcel_writeUint32(AParcel* parcel, uint32_t value) {
  return parcel->write(value);
}
binder_status_t AParcel_writeInt64(AParcel* parcel, int64_t value) { return parcel->write(value); }
binder_status_t AParcel_writeUint64(AParcel* parcel, uint64_t value) {
  return parcel->write(value);
}
binder_status_t AParcel_writeFloat(AParcel* parcel, float value) { return parcel->write(value); }
binder_status_t AParcel_writeDouble(AParcel* parcel, double value) { return parcel->write(value); }
binder_status_t AParcel_writeBool(AParcel* parcel, bool value) {
  return parcel->write<std::int32_t>(value ? 1 : 0);
}
binder_status_t AParcel_writeChar(AParcel* parcel, char16_t value) {
  return parcel->write<std::int32_t>(value);
}
binder_status_t AParcel_writeByte(AParcel* parcel, int8_t value) {
  return parcel->write<std::int32_t>(value);
}

binder_status_t AParcel_readInt32(const AParcel* parcel, int32_t* value) {
  return parcel->read(*value);
}
binder_status_t AParcel_readUint32(const AParcel* parcel, uint32_t* value) {
  return parcel->read(*value);
}
binder_status_t AParcel_readInt64(const AParcel* parcel, int64_t* value) {
  return parcel->read(*value);
}
binder_status_t AParcel_readUint64(const AParcel* parcel, uint64_t* value) {
  return parcel->read(*value);
}
binder_status_t AParcel_readFloat(const AParcel* parcel, float* value) {
  return parcel->read(*value);
}
binder_status_t AParcel_readDouble(const AParcel* parcel, double* value) {
  return parcel->read(*value);
}
binder_status_t AParcel_readBool(const AParcel* parcel, bool* value) {
  std::int32_t word = 0;
  const binder_status_t status = parcel->read(word);
  if (status == STATUS_OK) *value = word != 0;
  return status;
}
binder_status_t AParcel_readChar(const AParcel* parcel, char16_t* value) {
  std::int32_t word = 0;
  const binder_status_t status = parcel->read(word);
  if (status == STATUS_OK) *value = static_cast<char16_t>(word);
  return status;
}
binder_status_t AParcel_readByte(const AParcel* parcel, int8_t* value) {
  std::int32_t word = 0;
  const binder_status_t status = parcel->read(word);
  if (status == STATUS_OK) *value = static_cast<int8_t>(word);
  return status;
}

// ---- arrays ----

binder_status_t AParcel_writeInt32Array(AParcel* parcel, const int32_t* arrayData, int32_t length) {
  return write_array(parcel, arrayData, length);
}
binder_status_t AParcel_writeUint32Array(AParcel* parcel, const uint32_t* arrayData,
                                         int32_t length) {
  return write_array(parcel, arrayData, length);
}
binder_status_t AParcel_writeInt64Array(AParcel* parcel, const int64_t* arrayData, int32_t length) {
  return write_array(parcel, arrayData, length);
}
binder_status_t AParcel_writeUint64Array(AParcel* parcel, const uint64_t* arrayData,
                                         int32_t length) {
  return write_array(parcel, arrayData, length);
}
binder_status_t AParcel_writeFloatArray(AParcel* parcel, const float* arrayData, int32_t length) {
  return write_array(parcel, arrayData, length);
}
binder_status_t AParcel_writeDoubleArray(AParcel* parcel, const double* arrayData, int32_t length) {
  return write_array(parcel, arrayData, length);
}
binder_status_t AParcel_writeByteArray(AParcel* parcel, const int8_t* arrayData, int32_t length) {
  return write_array(parcel, arrayData, length);
}

binder_status_t AParcel_writeBoolArray(AParcel* parcel, const void* arrayData, int32_t length,
                                       AParcel_boolArrayGetter getter) {
  if (length < -1) return STATUS_BAD_VALUE;
  binder_status_t status = parcel->write(length);
  for (std::int32_t i = 0; i < length && status == STATUS_OK; ++i) {
    status = AParcel_writeBool(parcel, getter(arrayData, static_cast<std::size_t>(i)));
  }
  return status;
}

binder_status_t AParcel_writeCharArray(AParcel* parcel, const char16_t* arrayData, int32_t length) {
  binder_status_t status = write_length(parcel, arrayData == nullptr, length);
  for (std::int32_t i = 0; i < length && status == STATUS_OK; ++i) {
    status = AParcel_writeChar(parcel, arrayData[i]);
  }
  return status;
}

binder_status_t AParcel_readInt32Array(const AParcel* parcel, void* arrayData,
                                       AParcel_int32Allocator allocator) {
  return read_array<int32_t>(parcel, arrayData, allocator);
}
binder_status_t AParcel_readUint32Array(const AParcel* parcel, void* arrayData,
                                        AParcel_uint32Allocator allocator) {
  return read_array<uint32_t>(parcel, arrayData, allocator);
}
binder_status_t AParcel_readInt64Array(const AParcel* parcel, void* arrayData,
                                       AParcel_int64Allocator allocator) {
  return read_array<int64_t>(parcel, arrayData, allocator);
}
binder_status_t AParcel_readUint64Array(const AParcel* parcel, void* arrayData,
                                        AParcel_uint64Allocator allocator) {
  return read_array<uint64_t>(parcel, arrayData, allocator);
}
binder_status_t AParcel_readFloatArray(const AParcel* parcel, void* arrayData,
                                       AParcel_floatAllocator allocator) {
  return read_array<float>(parcel, arrayData, allocator);
}
binder_status_t AParcel_readDoubleArray(const AParcel* parcel, void* arrayData,
                                        AParcel_doubleAllocator allocator) {
  return read_array<double>(parcel, arrayData, allocator);
}
binder_status_t AParcel_readByteArray(const AParcel* parcel, void* arrayData,
                                      AParcel_byteAllocator allocator) {
  return read_array<int8_t>(parcel, arrayData, allocator);
}

binder_status_t AParcel_readBoolArray(const AParcel* parcel, void* arrayData,
                                      AParcel_boolAllocator allocator,
                                      AParcel_boolArraySetter setter) {
  std::int32_t length = 0;
  binder_status_t status =
      allocate_elements(parcel, sizeof(std::int32_t), length,
                        [&](std::int32_t count) { return allocator(arrayData, count); });
  for (std::int32_t i = 0; i < length && status == STATUS_OK; ++i) {
    bool value = false;
    status = AParcel_readBool(parcel, &value);
    if (status == STATUS_OK) setter(arrayData, static_cast<std::size_t>(i), value);
  }
  return status;
}

binder_status_t AParcel_readCharArray(const AParcel* parcel, void* arrayData,
                                      AParcel_charAllocator allocator) {
  std::int32_t length = 0;
  char16_t* values = nullptr;
  binder_status_t status =
      allocate_elements(parcel, sizeof(std::int32_t), length,
                        [&](std::int32_t count) { return allocator(arrayData, count, &values); });
  if (status == STATUS_OK && length > 0 && values == nullptr) return STATUS_NO_MEMORY;
  for (std::int32_t i = 0; i < length && status == STATUS_OK; ++i) {
    status = AParcel_readChar(parcel, &values[i]);
  }
  return status;
}
