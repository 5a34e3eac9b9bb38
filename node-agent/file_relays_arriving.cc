// SPDX-License-Identifier: Apache-2.0
// The descriptors that peers offer, until programs have them.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <utility>

#include "core/base/check.h"
#include "host/data_plane.h"
#include "node-agent/file_relays.h"
#include "transport/limits.h"
#include "transport/log.h"

namespace netbinder {

namespace {

using Kind = peer::FileOffered::Kind;

void set_nonblocking(int fd) { (void)::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK); }

// The identity of a file that the agent has made itself.
OpenFile identity_of(int fd, bool readable, bool writable) {
  struct stat status {};
  (void)::fstat(fd, &status);
  return {
      .device = status.st_dev, .inode = status.st_ino, .readable = readable, .writable = writable};
}

}  // namespace

const char* FileRelays::offered(HostId peer, FileNumber number, const peer::FileOffered& offer) {
  Peer& from = peers_[peer];
  if (number <= from.last_offered) return "the number of a descriptor is used twice";
  if (from.offers.size() >= limits::kMaxOffers) return "too many descriptors are offered";
  from.last_offered = number;
  Offer& made = from.offers[number];
  if (offer.kind == Kind::kContent) {
    if (offer.readable || offer.writable) return "a content that is a stream, too";
    made.content.emplace(offer.size, offer.position, refuse_content(offer.size));
    log::files.trace("descriptor {} from host {}: the content of a file, {} bytes", number.value(),
                     peer.value(), offer.size);
    return nullptr;
  }
  if (!offer.readable && !offer.writable) return "a descriptor of no use";
  if (offer.kind == Kind::kPackets && !(offer.readable && offer.writable)) {
    return "packets that go one way";
  }
  const auto is_not_needed = [&] {
    setup_.send(peer, {.file = number,
                       .of_receiver = true,
                       .content = peer::FileEnd{peer::FileEnd::What::kClosed}});
  };
  made.readable = offer.readable;
  made.nonblocking = offer.nonblocking;
  if (offer.same_as != FileNumber{} && find_again(peer, offer, made)) {
    if (made.relay != RelayId{}) ++relays_.at(made.relay.value()).other_sides;
    is_not_needed();
    return nullptr;
  }
  const Key key{.peer = peer, .offered_here = false, .number = number};
  if (offer.kind == Kind::kCounter) {
    if (!offer.readable || !offer.writable) return "a count that goes one way";
    made.error = make_counter(key, offer, made);
  } else {
    made.error =
        from.relays < limits::kMaxRelaysOfPeer ? make_program_side(key, offer, made) : -EMFILE;
  }
  if (made.error != 0) {
    log::files.debug("descriptor {} from host {} cannot be had here: {}", number.value(),
                     peer.value(), std::strerror(-made.error));
    is_not_needed();
  } else {
    ++relays_.at(made.relay.value()).other_sides;
  }
  return nullptr;
}

bool FileRelays::find_again(HostId peer, const peer::FileOffered& offer, Offer& made) {
  const auto id = ids_.find({.peer = peer, .offered_here = offer.returns, .number = offer.same_as});
  if (id == ids_.end()) return false;
  const RelayId known = id->second;
  if (const Entry& entry = relays_.at(known.value()); entry.counter) {
    // The agent shares this descriptor's open file with programs.
    made.program_side.reset(::fcntl(entry.original->get(), F_DUPFD_CLOEXEC, 0));
    made.relay = offer.returns ? RelayId{} : known;
    return static_cast<bool>(made.program_side);
  }
  if (offer.returns) {
    if (!may_come_home(known)) return false;
    const Entry& entry = relays_.at(known.value());
    made.program_side.reset(::fcntl(entry.original->get(), F_DUPFD_CLOEXEC, 0));
    return static_cast<bool>(made.program_side);
  }
  // In the message that is on its way here, the file may be named several times.
  const auto& offers = peers_[peer].offers;
  if (const auto first = offers.find(offer.same_as); first != offers.end()) {
    made.program_side.reset(::fcntl(first->second.program_side.get(), F_DUPFD_CLOEXEC, 0));
    made.relay = known;
    return static_cast<bool>(made.program_side);
  }
  const Entry& entry = relays_.at(known.value());
  if (entry.socket) {
    made.twin = entry.file.inode;
  } else {
    made.same_as = known;
  }
  return false;
}

bool FileRelays::may_come_home(RelayId id) {
  const std::shared_ptr<RelayGate> gate = relays_.at(id.value()).gate;
  if (!gate->close()) return false;
  // Data that was read before is sent first.
  workers_.take_answers();
  const auto entry = relays_.find(id.value());
  if (entry != relays_.end() && !gate->ahead() && entry->second.protocol.nothing_sent_waits()) {
    resume_later(id);
    return true;
  }
  gate->open();
  if (entry != relays_.end()) resume(entry->second);
  return false;
}

void FileRelays::resume(const Entry& entry) {
  const RelayId id = ids_.at(entry.key);
  entry.gate->open();
  entry.slot->worker->post(
      [id](FileWorker& worker) { worker.with_relay(id, [](FileRelay& relay) { relay.go_on(); }); });
}

void FileRelays::resume_later(RelayId relay) {
  auto timer = std::make_shared<boost::asio::steady_timer>(io_);
  timer->expires_after(std::chrono::milliseconds(setup_.homecoming_pause_ms));
  timer->async_wait(lifetime_.guard([this, relay, timer](const boost::system::error_code& error) {
    if (error) return;
    const auto found = relays_.find(relay.value());
    if (found != relays_.end()) resume(found->second);
  }));
}

