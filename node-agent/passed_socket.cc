// SPDX-License-Identifier: Apache-2.0
#include "node-agent/passed_socket.h"

#include <fcntl.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <vector>

namespace netbinder {

namespace {

// The environment says so once, and is of no use to programs that the agent might start.
std::vector<int>& passed_descriptors() {
  static std::vector<int> passed = [] {
    std::vector<int> all;
    const int count = std::max(0, ::sd_listen_fds(1));
    for (int i = 0; i < count; ++i) all.push_back(SD_LISTEN_FDS_START + i);
    return all;
  }();
  return passed;
}

}  // namespace

UniqueFd take_passed_socket(const std::string& path, int type) {
  std::vector<int>& passed = passed_descriptors();
  const auto found = std::find_if(passed.begin(), passed.end(), [&](int fd) {
    return ::sd_is_socket_unix(fd, type, 1, path.c_str(), 0) > 0;
  });
  if (found == passed.end()) return UniqueFd();
  UniqueFd taken(*found);
  passed.erase(found);
  (void)::fcntl(taken.get(), F_SETFL, ::fcntl(taken.get(), F_GETFL) | O_NONBLOCK);
  return taken;
}

}  // namespace netbinder
