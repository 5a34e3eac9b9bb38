// SPDX-License-Identifier: Apache-2.0
//
// Finds the parts of netbinder: beside this program, whether built or installed.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace netbinder::tools {

// The path of this program.
[[nodiscard]] std::string own_path();
// The preload library: $NETBINDER_SHIM, or in the folder of libraries beside this program's folder. Throws
// std::runtime_error with the places where it was looked for.
[[nodiscard]] std::string shim_path();
// The agent's program, beside this one. Throws likewise.
[[nodiscard]] std::string agent_path();
// The agent's socket: $NETBINDER_SOCKET or the default.
[[nodiscard]] std::string agent_socket();

// The one for 32-bit programs, in a folder i386 beside the other; nothing if there is none.
[[nodiscard]] std::optional<std::string> shim_path_of_32_bit();
// Puts the shim at the front of LD_PRELOAD, behind `first`, unless it is there already.
void preload_shim(const std::vector<std::string>& first = {});
// The one for 32-bit programs, in the place of any other.
void preload_shim_of_32_bit(const std::string& path);
// Takes the shim out of LD_PRELOAD.
void do_not_preload_shim();
// For commands that use binder devices themselves: starts this program again with the shim
// preloaded, unless it is preloaded already. In the first case it does not return.
void ensure_preloaded(char** argv);

}  // namespace netbinder::tools
