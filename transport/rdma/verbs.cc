// SPDX-License-Identifier: Apache-2.0
#include "transport/rdma/verbs.h"

namespace netbinder::rdma {

const char* to_string(CompletionStatus status) {
  switch (status) {
    case CompletionStatus::kSuccess:
      return "success";
    case CompletionStatus::kFlushed:
      return "the queue pair had failed before";
    case CompletionStatus::kRetriesExceeded:
      return "the peer does not answer";
    case CompletionStatus::kReceiverNotReady:
      return "the peer was not ready to receive";
    case CompletionStatus::kRemoteAccess:
      return "the peer refused access to its memory";
    case CompletionStatus::kLocal:
      return "a request or its memory was wrong";
    case CompletionStatus::kOther:
      return "another error";
  }
  return "an unknown status";
}

}  // namespace netbinder::rdma
