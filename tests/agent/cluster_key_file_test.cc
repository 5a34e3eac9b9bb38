// SPDX-License-Identifier: Apache-2.0
//
// The file with the cluster's key: made once, for its owner alone.
#include "node-agent/cluster_key_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>
#include <vector>

namespace netbinder {
namespace {

class ClusterKeyFile : public ::testing::Test {
 protected:
  ClusterKeyFile() {
    std::string pattern = (std::filesystem::temp_directory_path() / "key-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    file_ = folder_ + "/key";
  }
  ~ClusterKeyFile() override { std::filesystem::remove_all(folder_); }

  // Why it cannot be used; empty if it can.
  std::string refusal() {
    try {
      (void)cluster_key_of(file_);
      return {};
    } catch (const std::runtime_error& error) {
      return error.what();
    }
  }

  std::string folder_;
  std::string file_;
};

TEST_F(ClusterKeyFile, IsMadeOnceForItsOwnerAlone) {
  const std::string secret = cluster_key_of(file_);
  EXPECT_EQ(secret.size(), 64U);
  struct stat what {};
  ASSERT_EQ(::stat(file_.c_str(), &what), 0);
  EXPECT_EQ(what.st_mode & 0777, 0600U);
  EXPECT_EQ(cluster_key_of(file_), secret);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

TEST_F(ClusterKeyFile, IsTheSameForAllThatStartAtOnce) {
  std::vector<std::string> secrets(8);
  std::vector<std::thread> agents;
  agents.reserve(secrets.size());
  for (std::string& secret : secrets) {
    agents.emplace_back([&] { secret = cluster_key_of(file_); });
  }
  for (std::thread& agent : agents) agent.join();
  for (const std::string& secret : secrets) EXPECT_EQ(secret, secrets.front());
}

TEST_F(ClusterKeyFile, IsRefusedIfOthersMayUseIt) {
  (void)cluster_key_of(file_);
  for (const mode_t mode : {0640, 0604, 0620}) {
    ASSERT_EQ(::chmod(file_.c_str(), mode), 0);
    EXPECT_NE(refusal().find("chmod 600"), std::string::npos);
  }
}

TEST_F(ClusterKeyFile, IsRefusedIfItIsNone) {
  std::ofstream(file_) << "short\n";
  ASSERT_EQ(::chmod(file_.c_str(), 0600), 0);
  EXPECT_NE(refusal().find("fewer than"), std::string::npos);
  std::filesystem::remove(file_);
  std::filesystem::create_directory(file_);
  EXPECT_NE(refusal(), "");
  file_ = folder_ + "/none/key";
  EXPECT_NE(refusal().find("cannot be made"), std::string::npos);
}

}  // namespace
}  // namespace netbinder
