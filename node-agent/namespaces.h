// SPDX-License-Identifier: Apache-2.0
//
// What a program sees of the senders of calls, if it is in other namespaces than the agent: the pid
// that a sender has in the program's pid namespace, 0 if it has none there, and the sender's user in
// the program's user namespace, or -1.
//
// The program shows its pid namespace by a descriptor; what it says can change only what it is told
// itself. Neither needs rights over programs. Before Linux 6.11 no pid can be translated by such a
// descriptor; then it is read from /proc, as far as the agent may look there, and is 0 otherwise.
//
// Owned by a ClientChannel. Thread: the data-plane thread.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "node-agent/unique_fd.h"

namespace netbinder {

// A namespace, as far as it can be told from others.
struct NamespaceIds {
  std::uint64_t pid = 0;
  std::uint64_t user = 0;
};
// The agent's own.
[[nodiscard]] NamespaceIds own_namespaces();

// Asks nothing of the file itself, which may be anybody's.
[[nodiscard]] bool is_pid_namespace(int fd);

class ReceiversView {
 public:
  // `program` is its pid; `pid_namespace` is none if that is the agent's own. What is no pid namespace
  // is not used: a call to another kind of file could take as long as its server likes.
  ReceiversView(std::int32_t program, ForeignFd pid_namespace)
      : program_(program),
        pid_namespace_(is_pid_namespace(pid_namespace.get()) ? std::move(pid_namespace)
                                                             : ForeignFd()) {}

  [[nodiscard]] std::int32_t pid(std::int32_t sender) const;
  [[nodiscard]] std::uint32_t euid(std::uint32_t sender);
  // Rewrites the senders of the transactions in what the program is about to read. `commands` can be
  // changed by the program meanwhile, which then has only itself to blame.
  void rewrite(std::span<std::byte> commands);

 private:
  struct Mapping {
    std::uint32_t inside = 0, outside = 0, count = 0;
  };
  void read_user_map();

  std::int32_t program_;
  ForeignFd pid_namespace_;
  std::vector<Mapping> users_;  // empty until the map is written
};

}  // namespace netbinder
