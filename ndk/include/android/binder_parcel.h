// SPDX-License-Identifier: Apache-2.0
//
// AParcel: the typed payload of a call. Reading and writing move one position. Whoever makes a
// parcel deletes it; what callbacks are given they only borrow. One thread at a time.
//
// Reads return STATUS_NOT_ENOUGH_DATA at the end, STATUS_BAD_VALUE for lengths below -1,
// STATUS_BAD_TYPE where an object of another kind or none is, STATUS_PERMISSION_DENIED for plain
// data where an object is, STATUS_UNEXPECTED_NULL for a null string that its allocator refuses, and
// STATUS_NO_MEMORY for an array that is longer than the data, or that its allocator refuses.
#pragma once

#include <android/binder_status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/cdefs.h>
#ifndef __cplusplus
#include <uchar.h>
#endif

struct AIBinder;
typedef struct AIBinder AIBinder;

__BEGIN_DECLS

struct AParcel;
typedef struct AParcel AParcel;

__attribute__((warn_unused_result)) AParcel* AParcel_create() __INTRODUCED_IN(31);
void AParcel_delete(AParcel* parcel) __INTRODUCED_IN(29);
// The position must be one that AParcel_getDataPosition has given, or 0.
binder_status_t AParcel_setDataPosition(const AParcel* parcel, int32_t position)
    __INTRODUCED_IN(29);
int32_t AParcel_getDataPosition(const AParcel* parcel) __INTRODUCED_IN(29);
int32_t AParcel_getDataSize(const AParcel* parcel) __INTRODUCED_IN(31);
// Empties it.
binder_status_t AParcel_reset(AParcel* parcel) __INTRODUCED_IN(31);
// Copies `size` bytes from `start` on, with the objects in them, to the end of another parcel.
binder_status_t AParcel_appendFrom(const AParcel* from, AParcel* to, int32_t start, int32_t size)
    __INTRODUCED_IN(31);
// The bytes of a parcel without objects. STATUS_INVALID_OPERATION if there are objects.
binder_status_t AParcel_marshal(const AParcel* parcel, uint8_t* buffer, size_t start, size_t len)
    __INTRODUCED_IN(33);
binder_status_t AParcel_unmarshal(AParcel* parcel, const uint8_t* buffer, size_t len)
    __INTRODUCED_IN(33);
int32_t AParcel_getDataCapacity(const AParcel* parcel) __INTRODUCED_IN(37);
binder_status_t AParcel_setDataCapacity(AParcel* parcel, int32_t capacity) __INTRODUCED_IN(37);

// ---- what arrays and strings are read into, and written from ----

// Makes room for a string of `length` bytes with its terminating zero, or takes a null (length -1).
typedef bool (*AParcel_stringAllocator)(void* stringData, int32_t length, char** buffer);
// Makes room for an array of strings, or takes a null (length -1).
typedef bool (*AParcel_stringArrayAllocator)(void* arrayData, int32_t length);
// The same for one string of the array.
typedef bool (*AParcel_stringArrayElementAllocator)(void* arrayData, size_t index, int32_t length,
                                                    char** buffer);
// One string of the array and its length without the terminating zero; null with length -1.
typedef const char* (*AParcel_stringArrayElementGetter)(const void* arrayData, size_t index,
                                                        int32_t* outLength);

typedef binder_status_t (*AParcel_writeParcelableElement)(AParcel* parcel, const void* arrayData,
                                                          size_t index);
typedef bool (*AParcel_parcelableArrayAllocator)(void* arrayData, int32_t length);
typedef binder_status_t (*AParcel_readParcelableElement)(const AParcel* parcel, void* arrayData,
                                                         size_t index);

