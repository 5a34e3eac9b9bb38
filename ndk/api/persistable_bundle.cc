// SPDX-License-Identifier: Apache-2.0
// APersistableBundle_*.
#include <android/persistable_bundle.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "ndk/parcel/parcel.h"

using netbinder::ndk::Parcel;

namespace {

struct Bundle;
// A copy of its own each, as other values are.
class BundleValue {
 public:
  explicit BundleValue(const Bundle& bundle);
  BundleValue(const BundleValue& other);
  BundleValue& operator=(const BundleValue& other);
  BundleValue(BundleValue&&) noexcept = default;
  BundleValue& operator=(BundleValue&&) noexcept = default;
  ~BundleValue();
  [[nodiscard]] const Bundle& get() const { return *bundle_; }
  bool operator==(const BundleValue& other) const;

 private:
  std::unique_ptr<Bundle> bundle_;
};

using Booleans = std::vector<bool>;
using Ints = std::vector<std::int32_t>;
using Longs = std::vector<std::int64_t>;
using Doubles = std::vector<double>;
using Bytes = std::vector<std::uint8_t>;
using Strings = std::vector<std::string>;
using Value = std::variant<bool, std::int32_t, std::int64_t, double, std::string, Booleans, Ints,
                           Longs, Doubles, Bytes, Strings, BundleValue>;

struct Bundle {
  std::map<std::string, Value> values;
  bool operator==(const Bundle& other) const = default;
};

BundleValue::BundleValue(const Bundle& bundle) : bundle_(std::make_unique<Bundle>(bundle)) {}
BundleValue::BundleValue(const BundleValue& other) : BundleValue(other.get()) {}
BundleValue& BundleValue::operator=(const BundleValue& other) {
  if (this != &other) bundle_ = std::make_unique<Bundle>(other.get());
  return *this;
}
BundleValue::~BundleValue() = default;
bool BundleValue::operator==(const BundleValue& other) const { return get() == other.get(); }

// ---- in parcels ----

constexpr std::int32_t kMagicJava = 0x4c444e42;    // BNDL
constexpr std::int32_t kMagicNative = 0x4c444e44;  // BNDN
constexpr unsigned kMostDepth = 32;                // bundles in bundles

enum Kind : std::int32_t {
  kString = 0,
  kInt = 1,
  kLong = 6,
  kDouble = 8,
  kBoolean = 9,
  kByteArray = 13,
  kStringArray = 14,
  kIntArray = 18,
  kLongArray = 19,
  kBooleanArray = 23,
  kBundle = 25,
  kDoubleArray = 28,
};

// In the order of the variant's alternatives.
constexpr Kind kKinds[] = {kBoolean,     kInt,          kLong,        kDouble,
                           kString,      kBooleanArray, kIntArray,    kLongArray,
                           kDoubleArray, kByteArray,    kStringArray, kBundle};
static_assert(std::size(kKinds) == std::variant_size_v<Value>);

binder_status_t write_bundle(Parcel& parcel, const Bundle& bundle);

template <typename Element>
binder_status_t write_elements(Parcel& parcel, const std::vector<Element>& elements) {
  const binder_status_t status = parcel.write(static_cast<std::int32_t>(elements.size()));
  if (status != STATUS_OK) return status;
  return parcel.write_bytes(elements.data(), elements.size() * sizeof(Element));
}

struct Writer {
  Parcel& parcel;

