// SPDX-License-Identifier: Apache-2.0
#include "node-agent/readiness.h"

#include <sys/socket.h>

#include <utility>

namespace netbinder {

void Readiness::changed(bool readable, int socket) {
  if (!readable) {
    taken_back_ = told_;
    return;
  }
  taken_back_ = false;
  if (told_) return;
  const char ready = 1;
  told_ = ::send(socket, &ready, sizeof ready, MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof ready;
}

bool Readiness::take_back() {
  if (!std::exchange(taken_back_, false)) return false;
  told_ = false;
  return true;
}

}  // namespace netbinder
