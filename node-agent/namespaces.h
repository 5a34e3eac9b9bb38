// SPDX-License-Identifier: Apache-2.0
//
// How a program sees the senders of calls if it is in other namespaces than the agent: the pid that
// a sender has in the program's pid namespace, or 0 if it has none there, and the sender's user in
// the program's user namespace, or -1.
//
// The program shows its pid namespace by a descriptor, which affects only what it sees itself. This
// needs no rights over programs. Before Linux 6.11 no pid can be translated by such a descriptor;
// it is then read from /proc, as far as the agent may look there, and is 0 otherwise.
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

// The identities of a process's namespaces.
struct NamespaceIds {
  std::uint64_t pid = 0;
  std::uint64_t user = 0;
};
// The agent's own.
[[nodiscard]] NamespaceIds own_namespaces();

// Makes no call to the file's own code, which a stranger may have supplied.
[[nodiscard]] bool is_pid_namespace(int fd);

class ReceiversView {
 public:
  // `program` is its pid; `pid_namespace` is empty if it is the agent's own. Any other kind of file
  // is not used: a call to it could take as long as its server likes.
  ReceiversView(std::int32_t program, ForeignFd pid_namespace)
      : program_(program),
        pid_namespace_(is_pid_namespace(pid_namespace.get()) ? std::move(pid_namespace)
                                                             : ForeignFd()) {}

  [[nodiscard]] std::int32_t pid(std::int32_t sender) const;
  [[nodiscard]] std::uint32_t euid(std::uint32_t sender);
  // Rewrites the senders of the transactions that the program is about to read. If the program
  // changes `commands` at the same time, it harms only itself.
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
