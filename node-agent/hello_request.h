// SPDX-License-Identifier: Apache-2.0
//
// What a program's Hello asks for. A Hello is bytes of a stranger; parse_hello() is the only one
// that looks at them, and everything behind it has checked values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <variant>

#include "channel/hello.h"

namespace netbinder {

// A channel to a device.
struct OpenDevice {
  std::string device;
  std::string dialect;            // of the service manager; empty: nothing is said
  bool dialect_detected = false;  // a guess, nobody's wish
  int nice = 0;                   // of the opening thread, -20 to 19
  std::int32_t subject = 0;       // the process that is to have it; 0: the sender
};
struct ReadDebugFile {
  std::string file;
};
struct FindDevice {
  std::string device;
};
struct AddDevice {
  std::string device;
};
struct RemoveDevice {
  std::string device;
};
struct AttachToChannel {
  std::int32_t subject = 0;  // the process that has the descriptor; 0: the sender
};

struct HelloRequest {
  std::variant<OpenDevice, ReadDebugFile, FindDevice, AddDevice, RemoveDevice, AttachToChannel>
      wanted;
};

// `packet` is what was received, in full. An error is a negative errno, for the reply.
[[nodiscard]] std::expected<HelloRequest, int> parse_hello(std::span<const std::byte> packet);

// 0, or why no device can be added under this name: -EACCES, as from the kernel for what is no name
// of a file, or -EEXIST for the other files of a binderfs.
[[nodiscard]] int refuse_device_name(const std::string& name);

}  // namespace netbinder
