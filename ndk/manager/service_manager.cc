// SPDX-License-Identifier: Apache-2.0
#include "ndk/manager/service_manager.h"

#include <array>
#include <chrono>
#include <thread>

#include "ndk/parcel/status.h"
#include "ndk/base/log.h"
#include "ndk/process/codes.h"
#include "ndk/process/process.h"
#include "ndk/process/thread.h"

namespace netbinder::ndk {

enum class ServiceManager::Method : std::uint8_t {
  kCheckService,
  kAddService,
  kRegisterForNotifications,
  kUnregisterForNotifications,
  kIsDeclared,
  kGetDeclaredInstances,
  kUpdatableViaApex,
  kRegisterClientCallback,
  kTryUnregisterService,
};

namespace {

constexpr std::string_view kDescriptor = "android.os.IServiceManager";
constexpr std::uint32_t kHandle = 0;
constexpr std::chrono::milliseconds kAskAgain{100};

constexpr std::int32_t kLazyService = 1 << 30;  // among the dump priorities of Android 16

// The code of each method in each dialect; 0 where there is none. In Android 16 checkService is
// answered with a union, as checkService2.
constexpr std::array<std::array<std::uint8_t, 8>, 9> kCodes{{
    // classic, 10, 11, 12, 13, 14, 15, 16
    {2, 2, 2, 2, 2, 2, 3, 3},       // checkService
    {3, 3, 3, 3, 3, 3, 4, 5},       // addService
    {0, 0, 5, 5, 5, 5, 6, 7},       // registerForNotifications
    {0, 0, 6, 6, 6, 6, 7, 8},       // unregisterForNotifications
    {0, 0, 7, 7, 7, 7, 8, 9},       // isDeclared
    {0, 0, 0, 8, 8, 8, 9, 10},      // getDeclaredInstances
    {0, 0, 0, 9, 9, 9, 10, 11},     // updatableViaApex
    {0, 0, 8, 10, 11, 12, 13, 14},  // registerClientCallback
    {0, 0, 9, 11, 12, 13, 14, 15},  // tryUnregisterService
}};

constexpr std::uint32_t kCheckServiceBefore15 = 2;  // and getService2 from then on
constexpr std::uint32_t kDebugInfo14 = 14;
constexpr std::uint32_t kDebugInfo13 = 13;

std::size_t column(Dialect dialect) { return static_cast<std::size_t>(dialect); }
bool has_exceptions(Dialect dialect) { return dialect >= Dialect::kAndroid11; }

// Dialects of one family have the same codes for the first methods only.
bool same_in_family(std::uint32_t code) { return code < 8; }

ManagerResult failed(binder_status_t status) {
  return {.status = status, .exception = EX_TRANSACTION_FAILED};
}

binder_status_t read_strings(const Parcel& answer, std::vector<std::string>& strings) {
  std::int32_t count = 0;
  binder_status_t status = answer.read(count);
  for (std::int32_t i = 0; i < count && status == STATUS_OK; ++i) {
    status = answer.read_string16(strings.emplace_back());
  }
  return status;
}

// The family that the answer of a manager of Android 11 or later to code 2 and a name shows.
std::optional<Dialect> family_of_answer(const Parcel& answer) {
  std::int32_t word = 0;
  if (answer.read(word) != STATUS_OK || word != EX_NONE) return Dialect::kAndroid14;
  constexpr std::size_t kObjectAndStability = sizeof(flat_binder_object) + sizeof(std::int32_t);
  const std::size_t left = answer.size() - answer.position();
  if (left == kObjectAndStability) {
    const auto* const stability = answer.data() + answer.position() + sizeof(flat_binder_object);
    std::memcpy(&word, stability, sizeof word);
    const bool has_version = (word & 0xff) == 1;
    return has_version ? Dialect::kAndroid12 : Dialect::kAndroid14;
  }
  // A union: its mark, which value, and the value: an object, or one within a parcelable.
  constexpr std::size_t kUnion = 2 * sizeof(std::int32_t);
  return left <= kUnion + kObjectAndStability ? Dialect::kAndroid15 : Dialect::kAndroid16;
}

}  // namespace

ServiceManager& ServiceManager::self() {
  static auto* const manager = new ServiceManager();
  return *manager;
}

binder_status_t ServiceManager::transact(std::uint32_t code, const AParcel& request,
                                         AParcel* answer) {
  Thread* const thread = Thread::self();
  return thread != nullptr ? thread->transact(kHandle, code, request, answer, 0) : STATUS_NO_INIT;
}

bool ServiceManager::there() {
  AParcel request;
  AParcel answer;
  // Any answer is one: the oldest managers do not know what a ping is.
  const binder_status_t status = transact(kCodePing, request, &answer);
  return status != STATUS_DEAD_OBJECT && status != STATUS_NO_INIT &&
         status != STATUS_FAILED_TRANSACTION;
}

void ServiceManager::wait_until_there() {
  for (unsigned waits = 0; !there() && !Process::lost(); ++waits) {
    if (waits == 10) log_line("waiting for a service manager");
    std::this_thread::sleep_for(kAskAgain);
  }
}

// ---- which dialect ----

std::optional<Dialect> ServiceManager::find_family() {
  for (const Dialect dialect : {Dialect::kAndroid14, Dialect::kAndroid10, Dialect::kClassic}) {
    AParcel request;
    AParcel answer;
    if (request.write_interface_token(dialect, kDescriptor) != STATUS_OK ||
        request.write_string16("manager") != STATUS_OK) {
      return std::nullopt;
    }
    const binder_status_t status = transact(kCheckServiceBefore15, request, &answer);
    if (status == STATUS_NO_INIT || status == STATUS_DEAD_OBJECT) return std::nullopt;
    // A token that it does not understand is an error of one kind or another.
    if (status != STATUS_OK) continue;
    return has_exceptions(dialect) ? family_of_answer(answer) : dialect;
  }
  return Dialect::kAndroid14;  // whose errors are then seen
}

std::optional<Dialect> ServiceManager::dialect_for(Method method) {
  if (dialect_is_fixed()) return dialect_of_process();
  const std::lock_guard lock(mutex_);
  if (!dialect_) {
    dialect_ = find_family();
    if (!dialect_) return std::nullopt;
    exact_ = *dialect_ != Dialect::kAndroid14;
  }
  if (exact_ || same_in_family(kCodes[static_cast<std::size_t>(method)][column(*dialect_)])) {
    return dialect_;
  }
  for (const auto& [code, dialect] : {std::pair{kDebugInfo14, Dialect::kAndroid14},
                                     std::pair{kDebugInfo13, Dialect::kAndroid13}}) {
    AParcel request;
    AParcel answer;
    std::int32_t exception = EX_NONE;
    if (request.write_interface_token(dialect, kDescriptor) == STATUS_OK &&
        transact(code, request, &answer) == STATUS_OK && answer.read(exception) == STATUS_OK &&
        exception == EX_NONE) {
      exact_ = true;
      dialect_ = dialect;
      return dialect_;
    }
  }
  exact_ = true;
  dialect_ = Dialect::kAndroid11;
  return dialect_;
}

// ---- calls ----

ManagerResult ServiceManager::call(Method method, const Write& write, const Read& read) {
  const auto dialect = dialect_for(method);
  if (!dialect) return failed(STATUS_DEAD_OBJECT);
  const std::uint32_t code = kCodes[static_cast<std::size_t>(method)][column(*dialect)];
  if (code == 0) return failed(STATUS_INVALID_OPERATION);
  AParcel request;
  binder_status_t status = request.write_interface_token(*dialect, kDescriptor);
  if (status == STATUS_OK) status = write(request, *dialect);
  AParcel answer;
  if (status == STATUS_OK) status = transact(code, request, &answer);
  if (status != STATUS_OK) return failed(status);
  if (has_exceptions(*dialect)) {
    AStatus said;
    status = AStatus::read(answer, said);
    if (status != STATUS_OK) return failed(status);
    if (!said.ok()) {
      log_line("the service manager says: %s", said.description().c_str());
      return {.status = STATUS_OK, .exception = said.exception()};
    }
  }
  status = read(answer, *dialect);
  return status == STATUS_OK ? ManagerResult{} : failed(status);
}

namespace {

binder_status_t read_nothing(const Parcel& /*answer*/, Dialect /*dialect*/) { return STATUS_OK; }

binder_status_t read_service(const Parcel& answer, Dialect dialect, AIBinder*& service) {
  if (dialect < Dialect::kAndroid11) {
    // The object alone, or a zero.
    return answer.size() >= sizeof(flat_binder_object) ? answer.read_binder(service, dialect)
                                                       : STATUS_OK;
  }
  return answer.read_binder(service, dialect);
}

}  // namespace

StrongBinder ServiceManager::check_service(const std::string& name) {
  AIBinder* service = nullptr;
  (void)call(
      Method::kCheckService, [&](Parcel& request, Dialect) { return request.write_string16(name); },
      [&](const Parcel& answer, Dialect dialect) {
        return read_service(answer, dialect, service);
      });
  return StrongBinder(service);
}

ManagerResult ServiceManager::add_service(const std::string& name, AIBinder* service,
                                          const ServiceFlags& flags) {
  return call(
      Method::kAddService,
      [&](Parcel& request, Dialect dialect) {
        std::int32_t dump_priority = flags.dump_priority;
        if (flags.lazy && dialect >= Dialect::kAndroid16) dump_priority |= kLazyService;
        binder_status_t status = request.write_string16(name);
        if (status == STATUS_OK) status = request.write_binder(service, dialect);
        if (status == STATUS_OK) status = request.write<std::int32_t>(flags.allow_isolated);
        return status == STATUS_OK ? request.write(dump_priority) : status;
      },
      read_nothing);
}

ManagerResult ServiceManager::call_about(Method method, const std::string& name,
                                         const std::vector<AIBinder*>& objects) {
  return call(
      method,
      [&](Parcel& request, Dialect dialect) {
        binder_status_t status = request.write_string16(name);
        for (AIBinder* const object : objects) {
          if (status == STATUS_OK) status = request.write_binder(object, dialect);
        }
        return status;
      },
      read_nothing);
}

ManagerResult ServiceManager::register_for_notifications(const std::string& name,
                                                         AIBinder* callback) {
  return call_about(Method::kRegisterForNotifications, name, {callback});
}

ManagerResult ServiceManager::unregister_for_notifications(const std::string& name,
                                                           AIBinder* callback) {
  return call_about(Method::kUnregisterForNotifications, name, {callback});
}

ManagerResult ServiceManager::register_client_callback(const std::string& name, AIBinder* service,
                                                       AIBinder* callback) {
  return call_about(Method::kRegisterClientCallback, name, {service, callback});
}

ManagerResult ServiceManager::try_unregister_service(const std::string& name, AIBinder* service) {
  return call_about(Method::kTryUnregisterService, name, {service});
}

bool ServiceManager::is_declared(const std::string& name) {
  std::int32_t declared = 0;
  (void)call(
      Method::kIsDeclared, [&](Parcel& request, Dialect) { return request.write_string16(name); },
      [&](const Parcel& answer, Dialect) { return answer.read(declared); });
  return declared != 0;
}

std::vector<std::string> ServiceManager::declared_instances(const std::string& interface) {
  std::vector<std::string> instances;
  (void)call(
      Method::kGetDeclaredInstances,
      [&](Parcel& request, Dialect) { return request.write_string16(interface); },
      [&](const Parcel& answer, Dialect) { return read_strings(answer, instances); });
  return instances;
}

std::string ServiceManager::updatable_via_apex(const std::string& name) {
  std::string apex;
  (void)call(
      Method::kUpdatableViaApex,
      [&](Parcel& request, Dialect) { return request.write_string16(name); },
      [&](const Parcel& answer, Dialect) { return answer.read_string16(apex); });
  return apex;
}

}  // namespace netbinder::ndk
