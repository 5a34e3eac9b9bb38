// SPDX-License-Identifier: Apache-2.0
//
// The changes that an exchange makes to the program's descriptors: new ones come over the side
// socket, and readiness messages are taken off the binder descriptor. Any thread.
#pragma once

#include <cstdint>
#include <span>

#include "channel/mailbox.h"
#include "shim/descriptor.h"

namespace netbinder {

// The mailbox is in kInstall: puts the numbers of its descriptors, or a negative errno, into `fds`,
// and sets its state to kInstalled.
void install_descriptors(Descriptor& descriptor, Mailbox& mailbox, std::uint32_t index);

// Sends the agent those of `files` that are open, for the request in a mailbox (PassMessage). False
// if there are none, or they cannot be sent.
bool pass_files(const Descriptor& descriptor, std::uint32_t index, std::span<const int> files);

// Takes readiness messages through `fd`, or another descriptor of it if `fd` is one no longer.
void take_readiness(const Descriptor& descriptor, int fd, std::uint32_t messages);

}  // namespace netbinder
