// SPDX-License-Identifier: Apache-2.0
//
// A persistable bundle: named values of plain kinds, and its form in parcels. A value.
#pragma once

#include <android/binder_status.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "ndk/parcel/parcel.h"

namespace netbinder::ndk {

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

[[nodiscard]] binder_status_t write_bundle(Parcel& parcel, const Bundle& bundle);
// STATUS_BAD_TYPE where there is no bundle, or a value of an unknown kind.
[[nodiscard]] binder_status_t read_bundle(const Parcel& parcel, Bundle& bundle);

}  // namespace netbinder::ndk
