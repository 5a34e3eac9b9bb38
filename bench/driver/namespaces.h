// SPDX-License-Identifier: Apache-2.0
//
// Two network namespaces that a pair of virtual devices joins. Each lives as long as a process that
// holds it, and the processes as long as the object; so nothing is left, however the bench ends.
#pragma once

#include <sys/types.h>

#include <string>

namespace netbinder::bench {

class Namespaces {
 public:
  // Throws std::runtime_error, with the reason, where they cannot be made: that takes root.
  Namespaces();
  ~Namespaces();
  Namespaces(const Namespaces&) = delete;
  Namespaces& operator=(const Namespaces&) = delete;

  static constexpr const char* kServerHost = "10.211.0.1";
  static constexpr const char* kClientHost = "10.211.0.2";
  [[nodiscard]] std::string server_path() const { return path_of(server_); }
  [[nodiscard]] std::string client_path() const { return path_of(client_); }

 private:
  static std::string path_of(pid_t holder);
  void join() const;
  void end();

  pid_t server_ = 0;
  pid_t client_ = 0;
};

}  // namespace netbinder::bench
