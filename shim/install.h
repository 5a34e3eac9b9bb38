// SPDX-License-Identifier: Apache-2.0
//
// What an exchange does to the program's descriptors: new ones come over the side socket, and
// readiness messages are taken off the binder descriptor. Any thread.
#pragma once

#include <cstdint>
#include <span>

#include "channel/mailbox.h"
#include "shim/descriptor.h"

namespace netbinder {

// The mailbox is in kInstall: its descriptors' numbers, or a negative errno, are put into `fds`,
// and its state becomes kInstalled.
void install_descriptors(Descriptor& descriptor, Mailbox& mailbox, std::uint32_t index);

// Sends the agent those of `files` that are open, for the request in a mailbox (PassMessage).
// False: there are none, or they cannot be sent.
bool pass_files(const Descriptor& descriptor, std::uint32_t index, std::span<const int> files);

// Through `fd`, if that is still a descriptor of it, or another one.
void take_readiness(const Descriptor& descriptor, int fd, std::uint32_t messages);

}  // namespace netbinder
