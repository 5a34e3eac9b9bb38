// SPDX-License-Identifier: Apache-2.0
//
// Payloads for processes of this host: their place in the receiver's arena, and the copy from the
// sender's program into it.
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>

#include "core/model/allocation.h"
#include "core/model/br_error.h"
#include "core/model/elsewhere.h"
#include "core/model/transaction.h"

namespace netbinder {

class Model;

// The reason in the log when a call or a reply between hosts fails for this.
inline constexpr const char* kFilesNotAccepted = "descriptors are not accepted";

struct PlacedPayload {
  Allocation allocation;
  Transaction::SecurityContext security_context;
};

// Room for a payload of that shape, with a security context (empty: none) behind it: in `lent`, if
// given, or in a new buffer. Fails as the driver does; `lent` has not changed then.
std::expected<PlacedPayload, BrError> place_payload(Process& receiver, PayloadShape shape,
                                                    std::string_view security_context,
                                                    Buffer::Space space, std::int32_t sender_pid,
                                                    Allocation* lent = nullptr);

// Copies and translates a payload of a thread into the place of the transaction's payload.
enum class FilePolicy { kRefused, kAccepted };
std::expected<void, BrError> translate_to_process(Model& model, Thread& sender,
                                                  const binder_transaction_data& data,
                                                  FilePolicy files, Transaction& transaction);

}  // namespace netbinder
