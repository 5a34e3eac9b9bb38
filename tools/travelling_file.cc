// SPDX-License-Identifier: Apache-2.0
#include "tools/travelling_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

namespace netbinder::tools {
namespace {

// A service may keep its end; then nothing more is waited for after so long without a byte.
constexpr int kQuietMs = 500;

bool is_device(int file) {
  struct stat status;
  return ::fstat(file, &status) == 0 && (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode));
}

[[noreturn]] void fail(const char* what) {
  throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
}

ndk::UniqueFd copy_of(int file) {
  ndk::UniqueFd copy(::fcntl(file, F_DUPFD_CLOEXEC, 0));
  if (copy.get() < 0) fail("a standard stream");
  return copy;
}

struct Pipe {
  ndk::UniqueFd reading;
  ndk::UniqueFd writing;
};

Pipe make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail("a pipe");
  return {.reading = ndk::UniqueFd(ends[0]), .writing = ndk::UniqueFd(ends[1])};
}

// False at the end of `from`, or when `to` takes nothing more.
bool copy_some(int from, int to) {
  std::array<char, 4096> bytes;
  const ssize_t got = ::read(from, bytes.data(), bytes.size());
  for (ssize_t done = 0; done < got;) {
    const ssize_t put = ::write(to, bytes.data() + done, static_cast<std::size_t>(got - done));
    if (put < 0) return false;
    done += put;
  }
  return got > 0;
}

void copy_output(const ndk::UniqueFd& from, int to, const ndk::UniqueFd& over) {
  bool ending = false;
  for (;;) {
    std::array<pollfd, 2> wait{pollfd{.fd = from.get(), .events = POLLIN, .revents = 0},
                               pollfd{.fd = over.get(), .events = POLLIN, .revents = 0}};
    const int ready = ::poll(wait.data(), ending ? 1 : 2, ending ? kQuietMs : -1);
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return;
    if (wait[1].revents != 0) ending = true;
    if (wait[0].revents != 0 && !copy_some(from.get(), to)) return;
  }
}

}  // namespace

TravellingOutput::TravellingOutput(int file) {
  if (!is_device(file)) {
    end_ = copy_of(file);
    return;
  }
  Pipe output = make_pipe();
  Pipe over = make_pipe();
  end_ = std::move(output.writing);
  over_ = std::move(over.writing);
  copier_ = std::thread([from = std::move(output.reading), file, stop = std::move(over.reading)] {
    copy_output(from, file, stop);
  });
}

TravellingOutput::~TravellingOutput() {
  end_.reset();
  over_.reset();
  if (copier_.joinable()) copier_.join();
}

ndk::UniqueFd travelling_input(int file) {
  if (!is_device(file)) return copy_of(file);
  Pipe input = make_pipe();
  std::thread([file, to = std::move(input.writing)] {
    while (copy_some(file, to.get())) {
    }
  }).detach();
  return std::move(input.reading);
}

}  // namespace netbinder::tools