// Make room for so many values, or take a null (length -1).
typedef bool (*AParcel_int32Allocator)(void* arrayData, int32_t length, int32_t** outBuffer);
typedef bool (*AParcel_uint32Allocator)(void* arrayData, int32_t length, uint32_t** outBuffer);
typedef bool (*AParcel_int64Allocator)(void* arrayData, int32_t length, int64_t** outBuffer);
typedef bool (*AParcel_uint64Allocator)(void* arrayData, int32_t length, uint64_t** outBuffer);
typedef bool (*AParcel_floatAllocator)(void* arrayData, int32_t length, float** outBuffer);
typedef bool (*AParcel_doubleAllocator)(void* arrayData, int32_t length, double** outBuffer);
typedef bool (*AParcel_boolAllocator)(void* arrayData, int32_t length);
typedef bool (*AParcel_boolArrayGetter)(const void* arrayData, size_t index);
typedef void (*AParcel_boolArraySetter)(void* arrayData, size_t index, bool value);
typedef bool (*AParcel_charAllocator)(void* arrayData, int32_t length, char16_t** outBuffer);
typedef bool (*AParcel_byteAllocator)(void* arrayData, int32_t length, int8_t** outBuffer);

// ---- objects ----

binder_status_t AParcel_writeStrongBinder(AParcel* parcel, AIBinder* binder) __INTRODUCED_IN(29);
// The caller gets a reference, or null.
binder_status_t AParcel_readStrongBinder(const AParcel* parcel, AIBinder** binder)
    __INTRODUCED_IN(29);
// A copy of the descriptor is sent; -1 is null.
binder_status_t AParcel_writeParcelFileDescriptor(AParcel* parcel, int fd) __INTRODUCED_IN(29);
// A new descriptor, the caller's, or -1.
binder_status_t AParcel_readParcelFileDescriptor(const AParcel* parcel, int* fd)
    __INTRODUCED_IN(29);
binder_status_t AParcel_writeStatusHeader(AParcel* parcel, const AStatus* status)
    __INTRODUCED_IN(29);
// The caller deletes the status.
binder_status_t AParcel_readStatusHeader(const AParcel* parcel, AStatus** status)
    __INTRODUCED_IN(29);

// ---- strings: UTF-8 here, UTF-16 in the parcel ----

// `length` is without the terminating zero; a null string has length -1.
binder_status_t AParcel_writeString(AParcel* parcel, const char* string, int32_t length)
    __INTRODUCED_IN(29);
binder_status_t AParcel_readString(const AParcel* parcel, void* stringData,
                                   AParcel_stringAllocator allocator) __INTRODUCED_IN(29);
binder_status_t AParcel_writeStringArray(AParcel* parcel, const void* arrayData, int32_t length,
                                         AParcel_stringArrayElementGetter getter)
    __INTRODUCED_IN(29);
binder_status_t AParcel_readStringArray(const AParcel* parcel, void* arrayData,
                                        AParcel_stringArrayAllocator allocator,
                                        AParcel_stringArrayElementAllocator elementAllocator)
    __INTRODUCED_IN(29);

// ---- parcelables ----

binder_status_t AParcel_writeParcelableArray(AParcel* parcel, const void* arrayData, int32_t length,
                                             AParcel_writeParcelableElement elementWriter)
    __INTRODUCED_IN(29);
binder_status_t AParcel_readParcelableArray(const AParcel* parcel, void* arrayData,
                                            AParcel_parcelableArrayAllocator allocator,
                                            AParcel_readParcelableElement elementReader)
    __INTRODUCED_IN(29);

// ---- plain values ----

binder_status_t AParcel_writeInt32(AParcel* parcel, int32_t value) __INTRODUCED_IN(29);
binder_status_t AParcel_writeUint32(AParcel* parcel, uint32_t value) __INTRODUCED_IN(29);
binder_status_t AParcel_writeInt64(AParcel* parcel, int64_t value) __INTRODUCED_IN(29);
binder_status_t AParcel_writeUint64(AParcel* parcel, uint64_t value) __INTRODUCED_IN(29);
binder_status_t AParcel_writeFloat(AParcel* parcel, float value) __INTRODUCED_IN(29);
binder_status_t AParcel_writeDouble(AParcel* parcel, double value) __INTRODUCED_IN(29);
binder_status_t AParcel_writeBool(AParcel* parcel, bool value) __INTRODUCED_IN(29);
binder_status_t AParcel_writeChar(AParcel* parcel, char16_t value) __INTRODUCED_IN(29);
binder_status_t AParcel_writeByte(AParcel* parcel, int8_t value) __INTRODUCED_IN(29);

