// SPDX-License-Identifier: Apache-2.0
//
// An etcd of the system's, as a child process of a test, on loopback addresses and in a folder of
// its own. A test fails where there is none (Debian: etcd-server, etcd-client).
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace netbinder::testing {

class RealEtcd {
 public:
  // Waits until it answers.
  RealEtcd();
  ~RealEtcd();
  RealEtcd(const RealEtcd&) = delete;
  RealEtcd& operator=(const RealEtcd&) = delete;

  [[nodiscard]] const std::string& endpoint() const { return endpoint_; }
  [[nodiscard]] std::string path(const std::string& file) const {
    return (folder_ / file).string();
  }
  // etcdctl's output; fails the test if it fails.
  std::string control(const std::vector<std::string>& arguments) const;
  // It answers nothing, as if its machine stood still, or goes on.
  void hang() const;
  void go_on() const;

 private:
  bool answers() const;

  std::filesystem::path folder_;
  std::string endpoint_;
  pid_t pid_ = -1;
};

}  // namespace netbinder::testing
