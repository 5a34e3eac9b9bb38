// SPDX-License-Identifier: Apache-2.0
//
// C++ owners of what the C API gives to its callers.
#pragma once

#include <android/binder_ibinder.h>
#include <android/binder_internal_logging.h>
#include <android/binder_parcel.h>
#include <android/binder_status.h>
#include <assert.h>
#include <unistd.h>

#include <cstddef>
#include <iostream>
#include <string>

namespace ndk {

// A strong reference to an object, or none.
class SpAIBinder {
 public:
  SpAIBinder() : mBinder(nullptr) {}
  // Takes the caller's reference.
  explicit SpAIBinder(AIBinder* binder) : mBinder(binder) {}
  SpAIBinder(std::nullptr_t) : SpAIBinder() {}  // NOLINT(google-explicit-constructor)
  SpAIBinder(const SpAIBinder& other) { *this = other; }
  SpAIBinder(SpAIBinder&& other) noexcept : mBinder(other.mBinder) { other.mBinder = nullptr; }
  virtual ~SpAIBinder() { set(nullptr); }

  SpAIBinder& operator=(const SpAIBinder& other) {
    if (this == &other) return *this;
    AIBinder_incStrong(other.mBinder);
    set(other.mBinder);
    return *this;
  }
  SpAIBinder& operator=(SpAIBinder&& other) noexcept {
    if (this == &other) return *this;
    AIBinder* const binder = other.mBinder;
    other.mBinder = nullptr;
    set(binder);
    return *this;
  }

  // Takes the caller's reference.
  void set(AIBinder* binder) {
    AIBinder* const old = *const_cast<AIBinder* volatile*>(&mBinder);
    if (old != nullptr) AIBinder_decStrong(old);
    // Letting go may run code that sets this one.
    if (*const_cast<AIBinder* volatile*>(&mBinder) != old) __builtin_trap();
    mBinder = binder;
  }

  AIBinder* get() const { return mBinder; }
  // For functions that give a reference through a pointer.
  AIBinder** getR() { return &mBinder; }

 private:
  AIBinder* mBinder = nullptr;
};

#define SP_AIBINDER_COMPARE(_op_)                                                  \
  static inline bool operator _op_(const SpAIBinder& lhs, const SpAIBinder& rhs) { \
    return lhs.get() _op_ rhs.get();                                               \
  }
SP_AIBINDER_COMPARE(!=)
SP_AIBINDER_COMPARE(<)
SP_AIBINDER_COMPARE(<=)
SP_AIBINDER_COMPARE(==)
SP_AIBINDER_COMPARE(>)
SP_AIBINDER_COMPARE(>=)
#undef SP_AIBINDER_COMPARE

namespace impl {

// Owns a T that `Destroy` ends, or DEFAULT.
template <typename T, void (*Destroy)(T), T DEFAULT>
class ScopedAResource {
 public:
  explicit ScopedAResource(T t = DEFAULT) : mT(t) {}
  ScopedAResource(ScopedAResource&& other) noexcept : mT(other.mT) { other.mT = DEFAULT; }
  ~ScopedAResource() { set(DEFAULT); }
  ScopedAResource(const ScopedAResource&) = delete;
  ScopedAResource& operator=(const ScopedAResource&) = delete;
  ScopedAResource& operator=(ScopedAResource&& other) noexcept {
    if (this != &other) {
      set(other.mT);
      other.mT = DEFAULT;
    }
    return *this;
  }

  void set(T t) {
    Destroy(mT);
    mT = t;
  }
  T get() const { return mT; }
  // For functions that fill a place; what was in it must be nothing.
  T* getR() { return &mT; }
  [[nodiscard]] T release() {
    const T t = mT;
    mT = DEFAULT;
    return t;
  }

 private:
  T mT;
};

template <typename T, void (*Destroy)(T)>
struct ScopedAResourceDefault {
  static void destroy(T* t) { Destroy(*t); }
};

inline void delete_fd(int fd) {
  if (fd >= 0) ::close(fd);
}

}  // namespace impl

class ScopedAParcel : public impl::ScopedAResource<AParcel*, AParcel_delete, nullptr> {
 public:
  explicit ScopedAParcel(AParcel* a = nullptr) : ScopedAResource(a) {}
  ~ScopedAParcel() {}
  ScopedAParcel(ScopedAParcel&&) = default;
  ScopedAParcel& operator=(ScopedAParcel&&) = default;

  bool operator!=(const ScopedAParcel& rhs) const { return get() != rhs.get(); }
  bool operator<(const ScopedAParcel& rhs) const { return get() < rhs.get(); }
  bool operator<=(const ScopedAParcel& rhs) const { return get() <= rhs.get(); }
  bool operator==(const ScopedAParcel& rhs) const { return get() == rhs.get(); }
  bool operator>(const ScopedAParcel& rhs) const { return get() > rhs.get(); }
  bool operator>=(const ScopedAParcel& rhs) const { return get() >= rhs.get(); }
};

// The result of a method of a service. Empty, it is none.
class ScopedAStatus : public impl::ScopedAResource<AStatus*, AStatus_delete, nullptr> {
 public:
  explicit ScopedAStatus(AStatus* a = nullptr) : ScopedAResource(a) {}
  ~ScopedAStatus() {}
  ScopedAStatus(ScopedAStatus&&) = default;
  ScopedAStatus& operator=(ScopedAStatus&&) = default;

