// SPDX-License-Identifier: Apache-2.0
//
// All travelling descriptors of this agent's programs: those offered to peers, those that peers
// have offered, and the relays of both. The core knows them by their numbers, and decides when they
// move.
//
// An open file that is passed again, in the same message or a later one, is recognised (a pipe's
// end or a socket by its inode), and has one relay at each end as long as that relay lives. A file
// that comes back to the host that offered it is the original file again.
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

#include <sys/types.h>

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
#include "node-agent/file_counter.h"
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
  std::function<std::uint64_t(HostId)> waiting_bytes;  // sent to the peer and not acknowledged yet
  std::uint64_t max_held_bytes = 0;                    // in contents that no program has yet
  std::function<std::uint64_t()> held_bytes;           // what imported contents hold
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
    RelayId relay;  // 0 for a content and for a file that came home
    std::uint64_t content_bytes = 0;
    // The inode of a socket that a program here has already. If the receiving program has it, it
    // makes one more descriptor of it and closes this one.
    ino_t twin = 0;
  };
  std::expected<Imported, int> import_file(HostId peer, FileNumber number);
  // A call or reply of the peer has been handled.
  void drop_offers(HostId peer) {
    if (const auto found = peers_.find(peer); found != peers_.end()) found->second.offers.clear();
  }
  void program_has_it(RelayId relay);
  // The same for a file with a twin: the program either has it now, or has closed it.
  void program_has_it_or_its_twin(RelayId relay);

  // Sends each peer what can be read now. To be called ahead of a call or a reply, so that it
  // arrives after all that was written before it.
  void bring_up_to_date() {
    if (!relays_.empty()) ready_.take_all();
  }

  // Returns how the peer broke the protocol, or null.
  const char* message_arrived(HostId peer, peer::FileMessage message);
  void peer_lost(HostId peer);

  [[nodiscard]] std::size_t relays() const { return relays_.size(); }

 private:
  // The values by which two descriptors of the same open file are recognised.
  struct OpenFile {
    dev_t device = 0;
    ino_t inode = 0;
    bool readable = false;
    bool writable = false;
    friend auto operator<=>(const OpenFile&, const OpenFile&) = default;
  };
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
    ino_t twin = 0;
    std::optional<ArrivingContent> content;
  };
  struct Peer {
    std::vector<Outgoing> outgoing;
    std::map<FileNumber, Offer> offers;
    FileNumber last_offered;  // by the peer
    std::size_t relays = 0;
  };

  std::expected<FileNumber, FileRefusal> export_content(HostId peer, ForeignFd file, bool sealed);
  const char* offered(HostId peer, FileNumber number, const peer::FileOffered& offer);
  [[nodiscard]] int refuse_content(std::uint64_t size) const;
  int make_program_side(const Key& key, const peer::FileOffered& offer, Offer& made);
  // Makes one more descriptor of a file that is here already. False if it is not.
  bool find_again(HostId peer, const peer::FileOffered& offer, Offer& made);
  void resume_later(RelayId relay);
  std::expected<RelayId, int> add(const Key& key, FileRelay::Setup setup, const OpenFile& file);
  void remove_if_over(RelayId id);
  void remove(RelayId id);
  void serve(const epoll_event& event);

  struct Entry {
    Key key;
    std::unique_ptr<FileRelay> relay;      // one of these
    std::unique_ptr<FileCounter> counter;
    OpenFile file = {};  // the program's, at this end
    std::uint64_t last_event = 0;  // of a counter, in the order of all events
    [[nodiscard]] int fd() const { return relay ? relay->fd() : counter->fd(); }
    [[nodiscard]] bool over() const { return relay ? relay->over() : counter->over(); }
  };
  std::expected<RelayId, int> add_entry(const Key& key, Entry entry, const OpenFile& file);
  std::expected<FileNumber, FileRefusal> export_counter(HostId peer, ForeignFd file,
                                                        const FileKind& kind);
  int make_counter(const Key& key, const peer::FileOffered& offer, Offer& made);
  // The number by which the peer may know the file already, and whether the peer chose that number.
  [[nodiscard]] std::pair<FileNumber, bool> known_as(HostId peer, const OpenFile& file) const;
  [[nodiscard]] FileRelay::Send sender_of(const Key& key);
  void make_room_for_counter(HostId peer);
  void forget_file(const Entry& gone);
  // A program that passes a descriptor back usually closes its own soon. Until then nothing more is
  // taken from the file for it.
  static constexpr int kHomecomingPauseMs = 200;

  FileRelaysSetup setup_;
  boost::asio::io_context& io_;
  EpollSet ready_;
  std::map<HostId, Peer> peers_;
  boost::unordered_flat_map<std::uint64_t, Entry> relays_;  // by RelayId
  std::map<Key, RelayId> ids_;
  // The number by which a file is named to that peer.
  std::map<std::tuple<HostId, bool, OpenFile>, FileNumber> numbers_;  // bool: Key::offered_here
  std::uint64_t next_relay_ = 1;
  std::uint64_t events_ = 0;
  FileNumber last_number_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for timers that outlive this
};

}  // namespace netbinder
