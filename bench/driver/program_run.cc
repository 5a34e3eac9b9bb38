// SPDX-License-Identifier: Apache-2.0
#include "bench/driver/program_run.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>

namespace netbinder::bench {

namespace {

class OutputPipe {
 public:
  OutputPipe() {
    if (::pipe2(ends_.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  }
  ~OutputPipe() {
    close_end(0);
    close_end(1);
  }
  OutputPipe(const OutputPipe&) = delete;
  OutputPipe& operator=(const OutputPipe&) = delete;

  void becomes(int fd) const { ::dup2(ends_[1], fd); }
  void close_writing_end() { close_end(1); }
  [[nodiscard]] pollfd watch() const { return {.fd = ends_[0], .events = POLLIN, .revents = 0}; }
  // Appends what is there; at the end of the output it is not to be watched any more.
  void read_some(std::string& into) {
    std::array<char, 4096> bytes;
    const ssize_t got = ::read(ends_[0], bytes.data(), bytes.size());
    if (got > 0) {
      into.append(bytes.data(), static_cast<std::size_t>(got));
    } else {
      close_end(0);
    }
  }
  [[nodiscard]] bool ended() const { return ends_[0] < 0; }

 private:
  void close_end(std::size_t end) {
    if (ends_[end] >= 0) ::close(ends_[end]);
    ends_[end] = -1;
  }
  std::array<int, 2> ends_{-1, -1};
};

[[noreturn]] void become(const std::vector<std::string>& words) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ::execvp(arguments[0], arguments.data());
  const std::string said = words[0] + ": " + std::strerror(errno) + "\n";
  (void)!::write(STDERR_FILENO, said.data(), said.size());
  ::_exit(127);
}

}  // namespace

ProgramRun run_program(const std::vector<std::string>& words, int limit_s) {
  OutputPipe out, err;
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) throw std::runtime_error(std::string("cannot fork: ") + std::strerror(errno));
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    out.becomes(STDOUT_FILENO);
    err.becomes(STDERR_FILENO);
    become(words);
  }
  out.close_writing_end();
  err.close_writing_end();
  ProgramRun run;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(limit_s);
  while (!out.ended() || !err.ended()) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) {
      ::kill(pid, SIGKILL);
      run.err += "it was stopped after " + std::to_string(limit_s) + " s\n";
      break;
    }
    std::array<pollfd, 2> watched = {out.watch(), err.watch()};
    if (::poll(watched.data(), watched.size(), static_cast<int>(left.count())) <= 0) continue;
    if (watched[0].revents != 0) out.read_some(run.out);
    if (watched[1].revents != 0) err.read_some(run.err);
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  run.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return run;
}

}  // namespace netbinder::bench
