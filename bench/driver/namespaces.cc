// SPDX-License-Identifier: Apache-2.0
#include "bench/driver/namespaces.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "bench/driver/program_run.h"

namespace netbinder::bench {

namespace {

constexpr int kCommandSeconds = 10;

// A process in a network namespace of its own, which is there when this returns.
pid_t start_holder() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    const int error = ::unshare(CLONE_NEWNET) == 0 ? 0 : errno;
    if (::write(ends[1], &error, sizeof error) != sizeof error || error != 0) ::_exit(1);
    for (;;) ::pause();
  }
  ::close(ends[1]);
  int error = ECHILD;
  const bool told = pid > 0 && ::read(ends[0], &error, sizeof error) == sizeof error;
  ::close(ends[0]);
  if (told && error == 0) return pid;
  if (pid > 0) ::waitpid(pid, nullptr, 0);
  throw std::runtime_error(std::string("network namespaces cannot be made here: ") +
                           std::strerror(error));
}

void run(const std::vector<std::string>& words) {
  const ProgramRun ran = run_program(words, kCommandSeconds);
  if (ran.status == 0) return;
  std::string command;
  for (const std::string& word : words) command += (command.empty() ? "" : " ") + word;
  throw std::runtime_error(command + ": " + ran.err.substr(0, ran.err.find('\n')));
}

}  // namespace

Namespaces::Namespaces() {
  if (::geteuid() != 0) throw std::runtime_error("network namespaces can be made by root only");
  try {
    server_ = start_holder();
    client_ = start_holder();
    join();
  } catch (...) {
    end();
    throw;
  }
}

Namespaces::~Namespaces() { end(); }

std::string Namespaces::path_of(pid_t holder) {
  return "/proc/" + std::to_string(holder) + "/ns/net";
}

void Namespaces::join() const {
  const auto in = [](pid_t holder, std::vector<std::string> words) {
    words.insert(words.begin(), {"nsenter", "--net=" + path_of(holder), "ip"});
    run(words);
  };
  in(server_, {"link", "add", "net0", "type", "veth", "peer", "name", "net0", "netns",
               std::to_string(client_)});
  for (const bool server : {true, false}) {
    const pid_t holder = server ? server_ : client_;
    const std::string address = server ? kServerHost : kClientHost;
    in(holder, {"address", "add", address + "/30", "dev", "net0"});
    in(holder, {"link", "set", "lo", "up"});
    in(holder, {"link", "set", "net0", "up"});
  }
}

void Namespaces::end() {
  for (const pid_t holder : {server_, client_}) {
    if (holder == 0) continue;
    ::kill(holder, SIGKILL);
    ::waitpid(holder, nullptr, 0);
  }
}

}  // namespace netbinder::bench
