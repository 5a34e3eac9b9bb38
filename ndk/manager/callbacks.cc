// SPDX-License-Identifier: Apache-2.0
#include "ndk/manager/callbacks.h"

#include <utility>

#include "ndk/parcel/parcel.h"

namespace netbinder::ndk {
namespace {

constexpr transaction_code_t kCodeOnly = FIRST_CALL_TRANSACTION;  // each has one method

void* keep(void* function) { return function; }

template <typename Function>
Function& function_of(AIBinder* binder) {
  return *static_cast<Function*>(AIBinder_getUserData(binder));
}

template <typename Function>
void destroy(void* function) {
  delete static_cast<Function*>(function);
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
  static AIBinder_Class* const clazz = AIBinder_Class_define(
      "android.os.IServiceCallback", keep, destroy<OnRegistration>, serve_registration);
  return StrongBinder(AIBinder_new(clazz, new OnRegistration(std::move(on_registration))));
}

StrongBinder make_client_callback(OnClients on_clients) {
  static AIBinder_Class* const clazz =
      AIBinder_Class_define("android.os.IClientCallback", keep, destroy<OnClients>, serve_clients);
  return StrongBinder(AIBinder_new(clazz, new OnClients(std::move(on_clients))));
}

}  // namespace netbinder::ndk