int FileRelays::refuse_content(std::uint64_t size) const {
  if (size > setup_.max_file_bytes) return -EFBIG;
  std::uint64_t held = setup_.held_bytes() + size;
  for (const auto& [host, peer] : peers_) {
    for (const auto& [number, offer] : peer.offers) {
      if (offer.content) held += offer.content->bytes();
    }
  }
  return held > setup_.max_held_bytes ? -ENOSPC : 0;
}

int FileRelays::make_program_side(const Key& key, const peer::FileOffered& offer, Offer& made) {
  std::array<int, 2> sides{-1, -1};
  const bool socket = offer.readable && offer.writable;
  const bool packets = offer.kind == Kind::kPackets;
  if (socket) {
    // Datagram sockets become a type that keeps the order and shows when they are closed.
    const int type = packets ? SOCK_SEQPACKET : SOCK_STREAM;
    if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, sides.data()) != 0) return -errno;
  } else {
    if (::pipe2(sides.data(), O_CLOEXEC) != 0) return -errno;
    if (offer.readable) std::swap(sides[0], sides[1]);
    set_nonblocking(sides[0]);
  }
  ForeignFd ours(sides[0]);
  made.program_side.reset(sides[1]);
  const OpenFile open_file = identity_of(sides[1], offer.readable, offer.writable);
  if (offer.nonblocking) set_nonblocking(sides[1]);
  Entry entry{.key = key,
              .protocol = RelayProtocol({.kind = offer.kind,
                                         .sends = offer.writable,
                                         .takes = offer.readable,
                                         .offered_here = false}),
              .file = open_file,
              .socket = socket};
  entry.relay_here = std::make_unique<FileRelay>(FileRelay::Setup{.fd = std::move(ours),
                                                                  .socket = socket,
                                                                  .packets = packets,
                                                                  .sends = offer.writable,
                                                                  .takes = offer.readable,
                                                                  .offered_here = false},
                                                 FileRelay::Send());
  made.relay = add(std::move(entry));
  return 0;
}

std::expected<FileRelays::Imported, int> FileRelays::import_file(HostId peer, FileNumber number) {
  auto& offers = peers_[peer].offers;
  const auto found = offers.find(number);
  if (found == offers.end()) return std::unexpected(-ENOENT);
  if (found->second.content && !found->second.content->complete()) return std::unexpected(-ENOENT);
  Offer offer = std::move(found->second);
  offers.erase(found);
  if (offer.error != 0) return std::unexpected(offer.error);
  if (!offer.content) {
    return Imported{.fd = std::move(offer.program_side),
                    .relay = offer.relay,
                    .content_bytes = 0,
                    .twin = offer.twin,
                    .same_as = offer.same_as,
                    .readable = offer.readable,
                    .nonblocking = offer.nonblocking};
  }
  const std::uint64_t bytes = offer.content->bytes();
  auto file = offer.content->finish();
  if (!file) return std::unexpected(file.error() == -ENOENT ? -EIO : file.error());
  return Imported{.fd = std::move(*file), .relay = {}, .content_bytes = bytes};
}

void FileRelays::drop_offers(HostId peer) {
  const auto found = peers_.find(peer);
  if (found == peers_.end()) return;
  for (const auto& [number, offer] : std::exchange(found->second.offers, {})) dropped(offer.relay);
}

void FileRelays::dropped(RelayId relay) {
  const auto found = relays_.find(relay.value());
  if (found == relays_.end() || found->second.slot || --found->second.other_sides > 0) return;
  not_needed(relay);
}

void FileRelays::program_gets(RelayId relay, std::uint32_t uid) {
  const auto found = relays_.find(relay.value());
  if (found == relays_.end() || found->second.slot || give_to_worker(relay, uid)) return;
  not_needed(relay);
}

void FileRelays::program_has_it(RelayId relay) {
  const auto found = relays_.find(relay.value());
  if (found == relays_.end()) return;
  Entry& entry = found->second;
  const std::uint64_t credit = entry.protocol.given();
  if (credit == 0) return;
  const Key key = entry.key;
  setup_.send(
      key.peer,
      {.file = key.number, .of_receiver = !key.offered_here, .content = peer::FileCredit{credit}});
  if (entry.relay_here) entry.relay_here->program_has_it();
  if (!entry.slot) return;
  entry.slot->worker->post([relay](FileWorker& worker) {
    worker.with_relay(relay, [](FileRelay& each) { each.program_has_it(); });
  });
}

void FileRelays::program_has_it_or_its_twin(RelayId relay) {
  const auto found = relays_.find(relay.value());
  if (found == relays_.end() || !found->second.slot) return;
  // Only the worker may ask whether it is closed.
  found->second.slot->worker->post([this, relay](FileWorker& worker) {
    worker.with_relay(relay, [&](FileRelay& each) {
      if (each.hung_up()) {
        each.close();
      } else {
        worker.answer([this, relay] { program_has_it(relay); });
      }
    });
  });
}

void FileRelays::not_needed(RelayId relay) {
  const auto found = relays_.find(relay.value());
  if (found == relays_.end()) return;
  said(relay, peer::FileEnd{peer::FileEnd::What::kClosed});
  remove(relay);
}

bool FileRelays::open_again(const Imported& imported, std::uint32_t uid, Opened done) {
  const auto found = relays_.find(imported.same_as.value());
  if (found == relays_.end() || found->second.slot == nullptr ||
      found->second.slot.get() != workers_.find(uid)) {
    return false;
  }
  auto opened = std::make_shared<UniqueFd>();
  return workers_.ask(
      uid,
      [opened, relay = imported.same_as, readable = imported.readable,
       nonblocking = imported.nonblocking](FileWorker& worker) {
        *opened = worker.open_again(relay, readable, nonblocking);
      },
      [opened, done = std::move(done)](bool answered) mutable {
        done(answered ? std::move(*opened) : UniqueFd());
      });
}

}  // namespace netbinder
