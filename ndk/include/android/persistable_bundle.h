// SPDX-License-Identifier: Apache-2.0
//
// APersistableBundle: a map from names to plain values, as Android's PersistableBundle. One thread
// at a time. Keys and strings are UTF-8, and what is put is copied.
#pragma once

#include <android/binder_parcel.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/cdefs.h>

__BEGIN_DECLS

struct APersistableBundle;
typedef struct APersistableBundle APersistableBundle;

enum {
  APERSISTABLEBUNDLE_KEY_NOT_FOUND = -1,
  APERSISTABLEBUNDLE_ALLOCATOR_FAILED = -2,
};

// Room for a string of so many bytes with its terminating zero. Whoever asked frees it.
typedef char* (*APersistableBundle_stringAllocator)(int32_t sizeBytes, void* context);

APersistableBundle* APersistableBundle_new() __INTRODUCED_IN(35);
APersistableBundle* APersistableBundle_dup(const APersistableBundle* pBundle) __INTRODUCED_IN(35);
void APersistableBundle_delete(APersistableBundle* pBundle) __INTRODUCED_IN(35);
bool APersistableBundle_isEqual(const APersistableBundle* lhs, const APersistableBundle* rhs)
    __INTRODUCED_IN(35);
// A new bundle, the caller's. STATUS_BAD_VALUE for null arguments and what cannot be understood,
// STATUS_BAD_TYPE where there is no bundle.
binder_status_t APersistableBundle_readFromParcel(const AParcel* parcel,
                                                  APersistableBundle** outPBundle)
    __INTRODUCED_IN(35);
binder_status_t APersistableBundle_writeToParcel(const APersistableBundle* pBundle, AParcel* parcel)
    __INTRODUCED_IN(35);
// The number of keys.
int32_t APersistableBundle_size(const APersistableBundle* pBundle) __INTRODUCED_IN(35);
// How many were erased: 0 or 1.
int32_t APersistableBundle_erase(APersistableBundle* pBundle, const char* key) __INTRODUCED_IN(35);

// ---- a key has one value, of the kind that was put last ----
void APersistableBundle_putBoolean(APersistableBundle* pBundle, const char* key, bool val)
    __INTRODUCED_IN(35);
void APersistableBundle_putInt(APersistableBundle* pBundle, const char* key, int32_t val)
    __INTRODUCED_IN(35);
void APersistableBundle_putLong(APersistableBundle* pBundle, const char* key, int64_t val)
    __INTRODUCED_IN(35);
void APersistableBundle_putDouble(APersistableBundle* pBundle, const char* key, double val)
    __INTRODUCED_IN(35);
void APersistableBundle_putString(APersistableBundle* pBundle, const char* key, const char* val)
    __INTRODUCED_IN(35);
void APersistableBundle_putBooleanVector(APersistableBundle* pBundle, const char* key,
                                         const bool* vec, int32_t num) __INTRODUCED_IN(35);
void APersistableBundle_putIntVector(APersistableBundle* pBundle, const char* key,
                                     const int32_t* vec, int32_t num) __INTRODUCED_IN(35);
void APersistableBundle_putLongVector(APersistableBundle* pBundle, const char* key,
                                      const int64_t* vec, int32_t num) __INTRODUCED_IN(35);
void APersistableBundle_putDoubleVector(APersistableBundle* pBundle, const char* key,
                                        const double* vec, int32_t num) __INTRODUCED_IN(35);
void APersistableBundle_putByteVector(APersistableBundle* pBundle, const char* key,
                                      const uint8_t* vec, int32_t num) __INTRODUCED_IN(37);
void APersistableBundle_putStringVector(APersistableBundle* pBundle, const char* key,
                                        const char* const* vec, int32_t num) __INTRODUCED_IN(35);
void APersistableBundle_putPersistableBundle(APersistableBundle* pBundle, const char* key,
                                             const APersistableBundle* val) __INTRODUCED_IN(35);

// ---- false if there is no value of this kind ----
bool APersistableBundle_getBoolean(const APersistableBundle* pBundle, const char* key, bool* val)
    __INTRODUCED_IN(35);
bool APersistableBundle_getInt(const APersistableBundle* pBundle, const char* key, int32_t* val)
    __INTRODUCED_IN(35);
bool APersistableBundle_getLong(const APersistableBundle* pBundle, const char* key, int64_t* val)
    __INTRODUCED_IN(35);
bool APersistableBundle_getDouble(const APersistableBundle* pBundle, const char* key, double* val)
    __INTRODUCED_IN(35);
// A copy of the bundle, the caller's.
bool APersistableBundle_getPersistableBundle(const APersistableBundle* pBundle, const char* key,
                                             APersistableBundle** outBundle) __INTRODUCED_IN(35);
