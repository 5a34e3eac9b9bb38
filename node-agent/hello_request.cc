// SPDX-License-Identifier: Apache-2.0
#include "node-agent/hello_request.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
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

// The Hello's version, if its size is one that the version can have.
std::expected<std::uint32_t, HelloRefusal> version_of(std::span<const std::byte> packet) {
  struct Begin {  // of a Hello of every version
    std::uint32_t magic = 0;
    std::uint32_t version = 0;
  } hello;
  static_assert(sizeof(Begin) == offsetof(Hello, flags));
  if (packet.size() < sizeof hello || packet.size() > kMaxHelloBytes) {
    return std::unexpected(HelloRefusal{.error = -EPROTO, .version = {}});
  }
  std::memcpy(&hello, packet.data(), sizeof hello);
  if (hello.magic != kChannelMagic) {
    return std::unexpected(HelloRefusal{.error = -EPROTO, .version = {}});
  }
  const std::uint32_t version = hello.version;
  if (version < kOldestChannelVersion) {
    return std::unexpected(HelloRefusal{.error = -EPROTO, .version = version});
  }
  const bool right_size = version < kChannelVersion    ? packet.size() == kHelloBytesOf9
                          : version == kChannelVersion ? packet.size() == sizeof(Hello)
                                                       : packet.size() >= sizeof(Hello);
  if (!right_size) return std::unexpected(HelloRefusal{.error = -EPROTO, .version = {}});
  return version;
}

}  // namespace

std::expected<HelloRequest, HelloRefusal> parse_hello(std::span<const std::byte> packet) {
  const HelloRefusal invalid{.error = -EPROTO, .version = {}};
  const auto version = version_of(packet);
  if (!version) return std::unexpected(version.error());
  Hello hello;
  std::memcpy(&hello, packet.data(), std::min(packet.size(), sizeof hello));
  if (*version >= kChannelVersion && hello.oldest_version > *version) {
    return std::unexpected(invalid);
  }
  if (*version > kChannelVersion && hello.oldest_version > kChannelVersion) {
    return std::unexpected(HelloRefusal{.error = -EPROTO, .version = *version});
  }
  HelloRequest request;
  request.version = std::min(*version, kChannelVersion);
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
  return std::unexpected(invalid);
}

int refuse_device_name(const std::string& name) {
  if (name.empty() || name == "." || name == ".." || name.contains('/')) return -EACCES;
  return is_file_of_binderfs(name) ? -EEXIST : 0;
}

}  // namespace netbinder
