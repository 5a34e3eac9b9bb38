// SPDX-License-Identifier: Apache-2.0
//
// The descriptors in flight of a simulated host. A reference goes to another host as a content
// whose bytes are its number and its errand; there it becomes a reference to the same file, and is
// closed here. A token or a number that is used again, or that was dropped before, is a finding.
//
// Owned by the SimHost.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/base/ids.h"
#include "host/files.h"
#include "tests/sim/open_files.h"

namespace netbinder {
class NodeHost;
}

namespace netbinder::sim {

class World;

class SimFiles final : public Files {
 public:
  SimFiles(World& world, HostId id) : world_(world), id_(id) {}
  // To be called before anything else.
  void attach(NodeHost& host) { host_ = &host; }

  // ---- for programs ----
  FileToken take_in(OpenFile file);
  std::vector<OpenFile> take_out(std::span<const FileToken> tokens);

  // The number of references here: in flight between programs of this host, for peers, and from
  // peers.
  [[nodiscard]] std::size_t held() const;

  // ---- Files ----
  void drop(FileToken file) override;
  std::expected<FileNumber, FileRefusal> export_file(HostId peer, FileToken file) override;
  void withdraw(HostId peer, FileNumber file) override;
  std::expected<FileToken, int> import_file(HostId peer, FileNumber file) override;
  void send_offers(HostId peer) override;
  void drop_offers(HostId peer) override;
  const char* message_arrived(HostId peer, peer::FileMessage message) override;
  void peer_lost(HostId peer) override { peers_.erase(peer); }

 private:
  struct Peer {
    std::map<FileNumber, OpenFile> outgoing;  // not told to it yet
    std::map<FileNumber, OpenFile> offers;    // not taken by a message yet
  };

  OpenFile take(FileToken token, const char* what);
  void fail(const std::string& what);

  World& world_;
  HostId id_;
  NodeHost* host_ = nullptr;
  std::map<FileToken, OpenFile> in_flight_;
  std::map<HostId, Peer> peers_;
  std::uint64_t last_token_ = 0;
  std::uint64_t last_number_ = 0;
};

}  // namespace netbinder::sim
