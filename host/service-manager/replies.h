// SPDX-License-Identifier: Apache-2.0
//
// Answers of the service manager.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/uapi.h"
#include "host/local_service.h"
#include "parcel/writer.h"

namespace netbinder {

inline OutgoingReply status_reply(std::int32_t status) {
  ParcelWriter writer;
  writer.i32(status);
  return {.flags = TF_STATUS_CODE, .parcel = writer.take()};
}

inline OutgoingReply reply_of(ParcelWriter& writer) {
  return {.flags = 0, .parcel = writer.take()};
}

inline OutgoingReply empty_reply() {
  ParcelWriter writer;
  writer.i32(0);
  return reply_of(writer);
}

inline OutgoingReply exception_reply(std::int32_t exception, const std::string& message) {
  ParcelWriter writer;
  writer.i32(exception);
  writer.string16(message);
  writer.i32(0);
  return reply_of(writer);
}

}  // namespace netbinder
