// SPDX-License-Identifier: Apache-2.0
//
// AStatus, a value, and its form in parcels.
#pragma once

#include <android/binder_status.h>

#include <string>
#include <string_view>

#include "ndk/parcel/parcel.h"

struct AStatus {
 public:
  AStatus() = default;
  // The one that all calls that are ok have in common: nobody changes it, and nobody deletes it.
  static AStatus* shared_ok();
  static AStatus of_exception(binder_exception_t exception, std::string_view message);
  static AStatus of_service(std::int32_t code, std::string_view message);
  static AStatus of_status(binder_status_t status);

  [[nodiscard]] bool ok() const { return exception_ == EX_NONE; }
  [[nodiscard]] binder_exception_t exception() const { return exception_; }
  [[nodiscard]] std::int32_t service_code() const {
    return exception_ == EX_SERVICE_SPECIFIC ? code_ : 0;
  }
  [[nodiscard]] binder_status_t status() const {
    return exception_ == EX_TRANSACTION_FAILED ? code_ : STATUS_OK;
  }
  [[nodiscard]] const std::string& message() const { return message_; }
  [[nodiscard]] std::string description() const;

  [[nodiscard]] binder_status_t write(netbinder::ndk::Parcel& parcel) const;
  [[nodiscard]] static binder_status_t read(const netbinder::ndk::Parcel& parcel, AStatus& status);

 private:
  AStatus(binder_exception_t exception, std::int32_t code, std::string_view message)
      : exception_(exception), code_(code), message_(message) {}

  binder_exception_t exception_ = EX_NONE;
  std::int32_t code_ = 0;  // of the service, or the status
  std::string message_;
};

namespace netbinder::ndk {

// Statuses are of a set; whatever else a callee has sent is STATUS_UNKNOWN_ERROR.
[[nodiscard]] binder_status_t known_status(binder_status_t status);
[[nodiscard]] binder_exception_t known_exception(binder_exception_t exception);

}  // namespace netbinder::ndk
