// SPDX-License-Identifier: Apache-2.0
//
// Descriptors in flight: the interface between a NodeHost and the owner of the descriptors. The
// core knows them by tokens; a token is in flight from ProcessHost::take_file or import_file until
// it is dropped, exported or installed.
//
// To another host: export_file; then withdraw, or send_offers ahead of the message that names it.
// From another host: messages of the peer offer it, import_file takes it while the core handles the
// message that names it, and drop_offers drops the offers that this message did not take.
//
// Owned by the owner of the NodeHost, and outlives it. Thread: the data-plane thread; these are
// called while the core handles an event and must not call back into it.
#pragma once

#include <expected>

#include "core/model/effects.h"
#include "core/base/ids.h"
#include "core/wire/peer_message.h"

namespace netbinder {

class Files {
 public:
  virtual ~Files() = default;
  virtual void drop(FileToken file) = 0;

  // ---- other hosts; never called where there are none ----
  // As Effects::export_file, withdraw_file and import_file.
  virtual std::expected<FileNumber, FileRefusal> export_file(HostId peer, FileToken file) = 0;
  virtual void withdraw(HostId peer, FileNumber file) = 0;
  virtual std::expected<FileToken, int> import_file(HostId peer, FileNumber file) = 0;
  // Announces to the peer what was exported to it, by NodeHost::send_about_file: the message that
  // names it comes next.
  virtual void send_offers(HostId peer) = 0;
  virtual void drop_offers(HostId peer) = 0;
  // Returns how the peer broke the protocol, or null.
  virtual const char* message_arrived(HostId peer, peer::FileMessage message) = 0;
  virtual void peer_lost(HostId peer) = 0;
};

}  // namespace netbinder
