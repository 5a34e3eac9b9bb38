// SPDX-License-Identifier: Apache-2.0
#include "transport/rdma/ibverbs_objects.h"

#include <sys/resource.h>

#include <cerrno>
#include <system_error>

namespace netbinder::rdma {

std::string ibv_failure(const std::string& what, int error) {
  std::string text = what + ": " + std::generic_category().message(error);
  rlimit limit{};
  // All memory that a device reads is locked, even its queues; some kernels then give EAGAIN.
  if ((error == ENOMEM || error == EAGAIN) && getrlimit(RLIMIT_MEMLOCK, &limit) == 0 &&
      limit.rlim_cur != RLIM_INFINITY) {
    text += "; RLIMIT_MEMLOCK is " + std::to_string(limit.rlim_cur) +
            " bytes: raise it (ulimit -l unlimited, or LimitMEMLOCK=infinity in the agent's unit)";
  }
  return text;
}

}  // namespace netbinder::rdma
