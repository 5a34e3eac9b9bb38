// SPDX-License-Identifier: Apache-2.0
//
// The base classes of generated interfaces: objects that count their own references, interfaces,
// and the two sides of each, local (BnCInterface) and remote (BpCInterface).
#pragma once

#include <android/binder_auto_utils.h>
#include <android/binder_ibinder.h>
#include <android/binder_shell.h>
#include <android/llndk-versioning.h>
#define HAS_BINDER_SHELL_COMMAND

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace ndk {

// Keeps itself by shared_ptr, so that the object can always give out references to itself. Made by
// make(), or by new followed by ref(); never by std::make_shared.
class SharedRefBase {
 public:
  SharedRefBase() {}
  virtual ~SharedRefBase() {
    std::call_once(mFlagThis, [] { fail("SharedRefBase: no ref created during lifetime"); });
    if (ref() != nullptr) {
      fail(
          "SharedRefBase: destructed but still able to lock weak_ptr. Is this object "
          "double-owned?");
    }
  }

  // The first call makes the shared_ptr that owns the object.
  std::shared_ptr<SharedRefBase> ref() {
    std::shared_ptr<SharedRefBase> self = mThis.lock();
    std::call_once(mFlagThis, [&] { mThis = self = std::shared_ptr<SharedRefBase>(this); });
    return self;
  }
  template <typename Child>
  std::shared_ptr<Child> ref() {
    return std::static_pointer_cast<Child>(ref());
  }

  template <class T, class... Args>
  static std::shared_ptr<T> make(Args&&... args) {
    T* const object = new T(std::forward<Args>(args)...);
    return object->template ref<T>();
  }

  static void operator delete(void* memory) { std::free(memory); }
  // Public, as code of the first generators makes its proxies with new.
  static void* operator new(std::size_t size) { return std::malloc(size); }

 private:
  [[noreturn]] static void fail(const char* why) {
    std::fprintf(stderr, "%s\n", why);
    std::abort();
  }

  std::once_flag mFlagThis;
  std::weak_ptr<SharedRefBase> mThis;
};

class ICInterface : public SharedRefBase {
 public:
  ICInterface() {}
  virtual ~ICInterface() {}

  // The one object of this interface.
  virtual SpAIBinder asBinder() = 0;
  virtual bool isRemote() = 0;
  // Neither owns its descriptors.
  virtual inline binder_status_t dump(int fd, const char** args, uint32_t numArgs);
  virtual inline binder_status_t handleShellCommand(int in, int out, int err, const char** argv,
                                                    uint32_t argc);

  // The implementation behind a local object that was made of one; null for others.
  static inline std::shared_ptr<ICInterface> asInterface(AIBinder* binder);
  static inline AIBinder_Class* defineClass(const char* interfaceDescriptor,
                                            AIBinder_Class_onTransact onTransact);
  static inline AIBinder_Class* defineClass(const char* interfaceDescriptor,
                                            AIBinder_Class_onTransact onTransact,
                                            const char** codeToFunction, size_t functionCount);

 private:
  // The user data of the local object.
  struct ICInterfaceData {
    std::shared_ptr<ICInterface> interface;

    static inline std::shared_ptr<ICInterface> getInterface(AIBinder* binder);
    static inline void* onCreate(void* args);
    static inline void onDestroy(void* userData);
    static inline binder_status_t onDump(AIBinder* binder, int fd, const char** args,
                                         uint32_t numArgs);
    static inline binder_status_t handleShellCommand(AIBinder* binder, int in, int out, int err,
                                                     const char** argv, uint32_t argc);
  };
};

// An implementation in this process.
template <typename INTERFACE>
class BnCInterface : public INTERFACE {
 public:
  BnCInterface() {}
  virtual ~BnCInterface() {}

  SpAIBinder asBinder() override final;
  bool isRemote() override final { return false; }
  // As services of stable interfaces are named.
  static std::string makeServiceName(std::string_view instance) {
    return INTERFACE::descriptor + ("/" + std::string(instance));
  }

 protected:
  // Called by asBinder only.
  virtual SpAIBinder createBinder() = 0;

 private:
  std::mutex mMutex;
  ScopedAIBinder_Weak mWeakBinder;
};

// An implementation in another process.
template <typename INTERFACE>
class BpCInterface : public INTERFACE {
 public:
  explicit BpCInterface(const SpAIBinder& binder) : mBinder(binder) {}
  virtual ~BpCInterface() {}

  SpAIBinder asBinder() override final { return mBinder; }
  const SpAIBinder& asBinderReference() { return mBinder; }
  bool isRemote() override final { return AIBinder_isRemote(mBinder.get()); }
  binder_status_t dump(int fd, const char** args, uint32_t numArgs) override {
    return AIBinder_dump(mBinder.get(), fd, args, numArgs);
  }

 private:
  SpAIBinder mBinder;
};

// ---- definitions ----

binder_status_t ICInterface::dump(int /*fd*/, const char** /*args*/, uint32_t /*numArgs*/) {
  return STATUS_OK;
}

binder_status_t ICInterface::handleShellCommand(int /*in*/, int /*out*/, int /*err*/,
                                                const char** /*argv*/, uint32_t /*argc*/) {
  return STATUS_OK;
}

std::shared_ptr<ICInterface> ICInterface::asInterface(AIBinder* binder) {
  return ICInterfaceData::getInterface(binder);
}

AIBinder_Class* ICInterface::defineClass(const char* interfaceDescriptor,
                                         AIBinder_Class_onTransact onTransact) {
  return defineClass(interfaceDescriptor, onTransact, nullptr, 0);
}

AIBinder_Class* ICInterface::defineClass(const char* interfaceDescriptor,
                                         AIBinder_Class_onTransact onTransact,
                                         const char** codeToFunction, size_t functionCount) {
  AIBinder_Class* const clazz = AIBinder_Class_define(
      interfaceDescriptor, ICInterfaceData::onCreate, ICInterfaceData::onDestroy, onTransact);
  if (clazz == nullptr) return nullptr;
  AIBinder_Class_setOnDump(clazz, ICInterfaceData::onDump);
  AIBinder_Class_setHandleShellCommand(clazz, ICInterfaceData::handleShellCommand);
  if (codeToFunction != nullptr) {
    AIBinder_Class_setTransactionCodeToFunctionNameMap(clazz, codeToFunction, functionCount);
  }
  return clazz;
}

std::shared_ptr<ICInterface> ICInterface::ICInterfaceData::getInterface(AIBinder* binder) {
  void* const data = AIBinder_getUserData(binder);
  return data != nullptr ? static_cast<ICInterfaceData*>(data)->interface : nullptr;
}

void* ICInterface::ICInterfaceData::onCreate(void* args) {
  return new ICInterfaceData{static_cast<ICInterface*>(args)->ref<ICInterface>()};
}

void ICInterface::ICInterfaceData::onDestroy(void* userData) {
  delete static_cast<ICInterfaceData*>(userData);
}

binder_status_t ICInterface::ICInterfaceData::onDump(AIBinder* binder, int fd, const char** args,
                                                     uint32_t numArgs) {
  const std::shared_ptr<ICInterface> interface = getInterface(binder);
  return interface != nullptr ? interface->dump(fd, args, numArgs) : STATUS_DEAD_OBJECT;
}

binder_status_t ICInterface::ICInterfaceData::handleShellCommand(AIBinder* binder, int in, int out,
                                                                 int err, const char** argv,
                                                                 uint32_t argc) {
  const std::shared_ptr<ICInterface> interface = getInterface(binder);
  return interface != nullptr ? interface->handleShellCommand(in, out, err, argv, argc)
                              : STATUS_DEAD_OBJECT;
}

template <typename INTERFACE>
SpAIBinder BnCInterface<INTERFACE>::asBinder() {
  const std::lock_guard<std::mutex> lock(mMutex);
  SpAIBinder binder = mWeakBinder.promote();
  if (binder.get() == nullptr) {
    binder = createBinder();
    mWeakBinder.set(AIBinder_Weak_new(binder.get()));
  }
  return binder;
}

namespace internal {

template <typename T, typename = void>
struct is_complete_type : std::false_type {};
template <typename T>
struct is_complete_type<T, decltype(void(sizeof(T)))> : std::true_type {};

}  // namespace internal
}  // namespace ndk

// Objects that own themselves cannot be owned by these.
namespace std {

template <typename T, typename... Args,
          std::enable_if_t<ndk::internal::is_complete_type<T>::value, bool> = true,
          std::enable_if_t<std::is_base_of<ndk::SharedRefBase, T>::value, bool> = true>
shared_ptr<T> make_shared(Args...) {
  static_assert(!std::is_base_of<ndk::SharedRefBase, T>::value,
                "use ndk::SharedRefBase::make<T>(...)");
}

template <typename T, typename... Args,
          std::enable_if_t<ndk::internal::is_complete_type<T>::value, bool> = true,
          std::enable_if_t<std::is_base_of<ndk::SharedRefBase, T>::value, bool> = true>
unique_ptr<T> make_unique(Args...) {
  static_assert(!std::is_base_of<ndk::SharedRefBase, T>::value,
                "use ndk::SharedRefBase::make<T>(...)");
}

}  // namespace std
