// SPDX-License-Identifier: Apache-2.0
//
// The status that calls of this library return (binder_status_t), the exceptions of a service
// (binder_exception_t), and AStatus, which carries one or the other. An AStatus is owned by whoever
// made or read it, and belongs to one thread at a time.
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/cdefs.h>

#ifndef __INTRODUCED_IN
#define __INTRODUCED_IN(api_level)
#endif
#ifndef __INTRODUCED_IN_LLNDK
#define __INTRODUCED_IN_LLNDK(vendor_api_level)
#endif

__BEGIN_DECLS

enum {
  STATUS_OK = 0,

  STATUS_UNKNOWN_ERROR = (-2147483647 - 1),  // INT32_MIN
  STATUS_NO_MEMORY = -ENOMEM,
  STATUS_INVALID_OPERATION = -ENOSYS,
  STATUS_BAD_VALUE = -EINVAL,
  STATUS_BAD_TYPE = (STATUS_UNKNOWN_ERROR + 1),
  STATUS_NAME_NOT_FOUND = -ENOENT,
  STATUS_PERMISSION_DENIED = -EPERM,
  STATUS_NO_INIT = -ENODEV,
  STATUS_ALREADY_EXISTS = -EEXIST,
  STATUS_DEAD_OBJECT = -EPIPE,
  STATUS_FAILED_TRANSACTION = (STATUS_UNKNOWN_ERROR + 2),
  STATUS_BAD_INDEX = -EOVERFLOW,
  STATUS_NOT_ENOUGH_DATA = -ENODATA,
  STATUS_WOULD_BLOCK = -EWOULDBLOCK,
  STATUS_TIMED_OUT = -ETIMEDOUT,
  STATUS_UNKNOWN_TRANSACTION = -EBADMSG,
  STATUS_FDS_NOT_ALLOWED = (STATUS_UNKNOWN_ERROR + 7),
  STATUS_UNEXPECTED_NULL = (STATUS_UNKNOWN_ERROR + 8),
};
// One of STATUS_*, or a negative errno.
typedef int32_t binder_status_t;

enum {
  EX_NONE = 0,
  EX_SECURITY = -1,
  EX_BAD_PARCELABLE = -2,
  EX_ILLEGAL_ARGUMENT = -3,
  EX_NULL_POINTER = -4,
  EX_ILLEGAL_STATE = -5,
  EX_NETWORK_MAIN_THREAD = -6,
  EX_UNSUPPORTED_OPERATION = -7,
  EX_SERVICE_SPECIFIC = -8,
  EX_PARCELABLE = -9,
  // Not sent: the call itself has failed, and the AStatus says how (AStatus_getStatus).
  EX_TRANSACTION_FAILED = -129,
};
typedef int32_t binder_exception_t;

struct AStatus;
typedef struct AStatus AStatus;

// Each of these makes a new AStatus, to be given to AStatus_delete.
__attribute__((warn_unused_result)) AStatus* AStatus_newOk() __INTRODUCED_IN(29);
// A code that is not one of EX_* becomes EX_TRANSACTION_FAILED, and EX_TRANSACTION_FAILED stands
// for STATUS_FAILED_TRANSACTION here.
__attribute__((warn_unused_result)) AStatus* AStatus_fromExceptionCode(binder_exception_t exception)
    __INTRODUCED_IN(29);
__attribute__((warn_unused_result)) AStatus* AStatus_fromExceptionCodeWithMessage(
    binder_exception_t exception, const char* message) __INTRODUCED_IN(29);
// EX_SERVICE_SPECIFIC with a code of the service's own.
__attribute__((warn_unused_result)) AStatus* AStatus_fromServiceSpecificError(
    int32_t serviceSpecific) __INTRODUCED_IN(29);
__attribute__((warn_unused_result)) AStatus* AStatus_fromServiceSpecificErrorWithMessage(
    int32_t serviceSpecific, const char* message) __INTRODUCED_IN(29);
// EX_TRANSACTION_FAILED with this status; STATUS_OK gives an AStatus that is ok.
__attribute__((warn_unused_result)) AStatus* AStatus_fromStatus(binder_status_t status)
    __INTRODUCED_IN(29);

bool AStatus_isOk(const AStatus* status) __INTRODUCED_IN(29);
binder_exception_t AStatus_getExceptionCode(const AStatus* status) __INTRODUCED_IN(29);
// 0 unless the exception is EX_SERVICE_SPECIFIC.
int32_t AStatus_getServiceSpecificError(const AStatus* status) __INTRODUCED_IN(29);
// STATUS_OK unless the exception is EX_TRANSACTION_FAILED.
binder_status_t AStatus_getStatus(const AStatus* status) __INTRODUCED_IN(29);
// Never null; the text lives as long as the AStatus.
const char* AStatus_getMessage(const AStatus* status) __INTRODUCED_IN(29);
// A description for people, to be given to AStatus_deleteDescription.
__attribute__((warn_unused_result)) const char* AStatus_getDescription(const AStatus* status)
    __INTRODUCED_IN(30);
void AStatus_deleteDescription(const char* description) __INTRODUCED_IN(30);
void AStatus_delete(AStatus* status) __INTRODUCED_IN(29);

__END_DECLS
