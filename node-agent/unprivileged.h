// SPDX-License-Identifier: Apache-2.0
//
// Gives root's rights up. What the agent needs them for is over when its sockets are bound and its
// files are read: it reads no program's memory and takes no descriptor by itself.
#pragma once

#include <string>

namespace netbinder {

// Becomes that user, for good, and keeps no capability. An empty name is the user "netbinder" if
// there is one, else nothing changes. Nothing changes either if this process is not root's, unless
// the name is another one's. Throws std::runtime_error. The calling thread's process must have no
// other threads that matter; those of the C library are changed along.
// Returns the name of the user that it has become, or "".
std::string become_unprivileged(const std::string& user);

}  // namespace netbinder
