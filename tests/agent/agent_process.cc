// SPDX-License-Identifier: Apache-2.0
#include "tests/agent/agent_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>

namespace netbinder::testing {

namespace {

constexpr std::chrono::seconds kPatience{60};

int passed_descriptor = -1;

// In the new process. Its number there is 3, and only the process named in the environment is meant.
void pass_descriptor() {
  constexpr int kPlace = 3;
  if (passed_descriptor == kPlace) {
    (void)::fcntl(kPlace, F_SETFD, 0);
  } else {
    ::dup2(passed_descriptor, kPlace);
  }
  ::setenv("LISTEN_FDS", "1", 1);
  ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
}

pid_t spawn(const Folder& folder, std::vector<std::string> arguments, const std::string& output) {
  const std::string output_path = folder.path(output);
  arguments.insert(arguments.begin(), NETBINDERD);
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid == 0) {
    const int out = ::open(output_path.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(out, STDERR_FILENO);
    if (passed_descriptor >= 0) pass_descriptor();
    ::execv(NETBINDERD, argv.data());
    ::_exit(127);
  }
  return pid;
}

bool has_ended(pid_t pid) {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == pid;
}

std::string slurp(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

PassedDescriptor::PassedDescriptor(int fd) { passed_descriptor = fd; }
PassedDescriptor::~PassedDescriptor() { passed_descriptor = -1; }

Folder::Folder() {
  std::string name = (std::filesystem::temp_directory_path() / "agent-test-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
  path_ = name;
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void Folder::write(const std::string& name, const std::string& text) const {
  std::ofstream(path(name)) << text;
}

std::string Folder::read(const std::string& name) const { return slurp(path(name)); }

bool eventually(const std::string& what, const std::function<bool()>& is_so) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!is_so()) {
    if (std::chrono::steady_clock::now() > deadline) {
      ADD_FAILURE() << "waited in vain: " << what;
      return false;
    }
    ::sched_yield();
  }
  return true;
}

std::ostream& operator<<(std::ostream& out, const Counts& counts) {
  return out << "processes " << counts.processes << " nodes " << counts.nodes << " refs "
             << counts.refs << " transactions " << counts.transactions << " deaths "
             << counts.deaths << " buffers " << counts.buffers << " descriptors "
             << counts.descriptors;
}

int run_daemon(const Folder& folder, const std::vector<std::string>& arguments,
               const std::string& output) {
  const pid_t pid = spawn(folder, arguments, output);
  int status = 0;
  if (!eventually("netbinderd ends", [&] { return has_ended(pid); })) ::kill(pid, SIGKILL);
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFEXITED(status)) << folder.read(output);
  return WEXITSTATUS(status);
}

AgentProcess::AgentProcess(const std::string& settings)
    : own_folder_(std::make_unique<Folder>()), folder_(own_folder_.get()) {
  start(settings);
}

AgentProcess::AgentProcess(const std::string& settings, const Folder& folder) : folder_(&folder) {
  start(settings);
}

void AgentProcess::start(const std::string& settings) {
  folder_->write("agent.toml", "host = \"here\"\nsocket = \"" + socket() + "\"\n" + settings);
  pid_ = spawn(*folder_, {"--config", folder_->path("agent.toml")}, "log");
  EXPECT_TRUE(eventually("the agent serves", [&] {
    return folder_->read("log").find("serving") != std::string::npos ||
           has_ended(pid_);
  }));
  if (has_ended(pid_)) ADD_FAILURE() << folder_->read("log");
}

AgentProcess::~AgentProcess() { end(); }

void AgentProcess::end() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGTERM);
  expect_end();
}

void AgentProcess::expect_end() {
  int status = 0;
  EXPECT_TRUE(eventually("the agent ends",
                         [&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; }));
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0)
      << "status " << status << "\n" << folder_->read("log");
  pid_ = -1;
}

void AgentProcess::kill() {
  EXPECT_EQ(::kill(pid_, SIGKILL), 0);
  EXPECT_EQ(::waitpid(pid_, nullptr, 0), pid_);
  pid_ = -1;
}

std::string AgentProcess::status_line(const std::string& request) const {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = socket() + ".admin";
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  std::string line;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      ::send(fd, request.data(), request.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(request.size())) {
    char c = 0;
    while (::read(fd, &c, 1) == 1 && c != '\n') line.push_back(c);
    // The agent's end is closed when the end of file comes: its descriptor is no longer counted.
    ::shutdown(fd, SHUT_WR);
    while (::read(fd, &c, 1) == 1) {
    }
  }
  ::close(fd);
  return line;
}

Counts AgentProcess::counts() const {
  const auto status = nlohmann::json::parse(status_line("{\"command\":\"status\"}\n"), nullptr, false);
  Counts counts{};
  if (!status.is_object()) {
    ADD_FAILURE() << "no status: " << folder_->read("log");
    return counts;
  }
  const auto& told = status["counts"];
  counts.processes = told["processes"];
  counts.nodes = told["nodes"];
  counts.refs = told["refs"];
  counts.transactions = told["transactions"];
  counts.deaths = told["deaths"];
  counts.buffers = told["buffers"];
  std::error_code error;
  // The connection that asked has ended. The folder itself and what goes meanwhile do not count.
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid_) + "/fd", error)) {
    std::error_code gone;
    (void)std::filesystem::read_symlink(entry.path(), gone);
    if (!gone) ++counts.descriptors;
  }
  return counts;
}

void AgentProcess::expect_back_at(const Counts& before) const {
  Counts now{};
  if (!eventually("the agent's counts are back", [&] {
        now = counts();
        return now == before;
      })) {
    ADD_FAILURE() << "before: " << before << "\nnow: " << now << "\n" << folder_->read("log");
  }
}

std::uint64_t AgentProcess::run_time_ns() const {
  std::istringstream line(slurp("/proc/" + std::to_string(pid_) + "/schedstat"));
  std::uint64_t run_time = 0;
  line >> run_time;
  return run_time;
}

std::uint64_t AgentProcess::context_switches() const {
  const std::string status = slurp("/proc/" + std::to_string(pid_) + "/status");
  const std::string key = "\nvoluntary_ctxt_switches:";
  const std::size_t at = status.find(key);
  return at == std::string::npos ? 0 : std::stoull(status.substr(at + key.size()));
}

}  // namespace netbinder::testing
