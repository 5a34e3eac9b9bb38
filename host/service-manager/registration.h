// SPDX-License-Identifier: Apache-2.0
//
// The outcome of a program's registration of a service, and the forms of its answer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "host/service-manager/protocol.h"
#include "host/service-manager/replies.h"

namespace netbinder {

// Why a service was not registered: an exception of AIDL, with its message.
struct Refusal {
  std::int32_t exception = 0;
  std::string message;
};

enum class RegistrationForm : std::uint8_t { kClassic, kAidl };

inline OutgoingReply registration_reply(RegistrationForm form,
                                        const std::optional<Refusal>& refusal) {
  if (!refusal) return empty_reply();  // a zero word in both forms
  if (form == RegistrationForm::kClassic) return status_reply(-1);
  return exception_reply(refusal->exception, refusal->message);
}

}  // namespace netbinder
