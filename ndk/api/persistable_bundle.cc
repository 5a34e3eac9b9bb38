// SPDX-License-Identifier: Apache-2.0
// APersistableBundle_*.
#include <android/persistable_bundle.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "ndk/parcel/bundle.h"

using namespace netbinder::ndk;

struct APersistableBundle {
  Bundle bundle;
};

namespace {

void put(APersistableBundle* to, const char* key, Value value) {
  to->bundle.values.insert_or_assign(key, std::move(value));
}

template <typename Kept>
const Kept* find(const APersistableBundle* in, const char* key) {
  const auto known = in->bundle.values.find(key);
  return known != in->bundle.values.end() ? std::get_if<Kept>(&known->second) : nullptr;
}

template <typename Kept, typename Out>
bool get(const APersistableBundle* in, const char* key, Out* out) {
  const Kept* const kept = find<Kept>(in, key);
  if (kept != nullptr) *out = *kept;
  return kept != nullptr;
}

template <typename Kept, typename Element>
void put_elements(APersistableBundle* to, const char* key, const Element* elements,
                  std::int32_t count) {
  put(to, key, Kept(elements, elements + std::max(count, 0)));
}

template <typename Kept, typename Element>
std::int32_t get_elements(const APersistableBundle* in, const char* key, Element* buffer,
                          std::int32_t buffer_bytes) {
  const Kept* const kept = find<Kept>(in, key);
  if (kept == nullptr) return APERSISTABLEBUNDLE_KEY_NOT_FOUND;
  if (buffer != nullptr && buffer_bytes > 0) {
    const std::size_t room = static_cast<std::size_t>(buffer_bytes) / sizeof(Element);
    std::copy_n(kept->begin(), std::min(room, kept->size()), buffer);
  }
  return static_cast<std::int32_t>(kept->size() * sizeof(Element));
}

char* copy_string(const std::string& text, APersistableBundle_stringAllocator allocator,
                  void* context) {
  char* const copy = allocator(static_cast<std::int32_t>(text.size() + 1), context);
  if (copy != nullptr) std::memcpy(copy, text.c_str(), text.size() + 1);
  return copy;
}

template <typename Texts>
std::int32_t get_strings(const Texts& texts, char** buffer, std::int32_t buffer_bytes,
                         APersistableBundle_stringAllocator allocator, void* context) {
  const std::size_t room = buffer != nullptr && buffer_bytes > 0
                               ? static_cast<std::size_t>(buffer_bytes) / sizeof(char*)
                               : 0;
  for (std::size_t i = 0; i < std::min(room, texts.size()); ++i) {
    buffer[i] = copy_string(texts[i], allocator, context);
    if (buffer[i] == nullptr) return APERSISTABLEBUNDLE_ALLOCATOR_FAILED;
  }
  return static_cast<std::int32_t>(texts.size() * sizeof(char*));
}

template <typename Kept>
std::int32_t get_keys(const APersistableBundle* in, char** buffer, std::int32_t buffer_bytes,
                      APersistableBundle_stringAllocator allocator, void* context) {
  Strings keys;
  for (const auto& [key, value] : in->bundle.values) {
    if (std::holds_alternative<Kept>(value)) keys.push_back(key);
  }
  return get_strings(keys, buffer, buffer_bytes, allocator, context);
}

}  // namespace

APersistableBundle* APersistableBundle_new() { return new APersistableBundle(); }

APersistableBundle* APersistableBundle_dup(const APersistableBundle* pBundle) {
  return new APersistableBundle(*pBundle);
}

void APersistableBundle_delete(APersistableBundle* pBundle) { delete pBundle; }

bool APersistableBundle_isEqual(const APersistableBundle* lhs, const APersistableBundle* rhs) {
  return lhs != nullptr && rhs != nullptr ? lhs->bundle == rhs->bundle : lhs == rhs;
}

binder_status_t APersistableBundle_readFromParcel(const AParcel* parcel,
                                                  APersistableBundle** outPBundle) {
  if (parcel == nullptr || outPBundle == nullptr) return STATUS_BAD_VALUE;
  auto bundle = std::make_unique<APersistableBundle>();
  const binder_status_t status = read_bundle(*parcel, bundle->bundle);
  if (status == STATUS_OK) *outPBundle = bundle.release();
  return status;
}

binder_status_t APersistableBundle_writeToParcel(const APersistableBundle* pBundle,
                                                 AParcel* parcel) {
  if (pBundle == nullptr || parcel == nullptr) return STATUS_BAD_VALUE;
  return write_bundle(*parcel, pBundle->bundle);
}

int32_t APersistableBundle_size(const APersistableBundle* pBundle) {
  return static_cast<int32_t>(pBundle->bundle.values.size());
}

int32_t APersistableBundle_erase(APersistableBundle* pBundle, const char* key) {
  return static_cast<int32_t>(pBundle->bundle.values.erase(key));
}

