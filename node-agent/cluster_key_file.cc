// SPDX-License-Identifier: Apache-2.0
#include "node-agent/cluster_key_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "node-agent/unique_fd.h"

namespace netbinder {

namespace {

constexpr std::size_t kMinBytes = 16;
constexpr std::size_t kMaxBytes = 4096;

[[noreturn]] void fail(const std::string& file, const std::string& why) {
  throw std::runtime_error(fmt::format("the cluster's key {}: {}", file, why));
}

std::string new_secret(const std::string& file) {
  std::array<std::uint8_t, 32> random{};
  if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size())) {
    fail(file, "there is no randomness for it");
  }
  std::string secret;
  for (const std::uint8_t byte : random) secret += fmt::format("{:02x}", byte);
  return secret + "\n";
}

// Written under another name first, so that nobody ever sees a part of it.
void make(const std::string& file) {
  std::string made = file + ".XXXXXX";
  const UniqueFd fd(::mkostemp(made.data(), O_CLOEXEC));  // 0600
  if (fd.get() < 0) fail(file, std::string("cannot be made: ") + std::strerror(errno));
  const std::string secret = new_secret(file);
  const bool written =
      ::write(fd.get(), secret.data(), secret.size()) == static_cast<ssize_t>(secret.size()) &&
      ::fsync(fd.get()) == 0;
  const int error = written && ::link(made.c_str(), file.c_str()) == 0 ? 0 : errno;
  ::unlink(made.c_str());
  // If another agent was first, its key is used.
  if (error != 0 && error != EEXIST) {
    fail(file, std::string("cannot be made: ") + std::strerror(error));
  }
}

std::string read(const std::string& file, int fd) {
  struct stat what {};
  if (::fstat(fd, &what) != 0) fail(file, std::strerror(errno));
  if (!S_ISREG(what.st_mode)) fail(file, "is no file");
  if (what.st_uid != ::geteuid() && what.st_uid != 0) fail(file, "belongs to another user");
  if ((what.st_mode & 077) != 0) fail(file, "others than its owner may use it: chmod 600");
  std::string secret(kMaxBytes + 1, '\0');
  const ssize_t bytes = ::read(fd, secret.data(), secret.size());
  if (bytes < 0) fail(file, std::strerror(errno));
  secret.resize(static_cast<std::size_t>(bytes));
  while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) secret.pop_back();
  if (secret.size() < kMinBytes) fail(file, fmt::format("has fewer than {} bytes", kMinBytes));
  if (secret.size() > kMaxBytes) fail(file, fmt::format("has more than {} bytes", kMaxBytes));
  return secret;
}

}  // namespace

std::string cluster_key_of(const std::string& file) {
  constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
  UniqueFd fd(::open(file.c_str(), kFlags));
  if (fd.get() < 0 && errno == ENOENT) {
    make(file);
    fd = UniqueFd(::open(file.c_str(), kFlags));
  }
  if (fd.get() < 0) fail(file, std::string("cannot be read: ") + std::strerror(errno));
  return read(file, fd.get());
}

}  // namespace netbinder