  bool isOk() const { return get() != nullptr && AStatus_isOk(get()); }
  binder_exception_t getExceptionCode() const { return AStatus_getExceptionCode(get()); }
  int32_t getServiceSpecificError() const { return AStatus_getServiceSpecificError(get()); }
  binder_status_t getStatus() const { return AStatus_getStatus(get()); }
  const char* getMessage() const { return AStatus_getMessage(get()); }
  std::string getDescription() const {
    if (get() == nullptr) return "(no status)";
    const char* const text = AStatus_getDescription(get());
    std::string description(text);
    AStatus_deleteDescription(text);
    return description;
  }

  static ScopedAStatus ok() { return ScopedAStatus(AStatus_newOk()); }
  static ScopedAStatus fromExceptionCode(binder_exception_t exception) {
    return ScopedAStatus(AStatus_fromExceptionCode(exception));
  }
  static ScopedAStatus fromExceptionCodeWithMessage(binder_exception_t exception,
                                                    const char* message) {
    return ScopedAStatus(AStatus_fromExceptionCodeWithMessage(exception, message));
  }
  static ScopedAStatus fromServiceSpecificError(int32_t serviceSpecific) {
    return ScopedAStatus(AStatus_fromServiceSpecificError(serviceSpecific));
  }
  static ScopedAStatus fromServiceSpecificErrorWithMessage(int32_t serviceSpecific,
                                                           const char* message) {
    return ScopedAStatus(AStatus_fromServiceSpecificErrorWithMessage(serviceSpecific, message));
  }
  static ScopedAStatus fromStatus(binder_status_t status) {
    return ScopedAStatus(AStatus_fromStatus(status));
  }
};

static inline std::ostream& operator<<(std::ostream& os, const ScopedAStatus& status) {
  return os << status.getDescription();
}

class ScopedAIBinder_DeathRecipient
    : public impl::ScopedAResource<AIBinder_DeathRecipient*, AIBinder_DeathRecipient_delete,
                                   nullptr> {
 public:
  explicit ScopedAIBinder_DeathRecipient(AIBinder_DeathRecipient* a = nullptr)
      : ScopedAResource(a) {}
  ~ScopedAIBinder_DeathRecipient() {}
  ScopedAIBinder_DeathRecipient(ScopedAIBinder_DeathRecipient&&) = default;
  ScopedAIBinder_DeathRecipient& operator=(ScopedAIBinder_DeathRecipient&&) = default;
};

class ScopedAIBinder_FrozenStateChangeCallback
    : public impl::ScopedAResource<AIBinder_FrozenStateChangeCallback*,
                                   AIBinder_FrozenStateChangeCallback_delete, nullptr> {
 public:
  explicit ScopedAIBinder_FrozenStateChangeCallback(AIBinder_FrozenStateChangeCallback* a = nullptr)
      : ScopedAResource(a) {}
  ~ScopedAIBinder_FrozenStateChangeCallback() {}
  ScopedAIBinder_FrozenStateChangeCallback(ScopedAIBinder_FrozenStateChangeCallback&&) = default;
  ScopedAIBinder_FrozenStateChangeCallback& operator=(ScopedAIBinder_FrozenStateChangeCallback&&) =
      default;
};

class ScopedAIBinder_Weak
    : public impl::ScopedAResource<AIBinder_Weak*, AIBinder_Weak_delete, nullptr> {
 public:
  explicit ScopedAIBinder_Weak(AIBinder_Weak* a = nullptr) : ScopedAResource(a) {}
  ~ScopedAIBinder_Weak() {}
  ScopedAIBinder_Weak(ScopedAIBinder_Weak&&) = default;
  ScopedAIBinder_Weak& operator=(ScopedAIBinder_Weak&&) = default;

  SpAIBinder promote() const {
    return get() != nullptr ? SpAIBinder(AIBinder_Weak_promote(get())) : SpAIBinder();
  }
};

class ScopedFileDescriptor : public impl::ScopedAResource<int, impl::delete_fd, -1> {
 public:
  ScopedFileDescriptor() : ScopedFileDescriptor(-1) {}
  explicit ScopedFileDescriptor(int a) : ScopedAResource(a) {}
  ~ScopedFileDescriptor() {}
  ScopedFileDescriptor(ScopedFileDescriptor&&) = default;
  ScopedFileDescriptor& operator=(ScopedFileDescriptor&&) = default;

  ScopedFileDescriptor dup() const { return ScopedFileDescriptor(::dup(get())); }

  bool operator!=(const ScopedFileDescriptor& rhs) const { return get() != rhs.get(); }
  bool operator<(const ScopedFileDescriptor& rhs) const { return get() < rhs.get(); }
  bool operator<=(const ScopedFileDescriptor& rhs) const { return get() <= rhs.get(); }
  bool operator==(const ScopedFileDescriptor& rhs) const { return get() == rhs.get(); }
  bool operator>(const ScopedFileDescriptor& rhs) const { return get() > rhs.get(); }
  bool operator>=(const ScopedFileDescriptor& rhs) const { return get() >= rhs.get(); }
};

}  // namespace ndk
