// SPDX-License-Identifier: Apache-2.0
#include "tests/membership/real_etcd.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <thread>

#include "tests/agent/reserved_port.h"

namespace netbinder::testing {

namespace fs = std::filesystem;

namespace {

std::string address() { return "http://127.0.0.1:" + std::to_string(reserved_port()); }

// The program's output, and its status.
std::pair<std::string, int> output_of(const std::vector<std::string>& command) {
  std::string line = "ETCDCTL_API=3";
  for (const std::string& word : command) line += " '" + word + "'";
  std::FILE* const pipe = ::popen((line + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return {"no pipe", -1};
  std::string output;
  std::array<char, 4096> bytes;
  while (const std::size_t got = std::fread(bytes.data(), 1, bytes.size(), pipe)) {
    output.append(bytes.data(), got);
  }
  return {output, ::pclose(pipe)};
}

}  // namespace

RealEtcd::RealEtcd() {
  std::string name = (fs::temp_directory_path() / "etcd-test-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) ADD_FAILURE() << "no folder";
  folder_ = name;
  endpoint_ = address();
  const std::string peers = address();
  const std::string data = path("data");
  const std::string cluster = "one=" + peers;
  const std::string log = path("log");
  pid_ = ::fork();
  if (pid_ == 0) {
    const int fd = ::open(log.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
    ::dup2(fd, 1);
    ::dup2(fd, 2);
    ::execlp("etcd", "etcd", "--name", "one", "--data-dir", data.c_str(), "--logger", "zap",
             "--listen-client-urls", endpoint_.c_str(), "--advertise-client-urls",
             endpoint_.c_str(), "--listen-peer-urls", peers.c_str(),
             "--initial-advertise-peer-urls", peers.c_str(), "--initial-cluster", cluster.c_str(),
             static_cast<char*>(nullptr));
    ::_exit(127);
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!answers()) {
    if (::waitpid(pid_, nullptr, WNOHANG) != 0 || std::chrono::steady_clock::now() > deadline) {
      ADD_FAILURE() << "NOT RUN: etcd (Debian: etcd-server, etcd-client) does not start";
      pid_ = -1;
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

RealEtcd::~RealEtcd() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

bool RealEtcd::answers() const {
  return output_of({"etcdctl", "--endpoints", endpoint_, "endpoint", "health"}).second == 0;
}

std::string RealEtcd::control(const std::vector<std::string>& arguments) const {
  std::vector<std::string> command{"etcdctl", "--endpoints", endpoint_};
  command.insert(command.end(), arguments.begin(), arguments.end());
  const auto [output, status] = output_of(command);
  EXPECT_EQ(status, 0) << output;
  return output;
}

void RealEtcd::hang() const { ::kill(pid_, SIGSTOP); }
void RealEtcd::go_on() const { ::kill(pid_, SIGCONT); }

}  // namespace netbinder::testing