// The size in bytes without the terminating zero, or one of the errors above.
int32_t APersistableBundle_getString(const APersistableBundle* pBundle, const char* key, char** val,
                                     APersistableBundle_stringAllocator stringAllocator,
                                     void* context) __INTRODUCED_IN(35);

// ---- as much as fits is copied, and the size in bytes of all of it returned ----
int32_t APersistableBundle_getBooleanVector(const APersistableBundle* pBundle, const char* key,
                                            bool* buffer, int32_t bufferSizeBytes)
    __INTRODUCED_IN(35);
int32_t APersistableBundle_getIntVector(const APersistableBundle* pBundle, const char* key,
                                        int32_t* buffer, int32_t bufferSizeBytes)
    __INTRODUCED_IN(35);
int32_t APersistableBundle_getLongVector(const APersistableBundle* pBundle, const char* key,
                                         int64_t* buffer, int32_t bufferSizeBytes)
    __INTRODUCED_IN(35);
int32_t APersistableBundle_getDoubleVector(const APersistableBundle* pBundle, const char* key,
                                           double* buffer, int32_t bufferSizeBytes)
    __INTRODUCED_IN(35);
int32_t APersistableBundle_getByteVector(const APersistableBundle* pBundle, const char* key,
                                         uint8_t* buffer, int32_t bufferSizeBytes)
    __INTRODUCED_IN(37);
// The buffer is of pointers; each string comes from the allocator.
int32_t APersistableBundle_getStringVector(const APersistableBundle* pBundle, const char* key,
                                           char** buffer, int32_t bufferSizeBytes,
                                           APersistableBundle_stringAllocator stringAllocator,
                                           void* context) __INTRODUCED_IN(35);
int32_t APersistableBundle_getBooleanKeys(const APersistableBundle* pBundle, char** outKeys,
                                          int32_t bufferSizeBytes,
                                          APersistableBundle_stringAllocator stringAllocator,
                                          void* context) __INTRODUCED_IN(35);
int32_t APersistableBundle_getIntKeys(const APersistableBundle* pBundle, char** outKeys,
                                      int32_t bufferSizeBytes,
                                      APersistableBundle_stringAllocator stringAllocator,
                                      void* context) __INTRODUCED_IN(35);
int32_t APersistableBundle_getLongKeys(const APersistableBundle* pBundle, char** outKeys,
                                       int32_t bufferSizeBytes,
                                       APersistableBundle_stringAllocator stringAllocator,
                                       void* context) __INTRODUCED_IN(35);
int32_t APersistableBundle_getDoubleKeys(const APersistableBundle* pBundle, char** outKeys,
                                         int32_t bufferSizeBytes,
                                         APersistableBundle_stringAllocator stringAllocator,
                                         void* context) __INTRODUCED_IN(35);
int32_t APersistableBundle_getStringKeys(const APersistableBundle* pBundle, char** outKeys,
                                         int32_t bufferSizeBytes,
                                         APersistableBundle_stringAllocator stringAllocator,
                                         void* context) __INTRODUCED_IN(35);
int32_t APersistableBundle_getBooleanVectorKeys(const APersistableBundle* pBundle, char** outKeys,
                                                int32_t bufferSizeBytes,
                                                APersistableBundle_stringAllocator stringAllocator,
                                                void* context) __INTRODUCED_IN(35);
int32_t APersistableBundle_getIntVectorKeys(const APersistableBundle* pBundle, char** outKeys,
                                            int32_t bufferSizeBytes,
                                            APersistableBundle_stringAllocator stringAllocator,
                                            void* context) __INTRODUCED_IN(35);
int32_t APersistableBundle_getLongVectorKeys(const APersistableBundle* pBundle, char** outKeys,
                                             int32_t bufferSizeBytes,
                                             APersistableBundle_stringAllocator stringAllocator,
                                             void* context) __INTRODUCED_IN(35);
int32_t APersistableBundle_getDoubleVectorKeys(const APersistableBundle* pBundle, char** outKeys,
                                               int32_t bufferSizeBytes,
                                               APersistableBundle_stringAllocator stringAllocator,
                                               void* context) __INTRODUCED_IN(35);
int32_t APersistableBundle_getByteVectorKeys(const APersistableBundle* pBundle, char** outKeys,
                                             int32_t bufferSizeBytes,
                                             APersistableBundle_stringAllocator stringAllocator,
                                             void* context) __INTRODUCED_IN(37);
int32_t APersistableBundle_getStringVectorKeys(const APersistableBundle* pBundle, char** outKeys,
                                               int32_t bufferSizeBytes,
                                               APersistableBundle_stringAllocator stringAllocator,
                                               void* context) __INTRODUCED_IN(35);
int32_t APersistableBundle_getPersistableBundleKeys(
    const APersistableBundle* pBundle, char** outKeys, int32_t bufferSizeBytes,
    APersistableBundle_stringAllocator stringAllocator, void* context) __INTRODUCED_IN(35);

__END_DECLS
