// SPDX-License-Identifier: Apache-2.0
#include "ndk/parcel/status.h"

#include "ndk/base/log.h"

namespace netbinder::ndk {
namespace {

// Something about the answer that the caller may skip: its size with this word, and that much.
constexpr binder_exception_t kReplyHeader = -128;

const char* name_of_exception(binder_exception_t exception) {
  switch (exception) {
    case EX_NONE:
      return "EX_NONE";
    case EX_SECURITY:
      return "EX_SECURITY";
    case EX_BAD_PARCELABLE:
      return "EX_BAD_PARCELABLE";
    case EX_ILLEGAL_ARGUMENT:
      return "EX_ILLEGAL_ARGUMENT";
    case EX_NULL_POINTER:
      return "EX_NULL_POINTER";
    case EX_ILLEGAL_STATE:
      return "EX_ILLEGAL_STATE";
    case EX_NETWORK_MAIN_THREAD:
      return "EX_NETWORK_MAIN_THREAD";
    case EX_UNSUPPORTED_OPERATION:
      return "EX_UNSUPPORTED_OPERATION";
    case EX_SERVICE_SPECIFIC:
      return "EX_SERVICE_SPECIFIC";
    case EX_PARCELABLE:
      return "EX_PARCELABLE";
    case EX_TRANSACTION_FAILED:
      return "EX_TRANSACTION_FAILED";
    default:
      return "an unknown exception";
  }
}

const char* name_of_status(binder_status_t status) {
  switch (status) {
    case STATUS_OK:
      return "OK";
    case STATUS_UNKNOWN_ERROR:
      return "UNKNOWN_ERROR";
    case STATUS_NO_MEMORY:
      return "NO_MEMORY";
    case STATUS_INVALID_OPERATION:
      return "INVALID_OPERATION";
    case STATUS_BAD_VALUE:
      return "BAD_VALUE";
    case STATUS_BAD_TYPE:
      return "BAD_TYPE";
    case STATUS_NAME_NOT_FOUND:
      return "NAME_NOT_FOUND";
    case STATUS_PERMISSION_DENIED:
      return "PERMISSION_DENIED";
    case STATUS_NO_INIT:
      return "NO_INIT";
    case STATUS_ALREADY_EXISTS:
      return "ALREADY_EXISTS";
    case STATUS_DEAD_OBJECT:
      return "DEAD_OBJECT";
    case STATUS_FAILED_TRANSACTION:
      return "FAILED_TRANSACTION";
    case STATUS_BAD_INDEX:
      return "BAD_INDEX";
    case STATUS_NOT_ENOUGH_DATA:
      return "NOT_ENOUGH_DATA";
    case STATUS_WOULD_BLOCK:
      return "WOULD_BLOCK";
    case STATUS_TIMED_OUT:
      return "TIMED_OUT";
    case STATUS_UNKNOWN_TRANSACTION:
      return "UNKNOWN_TRANSACTION";
    case STATUS_FDS_NOT_ALLOWED:
      return "FDS_NOT_ALLOWED";
    case STATUS_UNEXPECTED_NULL:
      return "UNEXPECTED_NULL";
    default:
      return nullptr;
  }
}

binder_status_t skip(const Parcel& parcel, std::int32_t size) {
  if (size < 0) return STATUS_BAD_VALUE;
  const std::byte* at = nullptr;
  return parcel.take(static_cast<std::size_t>(size), at);
}

}  // namespace

binder_status_t known_status(binder_status_t status) {
  if (name_of_status(status) != nullptr) return status;
  log_line("the status %d is none of binder's: it becomes UNKNOWN_ERROR", status);
  return STATUS_UNKNOWN_ERROR;
}

binder_exception_t known_exception(binder_exception_t exception) {
  const bool known =
      (exception <= EX_NONE && exception >= EX_PARCELABLE) || exception == EX_TRANSACTION_FAILED;
  return known ? exception : EX_TRANSACTION_FAILED;
}

}  // namespace netbinder::ndk

using namespace netbinder::ndk;

AStatus* AStatus::shared_ok() {
  static auto* const ok = new AStatus();
  return ok;
}

AStatus AStatus::of_exception(binder_exception_t exception, std::string_view message) {
  const binder_exception_t known = known_exception(exception);
  return {known, known == EX_TRANSACTION_FAILED ? STATUS_FAILED_TRANSACTION : 0, message};
}

AStatus AStatus::of_service(std::int32_t code, std::string_view message) {
  return {EX_SERVICE_SPECIFIC, code, message};
}

AStatus AStatus::of_status(binder_status_t status) {
  const binder_status_t known = known_status(status);
  return {known == STATUS_OK ? EX_NONE : EX_TRANSACTION_FAILED, known, ""};
}

std::string AStatus::description() const {
  std::string text =
      "Status(" + std::to_string(exception_) + ", " + name_of_exception(exception_) + "): '";
  if (exception_ == EX_SERVICE_SPECIFIC) {
    text += std::to_string(code_) + ": ";
  } else if (exception_ == EX_TRANSACTION_FAILED) {
    const char* const name = name_of_status(code_);
    text += (name != nullptr ? std::string(name) : std::to_string(code_)) + ": ";
  }
  return text + message_ + "'";
}

binder_status_t AStatus::write(Parcel& parcel) const {
  // The status of a failed call is returned instead of an answer, and not written into one.
  if (exception_ == EX_TRANSACTION_FAILED) return code_;
  binder_status_t written = parcel.write(exception_);
  if (written != STATUS_OK || exception_ == EX_NONE) return written;
  written = parcel.write_string16(message_);
  if (written == STATUS_OK) written = parcel.write<std::int32_t>(0);  // no trace of the stack
  if (written != STATUS_OK) return written;
  if (exception_ == EX_SERVICE_SPECIFIC) return parcel.write(code_);
  if (exception_ == EX_PARCELABLE) return parcel.write<std::int32_t>(0);  // and no parcelable
  return STATUS_OK;
}

binder_status_t AStatus::read(const Parcel& parcel, AStatus& status) {
  binder_exception_t exception = EX_NONE;
  binder_status_t got = parcel.read(exception);
  if (got != STATUS_OK) return got;
  if (exception == kReplyHeader) {
    constexpr auto kOwnBytes = static_cast<std::int32_t>(sizeof(std::int32_t));
    std::int32_t size = 0;  // of the header from here on
    got = parcel.read(size);
    if (got == STATUS_OK) {
      got = size < kOwnBytes ? STATUS_BAD_VALUE : skip(parcel, size - kOwnBytes);
    }
    if (got != STATUS_OK) return got;
    exception = EX_NONE;
  }
  status = {};
  if (exception == EX_NONE) return STATUS_OK;
  std::string message;
  got = parcel.read_string16(message);
  std::int32_t trace_size = 0;
  if (got == STATUS_OK) got = parcel.read(trace_size);
  if (got == STATUS_OK) got = skip(parcel, trace_size);
  if (got != STATUS_OK) return got;
  std::int32_t code = 0;
  if (exception == EX_SERVICE_SPECIFIC || exception == EX_PARCELABLE) {
    got = parcel.read(code);
    if (got != STATUS_OK) return got;
  }
  status = exception == EX_SERVICE_SPECIFIC ? of_service(code, message)
                                            : of_exception(exception, message);
  return STATUS_OK;
}
