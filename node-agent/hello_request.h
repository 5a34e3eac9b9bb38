// SPDX-License-Identifier: Apache-2.0
//
// The request in a program's Hello. A Hello is untrusted bytes: only parse_hello() looks at them,
// and all later code has checked values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <variant>

#include "channel/hello.h"

namespace netbinder {

// A channel to a device.
struct OpenDevice {
  std::string device;
  std::string dialect;            // of the service manager; empty: none is named
  bool dialect_detected = false;  // a guess, not configured
  int nice = 0;                   // of the opening thread, -20 to 19
  std::int32_t subject = 0;       // the process that gets it; 0: the sender
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
  std::uint32_t version = kChannelVersion;  // the channel's: the newest that both sides speak
  std::variant<OpenDevice, ReadDebugFile, FindDevice, AddDevice, RemoveDevice, AttachToChannel>
      wanted;
};

struct HelloRefusal {
  int error = 0;  // a negative errno, for the reply
  // The newest version that the program speaks, if there is none that both sides do.
  std::optional<std::uint32_t> version;
};

// `packet` is what was received, in full.
[[nodiscard]] std::expected<HelloRequest, HelloRefusal> parse_hello(
    std::span<const std::byte> packet);

// 0, or why no device can be added under this name: -EACCES, as the kernel has for a name that no
// file can have, or -EEXIST for the other files of a binderfs.
[[nodiscard]] int refuse_device_name(const std::string& name);

}  // namespace netbinder