  binder_status_t operator()(bool value) const { return parcel.write<std::int32_t>(value); }
  binder_status_t operator()(std::int32_t value) const { return parcel.write(value); }
  binder_status_t operator()(std::int64_t value) const { return parcel.write(value); }
  binder_status_t operator()(double value) const { return parcel.write(value); }
  binder_status_t operator()(const std::string& value) const {
    return parcel.write_string16(value);
  }
  binder_status_t operator()(const Booleans& values) const {
    binder_status_t status = parcel.write(static_cast<std::int32_t>(values.size()));
    for (const bool value : values) {
      if (status == STATUS_OK) status = (*this)(value);
    }
    return status;
  }
  binder_status_t operator()(const Ints& values) const { return write_elements(parcel, values); }
  binder_status_t operator()(const Longs& values) const { return write_elements(parcel, values); }
  binder_status_t operator()(const Doubles& values) const { return write_elements(parcel, values); }
  binder_status_t operator()(const Bytes& values) const { return write_elements(parcel, values); }
  binder_status_t operator()(const Strings& values) const {
    binder_status_t status = parcel.write(static_cast<std::int32_t>(values.size()));
    for (const std::string& value : values) {
      if (status == STATUS_OK) status = (*this)(value);
    }
    return status;
  }
  binder_status_t operator()(const BundleValue& value) const {
    return write_bundle(parcel, value.get());
  }
};

binder_status_t write_bundle(Parcel& parcel, const Bundle& bundle) {
  if (bundle.values.empty()) return parcel.write<std::int32_t>(0);
  const std::size_t at = parcel.position();
  binder_status_t status = parcel.write<std::int32_t>(0);  // the size, when it is known
  if (status == STATUS_OK) status = parcel.write(kMagicNative);
  const std::size_t start = parcel.position();
  if (status == STATUS_OK) status = parcel.write(static_cast<std::int32_t>(bundle.values.size()));
  for (const auto& [key, value] : bundle.values) {
    if (status == STATUS_OK) status = parcel.write_string16(key);
    if (status == STATUS_OK) status = parcel.write<std::int32_t>(kKinds[value.index()]);
    if (status == STATUS_OK) status = std::visit(Writer{parcel}, value);
  }
  if (status != STATUS_OK) return status;
  const std::size_t end = parcel.position();
  parcel.set_position(at);
  status = parcel.write(static_cast<std::int32_t>(end - start));
  parcel.set_position(end);
  return status;
}

binder_status_t read_bundle(const Parcel& parcel, Bundle& bundle, unsigned depth);

// How many elements follow, of at least so many bytes each.
binder_status_t read_count(const Parcel& parcel, std::size_t least_bytes, std::size_t& count) {
  std::int32_t word = 0;
  const binder_status_t status = parcel.read(word);
  if (status != STATUS_OK) return status;
  const std::size_t left = parcel.size() - parcel.position();
  if (word < 0 || static_cast<std::size_t>(word) > left / least_bytes) return STATUS_BAD_VALUE;
  count = static_cast<std::size_t>(word);
  return STATUS_OK;
}

template <typename Plain>
binder_status_t read_plain(const Parcel& parcel, Value& value) {
  Plain plain{};
  const binder_status_t status = parcel.read(plain);
  value = plain;
  return status;
}

template <typename Element>
binder_status_t read_elements(const Parcel& parcel, Value& value) {
  std::size_t count = 0;
  binder_status_t status = read_count(parcel, sizeof(Element), count);
  if (status != STATUS_OK) return status;
  const std::byte* at = nullptr;
  status = parcel.take(count * sizeof(Element), at);
  if (status != STATUS_OK) return status;
  std::vector<Element> elements(count);
  if (count > 0) std::memcpy(elements.data(), at, count * sizeof(Element));
  value = std::move(elements);
  return STATUS_OK;
}

// Of elements that are read one by one, a word each at least.
template <typename Elements, typename Read>
binder_status_t read_one_by_one(const Parcel& parcel, Value& value, Read read) {
  std::size_t count = 0;
  binder_status_t status = read_count(parcel, sizeof(std::int32_t), count);
  Elements elements;
  for (std::size_t i = 0; i < count && status == STATUS_OK; ++i) status = read(elements);
  value = std::move(elements);
  return status;
}

binder_status_t read_value(const Parcel& parcel, std::int32_t kind, Value& value, unsigned depth) {
  switch (kind) {
    case kInt:
      return read_plain<std::int32_t>(parcel, value);
    case kLong:
      return read_plain<std::int64_t>(parcel, value);
    case kDouble:
      return read_plain<double>(parcel, value);
    case kBoolean: {
      std::int32_t word = 0;
      const binder_status_t status = parcel.read(word);
      value = word != 0;
      return status;
    }
    case kString: {
      std::string text;
      const binder_status_t status = parcel.read_string16(text);
      value = std::move(text);
      return status;
    }
    case kByteArray:
      return read_elements<std::uint8_t>(parcel, value);
    case kIntArray:
      return read_elements<std::int32_t>(parcel, value);
    case kLongArray:
      return read_elements<std::int64_t>(parcel, value);
    case kDoubleArray:
      return read_elements<double>(parcel, value);
    case kBooleanArray:
      return read_one_by_one<Booleans>(parcel, value, [&](Booleans& values) {
        std::int32_t word = 0;
        const binder_status_t status = parcel.read(word);
        values.push_back(word != 0);
        return status;
      });
    case kStringArray:
      return read_one_by_one<Strings>(parcel, value, [&](Strings& values) {
        return parcel.read_string16(values.emplace_back());
      });
    case kBundle: {
      Bundle inner;
      const binder_status_t status = read_bundle(parcel, inner, depth + 1);
      value = BundleValue(inner);
      return status;
    }
    default:
      return STATUS_BAD_TYPE;
  }
}

binder_status_t read_bundle(const Parcel& parcel, Bundle& bundle, unsigned depth) {
  if (depth > kMostDepth) return STATUS_BAD_VALUE;
  std::int32_t size = 0;
  binder_status_t status = parcel.read(size);
  if (status != STATUS_OK) return status;
  if (size < 0) return STATUS_BAD_VALUE;
  if (size == 0) return STATUS_OK;
  std::int32_t magic = 0;
  status = parcel.read(magic);
  if (status != STATUS_OK) return status;
  if (magic != kMagicJava && magic != kMagicNative) return STATUS_BAD_TYPE;
  std::int32_t count = 0;
  status = parcel.read(count);
  if (count < 0) return STATUS_BAD_VALUE;
  for (std::int32_t i = 0; i < count && status == STATUS_OK; ++i) {
    std::string key;
    std::int32_t kind = 0;
    status = parcel.read_string16(key);
    if (status == STATUS_OK) status = parcel.read(kind);
    Value value;
    if (status == STATUS_OK) status = read_value(parcel, kind, value, depth);
    if (status == STATUS_OK) bundle.values.insert_or_assign(std::move(key), std::move(value));
  }
  return status;
}

}  // namespace

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
  const binder_status_t status = read_bundle(*parcel, bundle->bundle, 0);
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
