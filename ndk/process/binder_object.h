// SPDX-License-Identifier: Apache-2.0
//
// AIBinder, the C API's object: one of this process (LocalBinder), or the proxy of another's
// (RemoteBinder, one for each handle). It is made with one strong reference. Without strong
// references it is dead but stays in memory for the weak ones, all strong ones together being one
// of these. Any thread.
#pragma once

#include <android/binder_ibinder.h>
#include <linux/android/binder.h>

#include <atomic>
#include <cstdint>

#include "ndk/parcel/format.h"

struct AIBinder {
 public:
  AIBinder(const AIBinder&) = delete;
  AIBinder& operator=(const AIBinder&) = delete;

  void inc_strong();
  // The caller knows that nobody else may have a reference.
  [[nodiscard]] bool try_inc_strong();
  void dec_strong();
  void inc_weak();
  void dec_weak();
  [[nodiscard]] std::int32_t strong_count() const { return strong_.load(); }

  // Different for all objects that there have ever been in this process.
  [[nodiscard]] std::uint64_t serial() const { return serial_; }

  [[nodiscard]] const AIBinder_Class* clazz() const { return clazz_.load(); }
  [[nodiscard]] netbinder::ndk::Stability stability() const { return stability_.load(); }
  void set_stability(netbinder::ndk::Stability level) { stability_.store(level); }

  [[nodiscard]] virtual bool remote() const = 0;
  [[nodiscard]] virtual bool alive() const = 0;
  [[nodiscard]] virtual bool associate(const AIBinder_Class* clazz) = 0;
  // How it is written into a parcel.
  virtual void describe(flat_binder_object& object) const = 0;
  // A call, with whatever code; with STATUS_OK, `out` is the answer at its start.
  [[nodiscard]] virtual binder_status_t transact(transaction_code_t code, const AParcel& in,
                                                 AParcel* out, binder_flags_t flags) = 0;

  // The object that a parcel names, with a strong reference for the caller. The driver has
  // translated `object`, or this process has written it.
  [[nodiscard]] static binder_status_t from_parcel(const flat_binder_object& object,
                                                   netbinder::ndk::Stability stability,
                                                   AIBinder*& binder);

 protected:
  AIBinder(const AIBinder_Class* clazz, netbinder::ndk::Stability stability);
  virtual ~AIBinder() = default;
  void set_clazz(const AIBinder_Class* clazz) { clazz_.store(clazz); }
  // The last strong reference is gone.
  virtual void die() = 0;

 private:
  std::atomic<std::int32_t> strong_ = 1;
  std::atomic<std::int32_t> weak_ = 1;
  std::atomic<const AIBinder_Class*> clazz_;
  std::atomic<netbinder::ndk::Stability> stability_;
  const std::uint64_t serial_;
};

namespace netbinder::ndk {

// Owns a strong reference, or none.
class StrongBinder {
 public:
  StrongBinder() = default;
  // Takes the caller's.
  explicit StrongBinder(AIBinder* binder) : binder_(binder) {}
  ~StrongBinder() {
    if (binder_ != nullptr) binder_->dec_strong();
  }
  StrongBinder(StrongBinder&& other) noexcept : binder_(other.release()) {}
  StrongBinder& operator=(StrongBinder&& other) noexcept {
    if (this != &other) {
      AIBinder* const old = binder_;
      binder_ = other.release();
      if (old != nullptr) old->dec_strong();
    }
    return *this;
  }
  StrongBinder(const StrongBinder&) = delete;
  StrongBinder& operator=(const StrongBinder&) = delete;
  [[nodiscard]] static StrongBinder of(AIBinder* binder) {
    if (binder != nullptr) binder->inc_strong();
    return StrongBinder(binder);
  }

  [[nodiscard]] AIBinder* get() const { return binder_; }
  AIBinder* operator->() const { return binder_; }
  explicit operator bool() const { return binder_ != nullptr; }
  [[nodiscard]] AIBinder* release() {
    AIBinder* const binder = binder_;
    binder_ = nullptr;
    return binder;
  }

 private:
  AIBinder* binder_ = nullptr;
};

}  // namespace netbinder::ndk
