// SPDX-License-Identifier: Apache-2.0
//
// The access to an agent's sockets, as decided and as the files are made.
#include "node-agent/socket_access.h"

#include <grp.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "node-agent/socket_file.h"

namespace netbinder {
namespace {

constexpr uid_t kRootUid = 0;
constexpr uid_t kAlice = 1000;

TEST(SocketAccess, AUsersOwnAgentIsForThatUser) {
  const SocketAccess access = socket_access(default_config(), kAlice).value();
  EXPECT_EQ(access.mode, 0600U);
  EXPECT_FALSE(access.owner || access.group || access.root_alone);
}

TEST(SocketAccess, RootsAgentIsForTheGroupOfProgramsIfThereIsOne) {
  const bool has_group = ::getgrnam(kDefaultSocketGroup) != nullptr;
  const SocketAccess access = socket_access(default_config(), kRootUid).value();
  EXPECT_EQ(access.mode, 0660U);
  EXPECT_EQ(access.group.has_value(), has_group);
  EXPECT_EQ(access.root_alone, !has_group) << "without it, it says that nobody else can connect";
}

TEST(SocketAccess, WhatIsConfiguredIsUsed) {
  Config config = default_config();
  config.socket_group = "1234";
  EXPECT_EQ(socket_access(config, kAlice)->mode, 0660U) << "a group that is named is let in";
  config.socket_mode = 0640;
  config.socket_owner = "77";
  const SocketAccess access = socket_access(config, kRootUid).value();
  EXPECT_EQ(access.mode, 0640U);
  EXPECT_EQ(access.owner, 77U);
  EXPECT_EQ(access.group, 1234U);
  EXPECT_FALSE(access.root_alone);
  config = default_config();
  config.socket_mode = 0666;
  EXPECT_EQ(socket_access(config, kRootUid)->words, "everybody");
  EXPECT_FALSE(socket_access(config, kRootUid)->root_alone);
}

TEST(SocketAccess, WhoDoesNotExistIsNamed) {
  Config config = default_config();
  config.socket_group = "no such group";
  EXPECT_EQ(socket_access(config, kRootUid).error(),
            "socket_group: there is no group 'no such group'");
  config.socket_owner = "no such user";
  EXPECT_EQ(socket_access(config, kRootUid).error(),
            "socket_owner: there is no user 'no such user'");
  config.socket_owner = "0";
  EXPECT_EQ(socket_access(config, kAlice).error(),
            "socket_owner: only root's agent can give its socket to '0'");
}

TEST(SocketFile, HasItsModeAndOwnersWhateverTheMask) {
  std::string folder = (std::filesystem::temp_directory_path() / "socket-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const mode_t mask = ::umask(0077);
  {
    SocketAccess access{.mode = 0660, .owner = ::geteuid(), .group = ::getegid(), .words = {}};
    const SocketFile file(folder + "/socket", SOCK_STREAM, access);
    struct stat status {};
    ASSERT_EQ(::stat((folder + "/socket").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0660U);
    EXPECT_EQ(status.st_uid, ::geteuid());
    EXPECT_EQ(status.st_gid, ::getegid());
    EXPECT_EQ(::umask(0077), 0077U) << "the process's mask is as it was";
  }
  ::umask(mask);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace netbinder
