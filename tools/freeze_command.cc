// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "host/service-manager/program_freezes.h"
#include "tools/binder_client.h"
#include "tools/commands.h"
#include "tools/installation.h"

namespace netbinder::tools {

int carry_out(const FreezeOptions& options, char** argv) {
  ensure_preloaded(argv);
  BinderClient client(options.device);
  ParcelWriter request;
  request.string16(options.host);
  request.i32(options.pid);
  request.i32(options.thaw ? 0 : 1);
  request.i32(options.timeout_ms);
  const auto reply = client.call(0, ProgramFreezes::kCode, request.take());
  if (!reply) throw std::runtime_error("the service manager does not answer: " + reply.error());
  ParcelReader reader(reply->parcel());
  constexpr std::int32_t kUnknown = 1;
  const bool refused = (reply->data.flags & TF_STATUS_CODE) != 0;
  const std::int32_t error = refused ? kUnknown : reader.i32().value_or(kUnknown);
  client.free(*reply);
  switch (error) {
    case kUnknown:
      throw std::runtime_error("a program is the service manager of " + options.device);
    case 0:
      return 0;
    case -EAGAIN:
      throw std::runtime_error("calls of the program are under way");
    case -EINVAL:
      throw std::runtime_error(
          fmt::format("no program with pid {} of {} has a binder device open", options.pid, options.host));
    case -EHOSTUNREACH:
      throw std::runtime_error("there is no host " + options.host + ", or it cannot be reached");
    default:
      throw std::runtime_error(std::strerror(-error));
  }
}

}  // namespace netbinder::tools