// ---- putting ----

void APersistableBundle_putBoolean(APersistableBundle* pBundle, const char* key, bool val) {
  put(pBundle, key, val);
}
void APersistableBundle_putInt(APersistableBundle* pBundle, const char* key, int32_t val) {
  put(pBundle, key, val);
}
void APersistableBundle_putLong(APersistableBundle* pBundle, const char* key, int64_t val) {
  put(pBundle, key, val);
}
void APersistableBundle_putDouble(APersistableBundle* pBundle, const char* key, double val) {
  put(pBundle, key, val);
}
void APersistableBundle_putString(APersistableBundle* pBundle, const char* key, const char* val) {
  put(pBundle, key, std::string(val));
}
void APersistableBundle_putBooleanVector(APersistableBundle* pBundle, const char* key,
                                         const bool* vec, int32_t num) {
  put_elements<Booleans>(pBundle, key, vec, num);
}
void APersistableBundle_putIntVector(APersistableBundle* pBundle, const char* key,
                                     const int32_t* vec, int32_t num) {
  put_elements<Ints>(pBundle, key, vec, num);
}
void APersistableBundle_putLongVector(APersistableBundle* pBundle, const char* key,
                                      const int64_t* vec, int32_t num) {
  put_elements<Longs>(pBundle, key, vec, num);
}
void APersistableBundle_putDoubleVector(APersistableBundle* pBundle, const char* key,
                                        const double* vec, int32_t num) {
  put_elements<Doubles>(pBundle, key, vec, num);
}
void APersistableBundle_putByteVector(APersistableBundle* pBundle, const char* key,
                                      const uint8_t* vec, int32_t num) {
  put_elements<Bytes>(pBundle, key, vec, num);
}
void APersistableBundle_putStringVector(APersistableBundle* pBundle, const char* key,
                                        const char* const* vec, int32_t num) {
  put_elements<Strings>(pBundle, key, vec, num);
}
void APersistableBundle_putPersistableBundle(APersistableBundle* pBundle, const char* key,
                                             const APersistableBundle* val) {
  put(pBundle, key, BundleValue(val->bundle));
}

// ---- getting ----

bool APersistableBundle_getBoolean(const APersistableBundle* pBundle, const char* key, bool* val) {
  return get<bool>(pBundle, key, val);
}
bool APersistableBundle_getInt(const APersistableBundle* pBundle, const char* key, int32_t* val) {
  return get<std::int32_t>(pBundle, key, val);
}
bool APersistableBundle_getLong(const APersistableBundle* pBundle, const char* key, int64_t* val) {
  return get<std::int64_t>(pBundle, key, val);
}
bool APersistableBundle_getDouble(const APersistableBundle* pBundle, const char* key, double* val) {
  return get<double>(pBundle, key, val);
}
bool APersistableBundle_getPersistableBundle(const APersistableBundle* pBundle, const char* key,
                                             APersistableBundle** outBundle) {
  const BundleValue* const kept = find<BundleValue>(pBundle, key);
  if (kept != nullptr) *outBundle = new APersistableBundle{kept->get()};
  return kept != nullptr;
}
int32_t APersistableBundle_getString(const APersistableBundle* pBundle, const char* key, char** val,
                                     APersistableBundle_stringAllocator stringAllocator,
                                     void* context) {
  const std::string* const kept = find<std::string>(pBundle, key);
  if (kept == nullptr) return APERSISTABLEBUNDLE_KEY_NOT_FOUND;
  *val = copy_string(*kept, stringAllocator, context);
  if (*val == nullptr) return APERSISTABLEBUNDLE_ALLOCATOR_FAILED;
  return static_cast<int32_t>(kept->size());
}
int32_t APersistableBundle_getBooleanVector(const APersistableBundle* pBundle, const char* key,
                                            bool* buffer, int32_t bufferSizeBytes) {
  return get_elements<Booleans>(pBundle, key, buffer, bufferSizeBytes);
}
int32_t APersistableBundle_getIntVector(const APersistableBundle* pBundle, const char* key,
                                        int32_t* buffer, int32_t bufferSizeBytes) {
  return get_elements<Ints>(pBundle, key, buffer, bufferSizeBytes);
}
int32_t APersistableBundle_getLongVector(const APersistableBundle* pBundle, const char* key,
                                         int64_t* buffer, int32_t bufferSizeBytes) {
  return get_elements<Longs>(pBundle, key, buffer, bufferSizeBytes);
}
int32_t APersistableBundle_getDoubleVector(const APersistableBundle* pBundle, const char* key,
                                           double* buffer, int32_t bufferSizeBytes) {
  return get_elements<Doubles>(pBundle, key, buffer, bufferSizeBytes);
}
int32_t APersistableBundle_getByteVector(const APersistableBundle* pBundle, const char* key,
                                         uint8_t* buffer, int32_t bufferSizeBytes) {
  return get_elements<Bytes>(pBundle, key, buffer, bufferSizeBytes);
}
int32_t APersistableBundle_getStringVector(const APersistableBundle* pBundle, const char* key,
                                           char** buffer, int32_t bufferSizeBytes,
                                           APersistableBundle_stringAllocator stringAllocator,
                                           void* context) {
  const Strings* const kept = find<Strings>(pBundle, key);
  if (kept == nullptr) return APERSISTABLEBUNDLE_KEY_NOT_FOUND;
  return get_strings(*kept, buffer, bufferSizeBytes, stringAllocator, context);
}

