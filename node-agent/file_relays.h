// SPDX-License-Identifier: Apache-2.0
//
// All travelling descriptors of this agent's programs: those offered to peers, those that peers
// have offered, and the relays of both. The core knows them by their numbers, and decides when they
// move.
//
// A descriptor's way out: export_file; then withdraw_file, or send_offers ahead of the message that
// names it. Its way in: the offer arrives, import_file while the core handles the message,
// program_has_it when it is installed. Offers that a message does not take are dropped with it.
//
// Relays are watched in an epoll set of their own, because the event loop must not take over
// descriptors that programs have as well.
//
// Thread: the data-plane thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <vector>

#include "core/model/effects.h"
#include "core/base/ids.h"
#include "node-agent/epoll_set.h"
#include "node-agent/file_content.h"
#include "node-agent/file_kind.h"
#include "node-agent/file_relay.h"
#include "node-agent/unique_fd.h"

namespace netbinder {

// A relay of this agent; 0 is none. Never reused.
using RelayId = StrongId<struct RelayIdTag, std::uint64_t>;

struct FileRelaysSetup {
  std::uint64_t max_file_bytes = 0;
  std::uint64_t max_waiting_bytes = 0;  // for a peer, before a content is refused
  std::function<void(HostId, peer::FileMessage)> send;
  std::function<std::uint64_t(HostId)> waiting_bytes;  // sent, and not acknowledged yet
  std::uint64_t max_held_bytes = 0;                    // of contents that no program has yet
  std::function<std::uint64_t()> held_bytes;           // of those that were imported
};

class FileRelays {
 public:
  FileRelays(boost::asio::io_context& io, FileRelaysSetup setup);
  ~FileRelays();

  std::expected<FileNumber, FileRefusal> export_file(HostId peer, ForeignFd file);
  void withdraw_file(HostId peer, FileNumber number);
  void send_offers(HostId peer);

  struct Imported {
    UniqueFd fd;    // the program's
    RelayId relay;  // of a content: none
    std::uint64_t content_bytes = 0;
  };
  std::expected<Imported, int> import_file(HostId peer, FileNumber number);
  // A call or reply of the peer has been handled.
  void drop_offers(HostId peer) {
    if (const auto found = peers_.find(peer); found != peers_.end()) found->second.offers.clear();
  }
  void program_has_it(RelayId relay);

  // Returns how the peer broke the protocol, or null.
  const char* message_arrived(HostId peer, peer::FileMessage message);
  void peer_lost(HostId peer);

  [[nodiscard]] std::size_t relays() const { return relays_.size(); }

 private:
  struct Key {  // of a relay, as both agents know it
    HostId peer;
    bool offered_here = false;
    FileNumber number;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  // An offer that was not sent to the peer yet.
  struct Outgoing {
    FileNumber number;
    peer::FileOffered offer;
    std::optional<FileSnapshot> content;
  };
  // An offer that no message has taken yet.
  struct Offer {
    int error = 0;  // why it is not available
    UniqueFd program_side;
    RelayId relay;
    std::optional<ArrivingContent> content;
  };
  struct Peer {
    std::vector<Outgoing> outgoing;
    std::map<FileNumber, Offer> offers;
    FileNumber last_offered;  // by it
    std::size_t relays = 0;
  };

  std::expected<FileNumber, FileRefusal> export_content(HostId peer, ForeignFd file, bool sealed);
  const char* offered(HostId peer, FileNumber number, const peer::FileOffered& offer);
  [[nodiscard]] int refuse_content(std::uint64_t size) const;
  int make_program_side(const Key& key, const peer::FileOffered& offer, Offer& made);
  std::expected<RelayId, int> add(const Key& key, FileRelay::Setup setup);
  void remove_if_over(RelayId id);
  void remove(RelayId id);
  void serve(const epoll_event& event);

  struct Entry {
    Key key;
    std::unique_ptr<FileRelay> relay;
  };

  FileRelaysSetup setup_;
  EpollSet ready_;
  std::map<HostId, Peer> peers_;
  boost::unordered_flat_map<std::uint64_t, Entry> relays_;  // by RelayId
  std::map<Key, RelayId> ids_;
  std::uint64_t next_relay_ = 1;
  FileNumber last_number_;
};

}  // namespace netbinder
