// SPDX-License-Identifier: Apache-2.0
//
// The parts of parcelables: their stability, and ParcelableHolder, a place for a parcelable of any
// class, which is known by its name.
#pragma once

#include <android/binder_parcel_utils.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>

namespace ndk {

typedef int32_t parcelable_stability_t;
enum {
  STABILITY_LOCAL,
  STABILITY_VINTF,  // of @VintfStability
};

class AParcelableHolder {
 public:
  AParcelableHolder() = delete;
  explicit AParcelableHolder(parcelable_stability_t stability)
      : mParcel(AParcel_create()), mStability(stability) {}
  AParcelableHolder(const AParcelableHolder& other)
      : mParcel(AParcel_create()), mStability(other.mStability) {
    copy(other);
  }
  AParcelableHolder(AParcelableHolder&& other) = default;
  virtual ~AParcelableHolder() = default;
  AParcelableHolder& operator=(const AParcelableHolder& other) {
    if (this == &other) return *this;
    if (mStability != other.mStability) {
      std::fprintf(stderr, "binder: AParcelableHolder of stability %d is not one of %d\n",
                   mStability, other.mStability);
      std::abort();
    }
    reset();
    copy(other);
    return *this;
  }

  binder_status_t writeToParcel(AParcel* parcel) const {
    const int32_t size = AParcel_getDataSize(mParcel.get());
    binder_status_t status = AParcel_writeInt32(parcel, mStability);
    if (status == STATUS_OK) status = AParcel_writeInt32(parcel, size);
    if (status == STATUS_OK) status = AParcel_appendFrom(mParcel.get(), parcel, 0, size);
    return status;
  }

  binder_status_t readFromParcel(const AParcel* parcel) {
    reset();
    parcelable_stability_t stability = STABILITY_LOCAL;
    binder_status_t status = AParcel_readInt32(parcel, &stability);
    if (status != STATUS_OK) return status;
    if (stability != mStability) return STATUS_BAD_VALUE;
    int32_t size = 0;
    status = AParcel_readInt32(parcel, &size);
    if (status != STATUS_OK) return status;
    const int32_t start = AParcel_getDataPosition(parcel);
    if (size < 0 || start > INT32_MAX - size) return STATUS_BAD_VALUE;
    status = AParcel_appendFrom(parcel, mParcel.get(), start, size);
    return status == STATUS_OK ? AParcel_setDataPosition(parcel, start + size) : status;
  }

  // STATUS_BAD_VALUE if it is less stable than the holder.
  template <typename T>
  binder_status_t setParcelable(const T& p) {
    if (mStability > T::_aidl_stability) return STATUS_BAD_VALUE;
    reset();
    binder_status_t status = ::AParcel_writeString(
        mParcel.get(), T::descriptor, static_cast<int32_t>(std::strlen(T::descriptor)));
    if (status == STATUS_OK) status = p.writeToParcel(mParcel.get());
    if (status != STATUS_OK) reset();
    return status;
  }

  // Nothing if the holder is empty, or has one of another class.
  template <typename T>
  binder_status_t getParcelable(std::optional<T>* ret) const {
    ret->reset();
    AParcel_setDataPosition(mParcel.get(), 0);
    if (AParcel_getDataSize(mParcel.get()) == 0) return STATUS_OK;
    std::string descriptor;
    binder_status_t status = AParcel_readString(mParcel.get(), &descriptor);
    if (status != STATUS_OK || descriptor != T::descriptor) return status;
    ret->emplace();
    status = (*ret)->readFromParcel(mParcel.get());
    if (status != STATUS_OK) ret->reset();
    return status;
  }

  void reset() { AParcel_reset(mParcel.get()); }

  // By identity, so that classes with holders have an order, too.
  bool operator!=(const AParcelableHolder& rhs) const { return this != &rhs; }
  bool operator<(const AParcelableHolder& rhs) const { return this < &rhs; }
  bool operator<=(const AParcelableHolder& rhs) const { return this <= &rhs; }
  bool operator==(const AParcelableHolder& rhs) const { return this == &rhs; }
  bool operator>(const AParcelableHolder& rhs) const { return this > &rhs; }
  bool operator>=(const AParcelableHolder& rhs) const { return this >= &rhs; }

  std::string toString() const { return "{AParcelableHolder}"; }

 private:
  void copy(const AParcelableHolder& other) {
    AParcel_appendFrom(other.mParcel.get(), mParcel.get(), 0,
                       AParcel_getDataSize(other.mParcel.get()));
  }

  mutable ScopedAParcel mParcel;  // reading moves its position
  parcelable_stability_t mStability;
};

}  // namespace ndk
