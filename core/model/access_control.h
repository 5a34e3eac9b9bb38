// SPDX-License-Identifier: Apache-2.0
//
// Asks the rules that the host has given nodes and contexts (access_rules.h), and tells of what
// they deny: the host, and the log of failed transactions.
//
// Thread: the driver's.
#pragma once

#include <cstdint>
#include <optional>

#include "core/model/access_rules.h"
#include "core/model/br_error.h"

namespace netbinder {

class Context;
class Model;
class Node;
class Process;

// How a call of the node fails by its rules; nothing: it may be made. Whoever makes it logs that.
// To be asked only where a node has rules.
[[nodiscard]] std::optional<BrError> deny_call(Model& model, const Node& node,
                                               const Subject& caller, std::int32_t pid);
// Whether a program may not become the context's manager. `pid` is 0 on another host.
[[nodiscard]] bool denies_managing(Model& model, const Context& context, const Subject& subject,
                                   std::int32_t pid);
// Reports a denial by a process of this host's own, in its answer to a call.
void tell_denial(Model& model, const Context& context, const Denial& denial);

}  // namespace netbinder
