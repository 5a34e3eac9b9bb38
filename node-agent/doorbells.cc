// SPDX-License-Identifier: Apache-2.0
#include "node-agent/doorbells.h"

#include "node-agent/client_channel.h"

namespace netbinder {

int Doorbells::add(ClientChannel& channel) {
  return set_.add(channel.doorbell(), EPOLLIN | EPOLLET, {.ptr = &channel});
}

void Doorbells::remove(const ClientChannel& channel) { set_.remove(channel.doorbell()); }

}  // namespace netbinder
