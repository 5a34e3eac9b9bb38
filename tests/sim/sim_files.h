// SPDX-License-Identifier: Apache-2.0
//
// The descriptors in flight of a simulated host. None yet: programs have none.
#pragma once

#include <cerrno>

#include "core/check.h"
#include "host/files.h"

namespace netbinder::sim {

class SimFiles final : public Files {
 public:
  void drop(FileToken) override { NB_UNREACHABLE(); }
  std::expected<FileNumber, FileRefusal> export_file(HostId, FileToken) override {
    NB_UNREACHABLE();
  }
  void withdraw(HostId, FileNumber) override { NB_UNREACHABLE(); }
  std::expected<FileToken, int> import_file(HostId, FileNumber) override {
    return std::unexpected(-ENOENT);
  }
  void send_offers(HostId) override {}
  void drop_offers(HostId) override {}
  const char* message_arrived(HostId, peer::FileMessage) override { return "a descriptor"; }
  void peer_lost(HostId) override {}
};

}  // namespace netbinder::sim
