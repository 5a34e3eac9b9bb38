// SPDX-License-Identifier: Apache-2.0
//
// Identifies this process to the agent: that it has got a channel by a fork, and under which
// effective user the opener of a channel runs now (IdentityMessage of channel/side_socket.h). Any
// thread; safe in signal handlers and in the child of a fork.
#pragma once

#include "shim/descriptor.h"

namespace netbinder {

// Never waits. False if it could not be sent.
bool say_identity(const Descriptor& descriptor);

// The program may have changed its user.
void forget_user();
// The user is known to the agent as it is now, because the channel has just been opened.
void note_user_known(Descriptor& descriptor);
// The channel has just been opened, and the agent is in these namespaces. If this process is in
// others, it shows them.
void show_namespaces(Descriptor& descriptor, std::uint64_t pid_namespace,
                     std::uint64_t user_namespace);
// Whether the opener's user may have changed since the agent heard of it last. If so it has been
// told, and the next request is to say so (kFlagIdentity).
bool tell_changed_user(Descriptor& descriptor);

}  // namespace netbinder
