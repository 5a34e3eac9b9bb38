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
// A descriptor's way out: a FileWorker looks at it; export_file; then withdraw_file, or send_offers
// ahead of the message that names it. Its way in: the offer arrives, import_file while the core
// handles the message, program_gets before it is sent to a program, program_has_it then. Offers that
// a message does not take are dropped with it.
//
// A relay's descriptor is used by the worker of the user whose program has passed or received it;
// here is what both agents and the core know of the relay. Until a program has received it, it is
// nobody's but the agent's, and cannot make anybody wait.
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

#include "core/base/ids.h"
#include "core/base/lifetime.h"
#include "core/model/effects.h"
#include "node-agent/file_content.h"
#include "node-agent/file_counter.h"
#include "node-agent/file_kind.h"
#include "node-agent/file_relay.h"
#include "node-agent/file_workers.h"
#include "node-agent/foreign_file.h"
#include "node-agent/relay_protocol.h"
#include "node-agent/unique_fd.h"

namespace netbinder {

struct FileRelaysSetup {
  std::uint64_t max_file_bytes = 0;
  std::uint64_t max_waiting_bytes = 0;  // for a peer, before a content is refused
  std::function<void(HostId, peer::FileMessage)> send;
  std::function<std::uint64_t(HostId)> waiting_bytes;  // sent to the peer and not acknowledged yet
  std::uint64_t max_held_bytes = 0;                    // in contents that no program has yet
  std::function<std::uint64_t()> held_bytes;           // what imported contents hold
  // A program that passes a descriptor back usually closes its own soon. Until then nothing more is
  // taken from the file for it.
  int homecoming_pause_ms = 200;
};

class FileRelays {
 public:
  FileRelays(boost::asio::io_context& io, FileRelaysSetup setup);
  ~FileRelays();

  // The file of a program of that user.
  std::expected<FileNumber, FileRefusal> export_file(HostId peer, ForeignFile file,
                                                     std::uint32_t uid);
  void withdraw_file(HostId peer, FileNumber number);
  void send_offers(HostId peer);

  struct Imported {
    UniqueFd fd;    // the program's
    RelayId relay;  // 0 for a content and for a file that came home
    std::uint64_t content_bytes = 0;
    // The inode of a socket that a program here has already. If the receiving program has it, it
    // makes one more descriptor of it and closes this one.
    ino_t twin = 0;
    // A pipe that is here already: if the same user's program has it, it is opened once more
    // (open_again), and otherwise this is a relay of its own.
    RelayId same_as = {};
    bool readable = false, nonblocking = false;
  };
  std::expected<Imported, int> import_file(HostId peer, FileNumber number);
  // A call or reply of the peer has been handled.
  void drop_offers(HostId peer);
  // The imported file ends before a program got it.
  void dropped(RelayId relay);
  // A program of that user is about to get it: from now on the descriptor is used by the user's
  // worker only. If there can be none, the relay ends.
  void program_gets(RelayId relay, std::uint32_t uid);
  void program_has_it(RelayId relay);
  // The same for a file with a twin: the program either has it now, or has closed it.
  void program_has_it_or_its_twin(RelayId relay);

  // Opens the file once more for a program of that user, to take the place of `relay`. False if it
  // cannot be asked for; `done` is called with the descriptor, or with none.
  using Opened = std::move_only_function<void(UniqueFd)>;
  bool open_again(const Imported& imported, std::uint32_t uid, Opened done);
  // Another descriptor has taken its place.
  void not_needed(RelayId relay);

