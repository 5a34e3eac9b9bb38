// SPDX-License-Identifier: Apache-2.0
#include "ndk/manager/callbacks.h"

#include <utility>

#include "ndk/parcel/parcel.h"
#include "ndk/process/binder_class.h"
#include "ndk/process/local_binder.h"

namespace netbinder::ndk {
namespace {

constexpr transaction_code_t kCodeOnly = FIRST_CALL_TRANSACTION;  // each has one method

void* keep(void* function) { return function; }

template <typename Function>
void destroy(void* function) {
  delete static_cast<Function*>(function);
}

template <typename Function>
const Function& function_of(const AIBinder* binder) {
  return *static_cast<const Function*>(static_cast<const LocalBinder*>(binder)->user_data());
}

template <typename Function>
StrongBinder make_callback(const char* interface, AIBinder_Class_onTransact serve,
                           Function function) {
  // A class is for good: objects of it may be called until the process ends.
  static const AIBinder_Class& clazz =
      *new AIBinder_Class(interface, keep, destroy<Function>, serve);
  return StrongBinder(new LocalBinder(&clazz, new Function(std::move(function))));
}

binder_status_t serve_registration(AIBinder* binder, transaction_code_t code, const AParcel* in,
                                   AParcel* /*out*/) {
  if (code != kCodeOnly) return STATUS_UNKNOWN_TRANSACTION;
  std::string name;
  binder_status_t status = in->read_string16(name);
  AIBinder* service = nullptr;
  if (status == STATUS_OK) status = in->read_binder(service);
  StrongBinder held(service);
  if (status == STATUS_OK) function_of<OnRegistration>(binder)(name, std::move(held));
  return status;
}

binder_status_t serve_clients(AIBinder* binder, transaction_code_t code, const AParcel* in,
                              AParcel* /*out*/) {
  if (code != kCodeOnly) return STATUS_UNKNOWN_TRANSACTION;
  AIBinder* service = nullptr;
  binder_status_t status = in->read_binder(service);
  const StrongBinder held(service);
  std::int32_t has_clients = 0;
  if (status == STATUS_OK) status = in->read(has_clients);
  if (status == STATUS_OK) function_of<OnClients>(binder)(service, has_clients != 0);
  return status;
}

}  // namespace

StrongBinder make_service_callback(OnRegistration on_registration) {
  return make_callback("android.os.IServiceCallback", serve_registration,
                       std::move(on_registration));
}

StrongBinder make_client_callback(OnClients on_clients) {
  return make_callback("android.os.IClientCallback", serve_clients, std::move(on_clients));
}

}  // namespace netbinder::ndk
