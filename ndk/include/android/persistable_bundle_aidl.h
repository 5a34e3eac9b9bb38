// SPDX-License-Identifier: Apache-2.0
//
// android.os.PersistableBundle in generated code: an owner of an APersistableBundle.
#pragma once

#include <android/binder_parcel.h>
#include <android/persistable_bundle.h>

#include <cstdlib>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace aidl::android::os {

class PersistableBundle {
 public:
  PersistableBundle() noexcept : mPBundle(APersistableBundle_new()) {}
  // Takes ownership.
  explicit PersistableBundle(APersistableBundle* bundle) noexcept : mPBundle(bundle) {}
  PersistableBundle(const PersistableBundle& other)
      : mPBundle(APersistableBundle_dup(other.mPBundle)) {}
  PersistableBundle(PersistableBundle&& other) noexcept
      : mPBundle(std::exchange(other.mPBundle, APersistableBundle_new())) {}
  ~PersistableBundle() { APersistableBundle_delete(mPBundle); }
  PersistableBundle& operator=(const PersistableBundle& other) {
    if (this != &other) reset(APersistableBundle_dup(other.mPBundle));
    return *this;
  }
  PersistableBundle& operator=(PersistableBundle&& other) noexcept {
    std::swap(mPBundle, other.mPBundle);
    return *this;
  }

  APersistableBundle* get() const { return mPBundle; }
  [[nodiscard]] APersistableBundle* release() {
    return std::exchange(mPBundle, APersistableBundle_new());
  }
  void reset(APersistableBundle* bundle) {
    APersistableBundle_delete(mPBundle);
    mPBundle = bundle;
  }

  binder_status_t readFromParcel(const AParcel* parcel) {
    APersistableBundle* bundle = nullptr;
    const binder_status_t status = APersistableBundle_readFromParcel(parcel, &bundle);
    if (status == STATUS_OK) reset(bundle);
    return status;
  }
  binder_status_t writeToParcel(AParcel* parcel) const {
    return APersistableBundle_writeToParcel(mPBundle, parcel);
  }

  bool operator==(const PersistableBundle& rhs) const {
    return APersistableBundle_isEqual(mPBundle, rhs.mPBundle);
  }
  bool operator!=(const PersistableBundle& rhs) const { return !(*this == rhs); }
  // By identity, so that classes with bundles have an order, too.
  bool operator<(const PersistableBundle& rhs) const { return mPBundle < rhs.mPBundle; }
  bool operator>(const PersistableBundle& rhs) const { return rhs < *this; }
  bool operator<=(const PersistableBundle& rhs) const { return !(rhs < *this); }
  bool operator>=(const PersistableBundle& rhs) const { return !(*this < rhs); }

  int32_t size() const { return APersistableBundle_size(mPBundle); }
  int32_t erase(const std::string& key) { return APersistableBundle_erase(mPBundle, key.c_str()); }

  // ---- putting ----

  void putBoolean(const std::string& key, bool val) {
    APersistableBundle_putBoolean(mPBundle, key.c_str(), val);
  }
  void putInt(const std::string& key, int32_t val) {
    APersistableBundle_putInt(mPBundle, key.c_str(), val);
  }
  void putLong(const std::string& key, int64_t val) {
    APersistableBundle_putLong(mPBundle, key.c_str(), val);
  }
  void putDouble(const std::string& key, double val) {
    APersistableBundle_putDouble(mPBundle, key.c_str(), val);
  }
  void putString(const std::string& key, const std::string& val) {
    APersistableBundle_putString(mPBundle, key.c_str(), val.c_str());
  }
  void putBooleanVector(const std::string& key, const std::vector<bool>& vec) {
    // A vector of bool has no array of them.
    bool* const values = new bool[vec.size()];
    for (std::size_t i = 0; i < vec.size(); ++i) values[i] = vec[i];
    APersistableBundle_putBooleanVector(mPBundle, key.c_str(), values, count(vec));
    delete[] values;
  }
  void putIntVector(const std::string& key, const std::vector<int32_t>& vec) {
    APersistableBundle_putIntVector(mPBundle, key.c_str(), vec.data(), count(vec));
  }
  void putLongVector(const std::string& key, const std::vector<int64_t>& vec) {
    APersistableBundle_putLongVector(mPBundle, key.c_str(), vec.data(), count(vec));
  }
  void putDoubleVector(const std::string& key, const std::vector<double>& vec) {
    APersistableBundle_putDoubleVector(mPBundle, key.c_str(), vec.data(), count(vec));
  }
  void putByteVector(const std::string& key, const std::vector<uint8_t>& vec) {
    APersistableBundle_putByteVector(mPBundle, key.c_str(), vec.data(), count(vec));
  }
  void putStringVector(const std::string& key, const std::vector<std::string>& vec) {
    std::vector<const char*> texts;
    for (const std::string& text : vec) texts.push_back(text.c_str());
    APersistableBundle_putStringVector(mPBundle, key.c_str(), texts.data(), count(texts));
  }
  void putPersistableBundle(const std::string& key, const PersistableBundle& val) {
    APersistableBundle_putPersistableBundle(mPBundle, key.c_str(), val.mPBundle);
  }

  // ---- getting: false if there is no value of this kind ----

