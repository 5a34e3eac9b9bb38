// SPDX-License-Identifier: Apache-2.0
//
// netbinderd as a child process of a test, with sockets in a folder of its own. A crash or a
// sanitizer's report fails the test.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

namespace netbinder::testing {

// A folder that is removed with its owner.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string path(const std::string& name) const { return (path_ / name).string(); }
  void write(const std::string& name, const std::string& text) const;
  [[nodiscard]] std::string read(const std::string& name) const;

 private:
  std::filesystem::path path_;
};

// Repeats the check until it holds; fails the test if that takes more than some seconds.
bool eventually(const std::string& what, const std::function<bool()>& is_so);

struct Counts {
  std::int64_t processes, nodes, refs, transactions, deaths, buffers, descriptors;
  friend bool operator==(const Counts&, const Counts&) = default;
};
std::ostream& operator<<(std::ostream& out, const Counts& counts);

// Starts netbinderd with its output in a file of the folder, waits for its end, returns its status.
int run_daemon(const Folder& folder, const std::vector<std::string>& arguments,
               const std::string& output);

// Agents that are started while it lives are passed the descriptor, as by systemd's socket activation.
class PassedDescriptor {
 public:
  explicit PassedDescriptor(int fd);
  ~PassedDescriptor();
  PassedDescriptor(const PassedDescriptor&) = delete;
  PassedDescriptor& operator=(const PassedDescriptor&) = delete;
};

class AgentProcess {
 public:
  // Waits until the agent serves. `settings` are further lines of the configuration.
  explicit AgentProcess(const std::string& settings = "");
  // Runs in an existing folder, which is not removed.
  AgentProcess(const std::string& settings, const Folder& folder);
  ~AgentProcess();
  AgentProcess(const AgentProcess&) = delete;
  AgentProcess& operator=(const AgentProcess&) = delete;

  // Stops it, and fails the test unless it ends normally.
  void end();
  // It has been told to stop: waits until it ends, and fails the test unless it does so normally.
  void expect_end();
  // Kills it; nothing of it is expected but its files.
  void kill();
  [[nodiscard]] std::string socket() const { return folder_->path("agent.sock"); }
  [[nodiscard]] const Folder& folder() const { return *folder_; }
  [[nodiscard]] pid_t pid() const { return pid_; }
  // The numbers that the admin socket and /proc show.
  [[nodiscard]] Counts counts() const;
  [[nodiscard]] std::string status_line(const std::string& request) const;
  void expect_back_at(const Counts& before) const;
  [[nodiscard]] std::uint64_t run_time_ns() const;
  [[nodiscard]] std::uint64_t context_switches() const;

 private:
  void start(const std::string& settings);

  std::unique_ptr<Folder> own_folder_;
  const Folder* folder_;
  pid_t pid_ = -1;
};

}  // namespace netbinder::testing
