// SPDX-License-Identifier: Apache-2.0
// AStatus_*.
#include "ndk/parcel/status.h"

#include <android/binder_status.h>

#include <cstring>
#include <utility>

namespace {

AStatus* make(AStatus status) {
  return status.ok() ? AStatus::shared_ok() : new AStatus(std::move(status));
}

}  // namespace

AStatus* AStatus_newOk() { return AStatus::shared_ok(); }

AStatus* AStatus_fromExceptionCode(binder_exception_t exception) {
  return make(AStatus::of_exception(exception, ""));
}

AStatus* AStatus_fromExceptionCodeWithMessage(binder_exception_t exception, const char* message) {
  return make(AStatus::of_exception(exception, message != nullptr ? message : ""));
}

AStatus* AStatus_fromServiceSpecificError(int32_t serviceSpecific) {
  return make(AStatus::of_service(serviceSpecific, ""));
}

AStatus* AStatus_fromServiceSpecificErrorWithMessage(int32_t serviceSpecific, const char* message) {
  return make(AStatus::of_service(serviceSpecific, message != nullptr ? message : ""));
}

AStatus* AStatus_fromStatus(binder_status_t status) { return make(AStatus::of_status(status)); }

bool AStatus_isOk(const AStatus* status) { return status->ok(); }
binder_exception_t AStatus_getExceptionCode(const AStatus* status) { return status->exception(); }
int32_t AStatus_getServiceSpecificError(const AStatus* status) { return status->service_code(); }
binder_status_t AStatus_getStatus(const AStatus* status) { return status->status(); }
const char* AStatus_getMessage(const AStatus* status) { return status->message().c_str(); }

const char* AStatus_getDescription(const AStatus* status) {
  const std::string text = status->description();
  char* const copy = new char[text.size() + 1];
  std::memcpy(copy, text.c_str(), text.size() + 1);
  return copy;
}

void AStatus_deleteDescription(const char* description) { delete[] description; }
void AStatus_delete(AStatus* status) {
  if (status != AStatus::shared_ok()) delete status;
}