  bool getBoolean(const std::string& key, bool* val) const {
    return APersistableBundle_getBoolean(mPBundle, key.c_str(), val);
  }
  bool getInt(const std::string& key, int32_t* val) const {
    return APersistableBundle_getInt(mPBundle, key.c_str(), val);
  }
  bool getLong(const std::string& key, int64_t* val) const {
    return APersistableBundle_getLong(mPBundle, key.c_str(), val);
  }
  bool getDouble(const std::string& key, double* val) const {
    return APersistableBundle_getDouble(mPBundle, key.c_str(), val);
  }
  bool getString(const std::string& key, std::string* val) const {
    char* text = nullptr;
    const int32_t size =
        APersistableBundle_getString(mPBundle, key.c_str(), &text, allocate, nullptr);
    if (size < 0) return false;
    *val = text;
    std::free(text);
    return true;
  }
  bool getBooleanVector(const std::string& key, std::vector<bool>* vec) const {
    const int32_t size = APersistableBundle_getBooleanVector(mPBundle, key.c_str(), nullptr, 0);
    if (size < 0) return false;
    bool* const values = new bool[static_cast<std::size_t>(size) / sizeof(bool)];
    APersistableBundle_getBooleanVector(mPBundle, key.c_str(), values, size);
    vec->assign(values, values + static_cast<std::size_t>(size) / sizeof(bool));
    delete[] values;
    return true;
  }
  bool getIntVector(const std::string& key, std::vector<int32_t>* vec) const {
    return getVector(APersistableBundle_getIntVector, key, vec);
  }
  bool getLongVector(const std::string& key, std::vector<int64_t>* vec) const {
    return getVector(APersistableBundle_getLongVector, key, vec);
  }
  bool getDoubleVector(const std::string& key, std::vector<double>* vec) const {
    return getVector(APersistableBundle_getDoubleVector, key, vec);
  }
  bool getByteVector(const std::string& key, std::vector<uint8_t>* vec) const {
    return getVector(APersistableBundle_getByteVector, key, vec);
  }
  bool getStringVector(const std::string& key, std::vector<std::string>* vec) const {
    const auto get = [&](char** buffer, int32_t size) {
      return APersistableBundle_getStringVector(mPBundle, key.c_str(), buffer, size, allocate,
                                                nullptr);
    };
    return getStrings(
        get, [&](const char* text) { vec->emplace_back(text); }, [&] { vec->clear(); });
  }
  bool getPersistableBundle(const std::string& key, PersistableBundle* val) const {
    APersistableBundle* bundle = nullptr;
    if (!APersistableBundle_getPersistableBundle(mPBundle, key.c_str(), &bundle)) return false;
    val->reset(bundle);
    return true;
  }

  // ---- keys of a kind ----

  std::set<std::string> getBooleanKeys() const { return keys(APersistableBundle_getBooleanKeys); }
  std::set<std::string> getIntKeys() const { return keys(APersistableBundle_getIntKeys); }
  std::set<std::string> getLongKeys() const { return keys(APersistableBundle_getLongKeys); }
  std::set<std::string> getDoubleKeys() const { return keys(APersistableBundle_getDoubleKeys); }
  std::set<std::string> getStringKeys() const { return keys(APersistableBundle_getStringKeys); }
  std::set<std::string> getBooleanVectorKeys() const {
    return keys(APersistableBundle_getBooleanVectorKeys);
  }
  std::set<std::string> getIntVectorKeys() const {
    return keys(APersistableBundle_getIntVectorKeys);
  }
  std::set<std::string> getLongVectorKeys() const {
    return keys(APersistableBundle_getLongVectorKeys);
  }
  std::set<std::string> getDoubleVectorKeys() const {
    return keys(APersistableBundle_getDoubleVectorKeys);
  }
  std::set<std::string> getByteVectorKeys() const {
    return keys(APersistableBundle_getByteVectorKeys);
  }
  std::set<std::string> getStringVectorKeys() const {
    return keys(APersistableBundle_getStringVectorKeys);
  }
  std::set<std::string> getPersistableBundleKeys() const {
    return keys(APersistableBundle_getPersistableBundleKeys);
  }

  std::string toString() const {
    return "PersistableBundle of " + std::to_string(size()) + " values";
  }

 private:
  static char* allocate(int32_t size, void* /*context*/) {
    return static_cast<char*>(std::malloc(static_cast<std::size_t>(size)));
  }
  template <typename Vector>
  static int32_t count(const Vector& vec) {
    return static_cast<int32_t>(vec.size());
  }
  template <typename T>
  bool getVector(int32_t (*get)(const APersistableBundle*, const char*, T*, int32_t),
                 const std::string& key, std::vector<T>* vec) const {
    const int32_t size = get(mPBundle, key.c_str(), nullptr, 0);
    if (size < 0) return false;
    vec->resize(static_cast<std::size_t>(size) / sizeof(T));
    (void)get(mPBundle, key.c_str(), vec->data(), size);
    return true;
  }
  template <typename Get, typename Take, typename Clear>
  static bool getStrings(Get get, Take take, Clear clear) {
    const int32_t size = get(nullptr, 0);
    if (size < 0) return false;
    std::vector<char*> texts(static_cast<std::size_t>(size) / sizeof(char*));
    const int32_t got = get(texts.data(), size);
    if (got >= 0) clear();
    for (char* const text : texts) {
      if (got >= 0 && text != nullptr) take(text);
      std::free(text);
    }
    return got >= 0;
  }
  std::set<std::string> keys(int32_t (*get)(const APersistableBundle*, char**, int32_t,
                                            APersistableBundle_stringAllocator, void*)) const {
    std::set<std::string> found;
    getStrings(
        [&](char** buffer, int32_t size) { return get(mPBundle, buffer, size, allocate, nullptr); },
        [&](const char* text) { found.insert(text); }, [] {});
    return found;
  }

  APersistableBundle* mPBundle;
};

}  // namespace aidl::android::os