  // ---- what programs wait for ----
  // Looks at files that a program of that user passes, and sends the peers what can be read now from
  // descriptors of his; so it arrives before all that is sent when `done` is called. False if that
  // cannot be done. Not answered in time, it has no files.
  using Looked = std::move_only_function<void(std::vector<ForeignFile>)>;
  bool look_and_bring_up_to_date(std::uint32_t uid, std::vector<ForeignFile>& files, Looked done);
  [[nodiscard]] bool has_relays(std::uint32_t uid) const {
    const FileWorkers::Slot* const slot = workers_.find(uid);
    return slot != nullptr && slot->relays > 0;
  }
  // Whether something that peers have sent for that user's programs is not written yet.
  [[nodiscard]] bool has_unwritten(std::uint32_t uid) const {
    const FileWorkers::Slot* const slot = workers_.find(uid);
    return slot != nullptr && !slot->late && slot->worker->has_work();
  }
  // Calls `done` when it is. False if nobody waits for it.
  bool when_written(std::uint32_t uid, std::move_only_function<void()> done);

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
    std::vector<std::byte> ahead;
  };
  // An offer that no message has taken yet.
  struct Offer {
    int error = 0;  // why it is not available
    UniqueFd program_side;
    RelayId relay;
    ino_t twin = 0;
    RelayId same_as;
    bool readable = false, nonblocking = false;
    std::optional<ArrivingContent> content;
  };
  struct Peer {
    std::vector<Outgoing> outgoing;
    std::map<FileNumber, Offer> offers;
    FileNumber last_offered;  // by the peer
    std::size_t relays = 0;
  };

  std::expected<FileNumber, FileRefusal> export_content(HostId peer, FileSnapshot content);
  const char* offered(HostId peer, FileNumber number, const peer::FileOffered& offer);
  [[nodiscard]] int refuse_content(std::uint64_t size) const;
  int make_program_side(const Key& key, const peer::FileOffered& offer, Offer& made);
  // Makes one more descriptor of a file that is here already. False if it is not.
  bool find_again(HostId peer, const peer::FileOffered& offer, Offer& made);
  void resume_later(RelayId relay);

  struct Entry {
    Key key;
    RelayProtocol protocol;
    OpenFile file = {};  // the program's, at this end
    bool counter = false;
    bool socket = false;
    // At the end that offered it, and of counters: the file that programs of this host have.
    std::shared_ptr<const ForeignFd> original = {};
    std::shared_ptr<RelayGate> gate = {};
    std::uint64_t last_event = 0;     // of a counter, in the order of all events
    std::uint64_t messages = 0;       // of the peer
    // While the descriptor is here: those of its other side, in offers or on their way to programs.
    std::size_t other_sides = 0;
    std::shared_ptr<FileWorkers::Slot> slot = {};  // whose worker has the descriptor; null: it is here
    std::unique_ptr<FileRelay> relay_here = {};    // one of these then
    std::unique_ptr<FileCounter> counter_here = {};
  };
  RelayId add(Entry entry);
  // Gives the descriptor to the worker of that user. False if there is none.
  bool give_to_worker(RelayId id, std::uint32_t uid);
  void remove_if_over(RelayId id);
  void remove(RelayId id);
  // A relay, here or a worker's, has a message for the peer.
  void said(RelayId id, FileContent content);
  [[nodiscard]] FileRelay::Send sender_of(RelayId id) {
    return [this, id](FileContent content) { said(id, std::move(content)); };
  }
  std::expected<FileNumber, FileRefusal> export_counter(HostId peer, ForeignFile file,
                                                        std::uint32_t uid);
  int make_counter(const Key& key, const peer::FileOffered& offer, Offer& made);
  // The number by which the peer may know the file already, and whether the peer chose that number.
  [[nodiscard]] std::pair<FileNumber, bool> known_as(HostId peer, const FileFindings& file) const;
  void make_room_for_counter(HostId peer);
  void forget_file(const Entry& gone);
  // Whether the original can be had again; then nothing is read from it for a while.
  bool may_come_home(RelayId id);
  void resume(const Entry& entry);

  FileRelaysSetup setup_;
  boost::asio::io_context& io_;
  std::map<HostId, Peer> peers_;
  boost::unordered_flat_map<std::uint64_t, Entry> relays_;  // by RelayId
  std::map<Key, RelayId> ids_;
  // The number by which a file is named to that peer.
  std::map<std::tuple<HostId, bool, OpenFile>, FileNumber> numbers_;  // bool: Key::offered_here
  std::uint64_t next_relay_ = 1;
  std::uint64_t events_ = 0;
  FileNumber last_number_;
  FileWorkers workers_;
  Lifetime lifetime_;
};

}  // namespace netbinder