binder_status_t AParcel_readInt32(const AParcel* parcel, int32_t* value) __INTRODUCED_IN(29);
binder_status_t AParcel_readUint32(const AParcel* parcel, uint32_t* value) __INTRODUCED_IN(29);
binder_status_t AParcel_readInt64(const AParcel* parcel, int64_t* value) __INTRODUCED_IN(29);
binder_status_t AParcel_readUint64(const AParcel* parcel, uint64_t* value) __INTRODUCED_IN(29);
binder_status_t AParcel_readFloat(const AParcel* parcel, float* value) __INTRODUCED_IN(29);
binder_status_t AParcel_readDouble(const AParcel* parcel, double* value) __INTRODUCED_IN(29);
binder_status_t AParcel_readBool(const AParcel* parcel, bool* value) __INTRODUCED_IN(29);
binder_status_t AParcel_readChar(const AParcel* parcel, char16_t* value) __INTRODUCED_IN(29);
binder_status_t AParcel_readByte(const AParcel* parcel, int8_t* value) __INTRODUCED_IN(29);

// A null array has length -1.
binder_status_t AParcel_writeInt32Array(AParcel* parcel, const int32_t* arrayData, int32_t length)
    __INTRODUCED_IN(29);
binder_status_t AParcel_writeUint32Array(AParcel* parcel, const uint32_t* arrayData, int32_t length)
    __INTRODUCED_IN(29);
binder_status_t AParcel_writeInt64Array(AParcel* parcel, const int64_t* arrayData, int32_t length)
    __INTRODUCED_IN(29);
binder_status_t AParcel_writeUint64Array(AParcel* parcel, const uint64_t* arrayData, int32_t length)
    __INTRODUCED_IN(29);
binder_status_t AParcel_writeFloatArray(AParcel* parcel, const float* arrayData, int32_t length)
    __INTRODUCED_IN(29);
binder_status_t AParcel_writeDoubleArray(AParcel* parcel, const double* arrayData, int32_t length)
    __INTRODUCED_IN(29);
binder_status_t AParcel_writeBoolArray(AParcel* parcel, const void* arrayData, int32_t length,
                                       AParcel_boolArrayGetter getter) __INTRODUCED_IN(29);
binder_status_t AParcel_writeCharArray(AParcel* parcel, const char16_t* arrayData, int32_t length)
    __INTRODUCED_IN(29);
binder_status_t AParcel_writeByteArray(AParcel* parcel, const int8_t* arrayData, int32_t length)
    __INTRODUCED_IN(29);

binder_status_t AParcel_readInt32Array(const AParcel* parcel, void* arrayData,
                                       AParcel_int32Allocator allocator) __INTRODUCED_IN(29);
binder_status_t AParcel_readUint32Array(const AParcel* parcel, void* arrayData,
                                        AParcel_uint32Allocator allocator) __INTRODUCED_IN(29);
binder_status_t AParcel_readInt64Array(const AParcel* parcel, void* arrayData,
                                       AParcel_int64Allocator allocator) __INTRODUCED_IN(29);
binder_status_t AParcel_readUint64Array(const AParcel* parcel, void* arrayData,
                                        AParcel_uint64Allocator allocator) __INTRODUCED_IN(29);
binder_status_t AParcel_readFloatArray(const AParcel* parcel, void* arrayData,
                                       AParcel_floatAllocator allocator) __INTRODUCED_IN(29);
binder_status_t AParcel_readDoubleArray(const AParcel* parcel, void* arrayData,
                                        AParcel_doubleAllocator allocator) __INTRODUCED_IN(29);
binder_status_t AParcel_readBoolArray(const AParcel* parcel, void* arrayData,
                                      AParcel_boolAllocator allocator,
                                      AParcel_boolArraySetter setter) __INTRODUCED_IN(29);
binder_status_t AParcel_readCharArray(const AParcel* parcel, void* arrayData,
                                      AParcel_charAllocator allocator) __INTRODUCED_IN(29);
binder_status_t AParcel_readByteArray(const AParcel* parcel, void* arrayData,
                                      AParcel_byteAllocator allocator) __INTRODUCED_IN(29);

__END_DECLS
