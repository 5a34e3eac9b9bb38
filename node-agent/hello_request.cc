// SPDX-License-Identifier: Apache-2.0
#include "node-agent/hello_request.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace netbinder {

namespace {

// The kernel's bounds of a nice value.
constexpr int kLeastNice = -20;
constexpr int kMostNice = 19;

template <std::size_t bytes>
std::string text_of(const char (&field)[bytes]) {
  return std::string(field, ::strnlen(field, bytes));
}

// The files that a binderfs has beside its devices.
bool is_file_of_binderfs(const std::string& name) {
  return name == "binder-control" || name == "features" || name == "binder_logs";
}

}  // namespace

std::expected<HelloRequest, int> parse_hello(std::span<const std::byte> packet) {
  Hello hello;
  if (packet.size() != sizeof hello) return std::unexpected(-EPROTO);
  std::memcpy(&hello, packet.data(), sizeof hello);
  if (hello.magic != kChannelMagic || hello.version != kChannelVersion) {
    return std::unexpected(-EPROTO);
  }
  HelloRequest request;
  std::string name = text_of(hello.name);
  switch (hello.purpose) {
    case kHelloOpen:
      request.wanted = OpenDevice{.device = std::move(name),
                                  .dialect = text_of(hello.dialect),
                                  .dialect_detected = (hello.flags & kHelloDialectDetected) != 0,
                                  .nice = std::clamp(hello.nice, kLeastNice, kMostNice),
                                  .subject = hello.subject};
      return request;
    case kHelloDebugFile:
      request.wanted = ReadDebugFile{std::move(name)};
      return request;
    case kHelloFindDevice:
      request.wanted = FindDevice{std::move(name)};
      return request;
    case kHelloAddDevice:
      request.wanted = AddDevice{std::move(name)};
      return request;
    case kHelloRemoveDevice:
      request.wanted = RemoveDevice{std::move(name)};
      return request;
    case kHelloAttach:
      request.wanted = AttachToChannel{.subject = hello.subject};
      return request;
  }
  return std::unexpected(-EPROTO);
}

int refuse_device_name(const std::string& name) {
  if (name.empty() || name == "." || name == ".." || name.contains('/')) return -EACCES;
  return is_file_of_binderfs(name) ? -EEXIST : 0;
}

}  // namespace netbinder
