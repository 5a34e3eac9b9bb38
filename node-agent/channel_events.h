// SPDX-License-Identifier: Apache-2.0
//
// The values that a channel (ClientChannel) and its owner (ProgramChannels) hand each other.
//
// Thread: the data-plane thread.
#pragma once

#include <cstdint>
#include <vector>

#include "channel/layout.h"

namespace netbinder {

class ClientChannel;
struct ProvenIdentity;

// The events that a channel reports to its owner.
class ChannelEvents {
 public:
  virtual ~ChannelEvents() = default;
  // A process has identified itself, which the kernel confirms. Called while a request begins.
  virtual void identified(ClientChannel& channel, const ProvenIdentity& identity) = 0;
  // A request that had to wait for something else can go on.
  virtual void can_go_on(ClientChannel& channel) = 0;
};

// How much of a channel may be handled at once, before others have their turn.
struct RequestBudget {
  std::uint32_t requests = 16;
};

// The response that a program is to get in one of its mailboxes.
struct Response {
  ClientChannel* channel = nullptr;
  std::uint32_t mailbox = 0;
  bool installs = false;  // descriptors come first; the ioctl is not done
  MailboxResponse content;
  std::vector<int> close_fds;
};

}  // namespace netbinder
