// SPDX-License-Identifier: Apache-2.0
#include "tests/ndk/echo_service.h"

#include <android/binder_ibinder_platform.h>
#include <android/binder_manager.h>
#include <android/binder_process.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "tests/ndk/server_process.h"

namespace netbinder::testing {
namespace {

// The listener that died, in the service that has it.
struct Subscription {
  EchoService* service;
  int number;
};

ndk::ScopedAStatus ok() { return ndk::ScopedAStatus::ok(); }

}  // namespace

EchoService::EchoService() : recipient_(AIBinder_DeathRecipient_new(on_listener_died)) {
  AIBinder_DeathRecipient_setOnUnlinked(
      recipient_.get(), [](void* cookie) { delete static_cast<Subscription*>(cookie); });
}

void EchoService::on_listener_died(void* cookie) {
  const auto* const subscription = static_cast<Subscription*>(cookie);
  std::shared_ptr<IListener> gone;  // is let go of behind the lock
  const std::lock_guard lock(subscription->service->mutex_);
  const auto known = subscription->service->listeners_.find(subscription->number);
  if (known == subscription->service->listeners_.end()) return;
  gone = std::move(known->second);
  subscription->service->listeners_.erase(known);
}

ndk::ScopedAStatus EchoService::echo(const std::string& text, std::string* out) {
  *out = text;
  return ok();
}

ndk::ScopedAStatus EchoService::echoNullable(const std::optional<std::string>& text,
                                             std::optional<std::string>* out) {
  *out = text;
  return ok();
}

ndk::ScopedAStatus EchoService::arrays(const std::vector<int32_t>& ints,
                                       std::vector<int64_t>* longs, std::vector<std::string>* names,
                                       std::vector<int32_t>* out) {
  for (std::size_t i = 0; i < longs->size(); ++i) (*longs)[i] = int64_t{1} << (i + 32);
  names->push_back(std::to_string(ints.size()));
  out->assign(ints.rbegin(), ints.rend());
  return ok();
}

ndk::ScopedAStatus EchoService::plain(const std::vector<bool>& a, const std::vector<char16_t>& b,
                                      const std::vector<int8_t>& c, const std::vector<float>& d,
                                      const std::vector<double>& e, char16_t f, int8_t g, float h,
                                      std::vector<bool>* out) {
  *out = a;
  out->push_back(b == std::vector<char16_t>{u'x', 0xffff});
  out->push_back(c == std::vector<int8_t>{-128, 0, 127});
  out->push_back(d == std::vector<float>{0.5F});
  out->push_back(e == std::vector<double>{-0.25, 1e300});
  out->push_back(f == u'é' && g == -1 && h == 2.5F);
  return ok();
}

ndk::ScopedAStatus EchoService::nullableArray(const std::optional<std::vector<int32_t>>& values,
                                              std::optional<std::vector<int32_t>>* out) {
  *out = values;
  return ok();
}

ndk::ScopedAStatus EchoService::record(const Record& one, const std::vector<Record>& more,
                                       Record* out) {
  *out = one;
  for (const Record& other : more) {
    out->number += other.number;
    out->name += other.name;
  }
  return ok();
}

ndk::ScopedAStatus EchoService::file(const ndk::ScopedFileDescriptor& file,
                                     ndk::ScopedFileDescriptor* out) {
  constexpr std::string_view kText = "from the service";
  if (::write(file.get(), kText.data(), kText.size()) < 0) {
    return ndk::ScopedAStatus::fromServiceSpecificError(errno);
  }
  *out = file.dup();
  return ok();
}

ndk::ScopedAStatus EchoService::object(const ndk::SpAIBinder& object, ndk::SpAIBinder* out) {
  *out = object;
  return ok();
}

ndk::ScopedAStatus EchoService::nullableObject(const ndk::SpAIBinder& object,
                                               ndk::SpAIBinder* out) {
  *out = object;
  return ok();
}

ndk::ScopedAStatus EchoService::listener(const std::shared_ptr<IListener>& listener,
                                         std::shared_ptr<IListener>* out) {
  *out = listener;
  return ok();
}

ndk::ScopedAStatus EchoService::fail(int32_t exception, int32_t code, const std::string& message) {
  if (exception == EX_TRANSACTION_FAILED) return ndk::ScopedAStatus::fromStatus(code);
  if (exception == EX_SERVICE_SPECIFIC) {
    return ndk::ScopedAStatus::fromServiceSpecificErrorWithMessage(code, message.c_str());
  }
  return ndk::ScopedAStatus::fromExceptionCodeWithMessage(exception, message.c_str());
}

ndk::ScopedAStatus EchoService::callerPid(int32_t* out) {
  *out = AIBinder_getCallingPid();
  return ok();
}

ndk::ScopedAStatus EchoService::callerUid(int32_t* out) {
  *out = static_cast<int32_t>(AIBinder_getCallingUid());
  return ok();
}

ndk::ScopedAStatus EchoService::calledWithSid(bool* out) {
  const char* const sid = AIBinder_getCallingSid();
  *out = sid != nullptr && *sid != '\0';
  return ok();
}

ndk::ScopedAStatus EchoService::isHandlingTransaction(bool* out) {
  *out = AIBinder_isHandlingTransaction();
  return ok();
}

ndk::ScopedAStatus EchoService::subscribe(const std::shared_ptr<IListener>& listener) {
  int number = 0;
  {
    const std::lock_guard lock(mutex_);
    number = next_listener_++;
    listeners_[number] = listener;
  }
  (void)AIBinder_linkToDeath(listener->asBinder().get(), recipient_.get(),
                             new Subscription{this, number});
  return ok();
}

ndk::ScopedAStatus EchoService::publish(const std::string& text) {
  const std::lock_guard lock(mutex_);
  const int number = published_++;
  for (const auto& [key, listener] : listeners_) (void)listener->said(text, number);
  return ok();
}

ndk::ScopedAStatus EchoService::sleepOneway(int32_t milliseconds) {
  return sleepSync(milliseconds);
}

ndk::ScopedAStatus EchoService::sleepSync(int32_t milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
  return ok();
}

ndk::ScopedAStatus EchoService::addThere(const std::shared_ptr<IListener>& listener, int32_t a,
                                         int32_t b, int32_t* out) {
  return listener->add(a, b, out);
}

ndk::ScopedAStatus EchoService::listeners(int32_t* out) {
  const std::lock_guard lock(mutex_);
  *out = static_cast<int32_t>(listeners_.size());
  return ok();
}

ndk::ScopedAStatus EchoService::hold(const ndk::SpAIBinder& object) {
  const std::lock_guard lock(mutex_);
  held_ = object;
  return ok();
}

ndk::ScopedAStatus EchoService::bytes(const std::vector<int8_t>& bytes, std::vector<int8_t>* out) {
  *out = bytes;
  return ok();
}

ndk::ScopedAStatus EchoService::end() { std::_Exit(0); }

binder_status_t EchoService::dump(int fd, const char** args, uint32_t count) {
  ::dprintf(fd, "echo");
  for (uint32_t i = 0; i < count; ++i) ::dprintf(fd, " %s", args[i]);
  return STATUS_OK;
}

binder_status_t EchoService::handleShellCommand(int /*in*/, int out, int err, const char** args,
                                                uint32_t count) {
  ::dprintf(err, "%u", count);
  for (uint32_t i = 0; i < count; ++i) ::dprintf(out, "%s;", args[i]);
  return count == 0 ? STATUS_BAD_VALUE : STATUS_OK;
}

// ---- processes ----

namespace {

int serve_polling() {
  int fd = -1;
  if (ABinderProcess_setupPolling(&fd) != STATUS_OK) return 1;
  for (;;) {
    pollfd wait{.fd = fd, .events = POLLIN, .revents = 0};
    if (::poll(&wait, 1, -1) < 0) return 1;
    if (ABinderProcess_handlePolledCommands() != STATUS_OK) return 1;
  }
}

// Tries its own way, and takes it back once.
bool end_without_clients(bool has_clients, void* service) {
  if (has_clients) return false;
  if (service == nullptr || !AServiceManager_tryUnregister()) std::_Exit(3);
  AServiceManager_reRegister();
  if (!AServiceManager_tryUnregister()) std::_Exit(4);
  std::_Exit(7);
}

}  // namespace

int serve(const std::string& kind, const std::string& name) {
  const auto service = ndk::SharedRefBase::make<EchoService>();
  const ndk::SpAIBinder binder = service->asBinder();
  if (kind == "extended") {
    const auto extension = ndk::SharedRefBase::make<Listener>();
    if (AIBinder_setExtension(binder.get(), extension->asBinder().get()) != STATUS_OK) return 1;
  }
  AIBinder_setRequestingSid(binder.get(), kind == "sid");
  if (kind == "poll") {
    // The name is there when calls are served, as the first of them may come at once.
    int fd = -1;
    if (ABinderProcess_setupPolling(&fd) != STATUS_OK) return 1;
  }
  if (kind == "single" && !ABinderProcess_setThreadPoolMaxThreadCount(0)) return 1;
  if (kind == "pool") ABinderProcess_startThreadPool();
  if (kind.starts_with("lazy")) {
    if (AServiceManager_registerLazyService(binder.get(), name.c_str()) != STATUS_OK) return 1;
    if (kind == "lazy-callback") {
      AServiceManager_setActiveServicesCallback(end_without_clients, service.get());
    }
    if (kind == "lazy-held") {
      AServiceManager_forceLazyServicesPersist(true);
      std::thread([] {
        std::this_thread::sleep_for(std::chrono::seconds(10));
        AServiceManager_forceLazyServicesPersist(false);
      }).detach();
    }
  } else if (AServiceManager_addService(binder.get(), name.c_str()) != EX_NONE) {
    return 1;
  }
  if (kind == "poll") return serve_polling();
  ABinderProcess_joinThreadPool();
  return 1;
}

}  // namespace netbinder::testing
