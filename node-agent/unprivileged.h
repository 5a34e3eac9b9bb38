// SPDX-License-Identifier: Apache-2.0
//
// Gives up root's rights. The agent needs them only until its sockets are bound and its files are
// read: it reads no program's memory and takes no descriptor by itself.
#pragma once

#include <string>

namespace netbinder {

// Becomes that user, for good, and keeps no capability. An empty name means the user
// "netbinder" if there is one; otherwise nothing changes. Nothing changes either if this
// process is not root's; then the name must be empty or its own user's. Throws
// std::runtime_error. The process must have no other threads that matter; those of the C
// library change, too.
std::string become_unprivileged(const std::string& user);

}  // namespace netbinder
