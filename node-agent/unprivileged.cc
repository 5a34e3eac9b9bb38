// SPDX-License-Identifier: Apache-2.0
#include "node-agent/unprivileged.h"

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace netbinder {

std::string become_unprivileged(const std::string& user) {
  constexpr const char* kOwnUser = "netbinder";
  const passwd* const entry = ::getpwnam(user.empty() ? kOwnUser : user.c_str());
  if (entry == nullptr) {
    if (user.empty()) return {};
    throw std::runtime_error("user = \"" + user + "\": there is no such user");
  }
  const uid_t uid = entry->pw_uid;
  const gid_t gid = entry->pw_gid;
  const std::string name = entry->pw_name;
  if (uid == ::geteuid()) return {};
  if (::geteuid() != 0) {
    if (user.empty()) return {};
    throw std::runtime_error("user = \"" + user + "\": only root can become another user");
  }
  if (::initgroups(name.c_str(), gid) != 0 || ::setresgid(gid, gid, gid) != 0 ||
      ::setresuid(uid, uid, uid) != 0) {
    throw std::runtime_error("user = \"" + name + "\": " + std::strerror(errno));
  }
  // Set-uid files and files with capabilities give this process no rights.
  (void)::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  return name;
}

}  // namespace netbinder
