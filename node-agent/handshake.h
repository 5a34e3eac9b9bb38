// SPDX-License-Identifier: Apache-2.0
//
// Carries out a program's Hello: opens a channel, gives a debug file, makes a device, or lets a
// process into a channel that another one opened.
//
// Owned by the Agent. Thread: the data-plane thread.
#pragma once

#include <cstdint>
#include <string>

#include "node-agent/channel_acceptor.h"
#include "node-agent/hello_request.h"
#include "node-agent/namespaces.h"
#include "node-agent/unique_fd.h"

namespace netbinder {

class DebugFiles;
class NodeHost;
class ProgramChannels;

class Handshake {
 public:
  Handshake(NodeHost& host, ProgramChannels& channels, DebugFiles& debug_files)
      : host_(host), channels_(channels), debug_files_(debug_files) {}

  // Does what the Hello asks for and answers on the socket. `passed` is the descriptor that came
  // with the Hello, if any.
  void hello_arrived(const HelloRequest& request, PeerProgram program, ForeignFd socket,
                     const ForeignFd& passed);
  // The number of Hellos since the beginning.
  [[nodiscard]] std::uint64_t hellos() const { return hellos_; }

 private:
  // `version`: the channel's.
  void open_channel(const OpenDevice& wanted, std::uint32_t version, PeerProgram program,
                    ForeignFd socket, const ForeignFd& passed);
  void attach(std::int32_t subject, std::uint32_t version, const ForeignFd& passed,
              const PeerProgram& program, int socket);
  void send_debug_file(const std::string& file, std::uint32_t version, std::uint32_t euid,
                       ForeignFd socket);
  int add_device(const std::string& name, const PeerProgram& program);
  int remove_device(const std::string& name, const PeerProgram& program);

  NodeHost& host_;
  ProgramChannels& channels_;
  DebugFiles& debug_files_;
  const NamespaceIds namespaces_ = own_namespaces();
  std::uint64_t hellos_ = 0;
};

}  // namespace netbinder