// ---- keys of a kind ----

int32_t APersistableBundle_getBooleanKeys(const APersistableBundle* pBundle, char** outKeys,
                                          int32_t bufferSizeBytes,
                                          APersistableBundle_stringAllocator stringAllocator,
                                          void* context) {
  return get_keys<bool>(pBundle, outKeys, bufferSizeBytes, stringAllocator, context);
}
int32_t APersistableBundle_getIntKeys(const APersistableBundle* pBundle, char** outKeys,
                                      int32_t bufferSizeBytes,
                                      APersistableBundle_stringAllocator stringAllocator,
                                      void* context) {
  return get_keys<std::int32_t>(pBundle, outKeys, bufferSizeBytes, stringAllocator, context);
}
int32_t APersistableBundle_getLongKeys(const APersistableBundle* pBundle, char** outKeys,
                                       int32_t bufferSizeBytes,
                                       APersistableBundle_stringAllocator stringAllocator,
                                       void* context) {
  return get_keys<std::int64_t>(pBundle, outKeys, bufferSizeBytes, stringAllocator, context);
}
int32_t APersistableBundle_getDoubleKeys(const APersistableBundle* pBundle, char** outKeys,
                                         int32_t bufferSizeBytes,
                                         APersistableBundle_stringAllocator stringAllocator,
                                         void* context) {
  return get_keys<double>(pBundle, outKeys, bufferSizeBytes, stringAllocator, context);
}
int32_t APersistableBundle_getStringKeys(const APersistableBundle* pBundle, char** outKeys,
                                         int32_t bufferSizeBytes,
                                         APersistableBundle_stringAllocator stringAllocator,
                                         void* context) {
  return get_keys<std::string>(pBundle, outKeys, bufferSizeBytes, stringAllocator, context);
}
int32_t APersistableBundle_getBooleanVectorKeys(const APersistableBundle* pBundle, char** outKeys,
                                                int32_t bufferSizeBytes,
                                                APersistableBundle_stringAllocator stringAllocator,
                                                void* context) {
  return get_keys<Booleans>(pBundle, outKeys, bufferSizeBytes, stringAllocator, context);
}
int32_t APersistableBundle_getIntVectorKeys(const APersistableBundle* pBundle, char** outKeys,
                                            int32_t bufferSizeBytes,
                                            APersistableBundle_stringAllocator stringAllocator,
                                            void* context) {
  return get_keys<Ints>(pBundle, outKeys, bufferSizeBytes, stringAllocator, context);
}
int32_t APersistableBundle_getLongVectorKeys(const APersistableBundle* pBundle, char** outKeys,
                                             int32_t bufferSizeBytes,
                                             APersistableBundle_stringAllocator stringAllocator,
                                             void* context) {
  return get_keys<Longs>(pBundle, outKeys, bufferSizeBytes, stringAllocator, context);
}
int32_t APersistableBundle_getDoubleVectorKeys(const APersistableBundle* pBundle, char** outKeys,
                                               int32_t bufferSizeBytes,
                                               APersistableBundle_stringAllocator stringAllocator,
                                               void* context) {
  return get_keys<Doubles>(pBundle, outKeys, bufferSizeBytes, stringAllocator, context);
}
int32_t APersistableBundle_getByteVectorKeys(const APersistableBundle* pBundle, char** outKeys,
                                             int32_t bufferSizeBytes,
                                             APersistableBundle_stringAllocator stringAllocator,
                                             void* context) {
  return get_keys<Bytes>(pBundle, outKeys, bufferSizeBytes, stringAllocator, context);
}
int32_t APersistableBundle_getStringVectorKeys(const APersistableBundle* pBundle, char** outKeys,
                                               int32_t bufferSizeBytes,
                                               APersistableBundle_stringAllocator stringAllocator,
                                               void* context) {
  return get_keys<Strings>(pBundle, outKeys, bufferSizeBytes, stringAllocator, context);
}
int32_t APersistableBundle_getPersistableBundleKeys(
    const APersistableBundle* pBundle, char** outKeys, int32_t bufferSizeBytes,
    APersistableBundle_stringAllocator stringAllocator, void* context) {
  return get_keys<BundleValue>(pBundle, outKeys, bufferSizeBytes, stringAllocator, context);
}
