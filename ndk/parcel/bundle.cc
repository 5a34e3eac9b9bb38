// SPDX-License-Identifier: Apache-2.0
#include "ndk/parcel/bundle.h"

#include <cstring>
#include <iterator>
#include <utility>

namespace netbinder::ndk {

BundleValue::BundleValue(const Bundle& bundle) : bundle_(std::make_unique<Bundle>(bundle)) {}
BundleValue::BundleValue(const BundleValue& other) : BundleValue(other.get()) {}
BundleValue& BundleValue::operator=(const BundleValue& other) {
  if (this != &other) bundle_ = std::make_unique<Bundle>(other.get());
  return *this;
}
BundleValue::~BundleValue() = default;
bool BundleValue::operator==(const BundleValue& other) const { return get() == other.get(); }

namespace {

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

}  // namespace

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

namespace {

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

// Reads elements that are read one by one and take a word each at least.
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

binder_status_t read_bundle(const Parcel& parcel, Bundle& bundle) {
  return read_bundle(parcel, bundle, 0);
}

}  // namespace netbinder::ndk
