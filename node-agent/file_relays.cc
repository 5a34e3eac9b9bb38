// SPDX-License-Identifier: Apache-2.0
#include "node-agent/file_relays.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "core/base/check.h"
#include "host/data_plane.h"
#include "transport/limits.h"

namespace netbinder {

namespace {

using Kind = peer::FileOffered::Kind;

// Opens the same pipe once more, so that its flags are ours to set.
UniqueFd reopen_pipe(int fd, bool readable) {
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  return UniqueFd(::open(path.c_str(), (readable ? O_RDONLY : O_WRONLY) | O_NONBLOCK | O_CLOEXEC));
}

void set_nonblocking(int fd) { (void)::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK); }

template <typename OpenFile>
OpenFile identity_of(int fd, bool readable, bool writable) {
  struct stat status {};
  (void)::fstat(fd, &status);
  return {.device = status.st_dev,
          .inode = status.st_ino,
          .readable = readable,
          .writable = writable};
}

}  // namespace

FileRelays::FileRelays(boost::asio::io_context& io, FileRelaysSetup setup)
    : setup_(std::move(setup)), io_(io), ready_(io, [this](const epoll_event& event) { serve(event); }) {}

FileRelays::~FileRelays() = default;

// ---- from here ----

std::expected<FileNumber, FileRefusal> FileRelays::export_file(HostId peer, ForeignFd file) {
  NB_ON_DATA_PLANE();
  const auto kind = file_kind(file.get());
  if (!kind) return std::unexpected(kind.error());
  if (kind->kind == Kind::kContent) return export_content(peer, std::move(file), kind->sealed);
  if (kind->kind == Kind::kCounter) return export_counter(peer, std::move(file), *kind);
  Peer& to = peers_[peer];
  if (to.relays >= limits::kMaxRelaysOfPeer) {
    return std::unexpected(
        FileRefusal{.error = -EMFILE, .reason = "too many descriptors are relayed to that host"});
  }
  const OpenFile open_file = identity_of<OpenFile>(file.get(), kind->readable, kind->writable);
  const auto [same_as, returns] = known_as(peer, open_file);
  ForeignFd original;
  if (!kind->socket) {
    original = std::move(file);
    file = ForeignFd(reopen_pipe(original.get(), kind->readable).release());
    if (!file) {
      return std::unexpected(
          FileRefusal{.error = -EPERM, .reason = "a pipe that the agent cannot open"});
    }
  }
  const FileNumber number{last_number_.value() + 1};
  const auto relay = add({.peer = peer, .offered_here = true, .number = number},
                         {.fd = std::move(file),
                          .original = std::move(original),
                          .socket = kind->socket,
                          .packets = kind->kind == Kind::kPackets,
                          .sends = kind->readable,
                          .takes = kind->writable,
                          .offered_here = true},
                         open_file);
  if (!relay) return std::unexpected(FileRefusal{.error = relay.error(), .reason = nullptr});
  last_number_ = number;
  to.outgoing.push_back({.number = number,
                         .offer = {.kind = kind->kind,
                                   .readable = kind->readable,
                                   .writable = kind->writable,
                                   .nonblocking = kind->nonblocking,
                                   .same_as = same_as,
                                   .returns = returns},
                         .content = std::nullopt});
  return number;
}

std::pair<FileNumber, bool> FileRelays::known_as(HostId peer, const OpenFile& file) const {
  if (const auto came = numbers_.find({peer, false, file}); came != numbers_.end()) {
    const auto id = ids_.find({.peer = peer, .offered_here = false, .number = came->second});
    const Entry& entry = relays_.at(id->second.value());
    // Otherwise it is relayed once more, and the bytes under way follow it.
    if (entry.counter || entry.relay->nothing_between()) return {came->second, true};
  }
  const auto went = numbers_.find({peer, true, file});
  return {went == numbers_.end() ? FileNumber{} : went->second, false};
}

std::expected<FileNumber, FileRefusal> FileRelays::export_content(HostId peer, ForeignFd file,
                                                                  bool sealed) {
  auto content = FileSnapshot::take(std::move(file), sealed, setup_.max_file_bytes);
  if (!content) return std::unexpected(content.error());
  Peer& to = peers_[peer];
  std::uint64_t waiting = setup_.waiting_bytes(peer) + content->size();
  for (const Outgoing& other : to.outgoing) waiting += other.offer.size;
  if (waiting > setup_.max_waiting_bytes) {
    return std::unexpected(
        FileRefusal{.error = -ENOSPC, .reason = "too much waits to be sent to that host"});
  }
  last_number_ = FileNumber{last_number_.value() + 1};
  to.outgoing.push_back(
      {.number = last_number_,
       .offer = {.kind = Kind::kContent, .position = content->position(), .size = content->size()},
       .content = std::move(*content)});
  return last_number_;
}

void FileRelays::withdraw_file(HostId peer, FileNumber number) {
  std::erase_if(peers_[peer].outgoing,
                [&](const Outgoing& outgoing) { return outgoing.number == number; });
  const auto relay = ids_.find({.peer = peer, .offered_here = true, .number = number});
  if (relay != ids_.end()) remove(relay->second);
}

void FileRelays::send_offers(HostId peer) {
  const auto found = peers_.find(peer);
  if (found == peers_.end() || found->second.outgoing.empty()) return;
  for (const Outgoing& outgoing : std::exchange(found->second.outgoing, {})) {
    setup_.send(peer, {.file = outgoing.number, .content = outgoing.offer});
    const auto id = ids_.find({.peer = peer, .offered_here = true, .number = outgoing.number});
    if (id != ids_.end() && outgoing.offer.same_as == FileNumber{}) {
      const Entry& entry = relays_.at(id->second.value());
      if (entry.relay) entry.relay->send_ahead();
    }
    if (!outgoing.content) continue;
    outgoing.content->read(limits::kMaxFileDataBytes, [&](std::vector<std::byte> piece) {
      setup_.send(peer, {.file = outgoing.number, .content = peer::FileData{std::move(piece)}});
    });
  }
}

// ---- to here ----

const char* FileRelays::offered(HostId peer, FileNumber number, const peer::FileOffered& offer) {
  Peer& from = peers_[peer];
  if (number <= from.last_offered) return "the number of a descriptor is used twice";
  if (from.offers.size() >= limits::kMaxOffers) return "too many descriptors are offered";
  from.last_offered = number;
  Offer& made = from.offers[number];
  if (offer.kind == Kind::kContent) {
    if (offer.readable || offer.writable) return "a content that is a stream, too";
    made.content.emplace(offer.size, offer.position, refuse_content(offer.size));
    return nullptr;
  }
  if (!offer.readable && !offer.writable) return "a descriptor of no use";
  if (offer.kind == Kind::kPackets && !(offer.readable && offer.writable)) {
    return "packets that go one way";
  }
  const auto not_needed = [&] {
    setup_.send(peer, {.file = number,
                       .of_receiver = true,
                       .content = peer::FileEnd{peer::FileEnd::What::kClosed}});
  };
  if (offer.same_as != FileNumber{} && find_again(peer, offer, made)) {
    not_needed();
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
  if (made.error != 0) not_needed();
  return nullptr;
}

bool FileRelays::find_again(HostId peer, const peer::FileOffered& offer, Offer& made) {
  const auto id =
      ids_.find({.peer = peer, .offered_here = offer.returns, .number = offer.same_as});
  if (id == ids_.end()) return false;
  const Entry& entry = relays_.at(id->second.value());
  if (entry.counter) {
    // The agent shares this descriptor's open file with programs.
    made.program_side.reset(::fcntl(entry.counter->fd(), F_DUPFD_CLOEXEC, 0));
    made.relay = offer.returns ? RelayId{} : id->second;
    return static_cast<bool>(made.program_side);
  }
  FileRelay& relay = *entry.relay;
  if (offer.returns) {
    if (!relay.nothing_between()) return false;
    made.program_side.reset(::fcntl(relay.original(), F_DUPFD_CLOEXEC, 0));
    if (!made.program_side) return false;
    relay.pause();
    resume_later(id->second);
    return true;
  }
  // In the message that is on its way here, the file may be named several times.
  const auto& offers = peers_[peer].offers;
  if (const auto first = offers.find(offer.same_as); first != offers.end()) {
    made.program_side.reset(::fcntl(first->second.program_side.get(), F_DUPFD_CLOEXEC, 0));
  } else if (!relay.socket()) {
    const std::string path = "/proc/self/fd/" + std::to_string(relay.fd());
    const int flags = (offer.readable ? O_RDONLY : O_WRONLY) | O_CLOEXEC;
    made.program_side.reset(::open(path.c_str(), flags | O_NONBLOCK));
    if (made.program_side && !offer.nonblocking) {
      (void)::fcntl(made.program_side.get(), F_SETFL, flags);
    }
  } else {
    made.twin = relays_.at(id->second.value()).file.inode;
    return false;
  }
  made.relay = id->second;
  return static_cast<bool>(made.program_side);
}

void FileRelays::resume_later(RelayId relay) {
  auto timer = std::make_shared<boost::asio::steady_timer>(io_);
  timer->expires_after(std::chrono::milliseconds(kHomecomingPauseMs));
  timer->async_wait([this, relay, timer, alive = std::weak_ptr(alive_)](const auto& error) {
    if (error || alive.expired()) return;
    const auto found = relays_.find(relay.value());
    if (found == relays_.end() || !found->second.relay) return;
    found->second.relay->go_on();
    remove_if_over(relay);
  });
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
  const OpenFile open_file = identity_of<OpenFile>(sides[1], offer.readable, offer.writable);
  if (offer.nonblocking) set_nonblocking(sides[1]);
  const auto relay = add(key, {.fd = std::move(ours),
                               .socket = socket,
                               .packets = packets,
                               .sends = offer.writable,
                               .takes = offer.readable,
                               .offered_here = false},
                         open_file);
  if (!relay) return relay.error();
  made.relay = *relay;
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
                    .twin = offer.twin};
  }
  const std::uint64_t bytes = offer.content->bytes();
  auto file = offer.content->finish();
  if (!file) return std::unexpected(file.error() == -ENOENT ? -EIO : file.error());
  return Imported{.fd = std::move(*file), .relay = {}, .content_bytes = bytes};
}

void FileRelays::program_has_it(RelayId relay) {
  const auto found = relays_.find(relay.value());
  if (found == relays_.end()) return;
  if (found->second.counter) {
    found->second.counter->program_has_it();
  } else {
    found->second.relay->program_has_it();
  }
}

void FileRelays::program_has_it_or_its_twin(RelayId relay) {
  const auto found = relays_.find(relay.value());
  if (found == relays_.end() || !found->second.relay) return;
  if (found->second.relay->hung_up()) {
    found->second.relay->close();
    remove(relay);
  } else {
    found->second.relay->program_has_it();
  }
}

// ---- messages ----

const char* FileRelays::message_arrived(HostId peer, peer::FileMessage message) {
  NB_ON_DATA_PLANE();
  if (const auto* offer = std::get_if<peer::FileOffered>(&message.content)) {
    if (message.of_receiver) return "a descriptor of ours is offered to us";
    return offered(peer, message.file, *offer);
  }
  const bool ours = message.of_receiver;
  Peer& from = peers_[peer];
  if (message.file > (ours ? last_number_ : from.last_offered)) return "an unknown descriptor";
  auto* data = std::get_if<peer::FileData>(&message.content);
  if (!ours && data != nullptr) {
    const auto offer = from.offers.find(message.file);
    if (offer != from.offers.end() && offer->second.content) {
      return offer->second.content->append(data->bytes) ? nullptr : "more of a file than announced";
    }
  }
  const auto id = ids_.find({.peer = peer, .offered_here = ours, .number = message.file});
  if (id == ids_.end()) return nullptr;  // it has ended here
  const RelayId relay = id->second;
  const char* const broken = std::visit(
      [&]<typename T>(T& content) -> const char* {
        if constexpr (std::is_same_v<T, peer::FileOffered>) {
          NB_UNREACHABLE();
        } else {
          Entry& entry = relays_.at(relay.value());
          entry.last_event = ++events_;
          return entry.counter ? entry.counter->arrived(content)
                               : entry.relay->arrived(std::move(content));
        }
      },
      message.content);
  remove_if_over(relay);
  return broken;
}

void FileRelays::peer_lost(HostId peer) {
  NB_ON_DATA_PLANE();
  std::vector<RelayId> ended;
  for (const auto& [key, id] : ids_) {
    if (key.peer == peer) ended.push_back(id);
  }
  for (const RelayId id : ended) remove(id);
  peers_.erase(peer);
}

// ---- relays ----

FileRelay::Send FileRelays::sender_of(const Key& key) {
  return [this, key](FileContent content) {
    setup_.send(
        key.peer,
        {.file = key.number, .of_receiver = !key.offered_here, .content = std::move(content)});
  };
}

std::expected<RelayId, int> FileRelays::add(const Key& key, FileRelay::Setup setup,
                                            const OpenFile& file) {
  Entry entry;
  entry.relay = std::make_unique<FileRelay>(std::move(setup), sender_of(key));
  return add_entry(key, std::move(entry), file);
}

std::expected<RelayId, int> FileRelays::add_entry(const Key& key, Entry entry,
                                                  const OpenFile& file) {
  const RelayId id{next_relay_++};
  // For an eventfd each change is an event, whoever makes it: a read makes it writable again.
  if (const int error = ready_.add(entry.fd(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                                   {.u64 = id.value()});
      error != 0) {
    return std::unexpected(error);
  }
  entry.key = key;
  entry.file = file;
  entry.last_event = ++events_;
  relays_.emplace(id.value(), std::move(entry));
  ids_.emplace(key, id);
  // The file keeps the first relay's number until that ends. Files without an inode have none.
  if (file.inode != 0) numbers_.try_emplace({key.peer, key.offered_here, file}, key.number);
  ++peers_[key.peer].relays;
  return id;
}

void FileRelays::remove_if_over(RelayId id) {
  const auto found = relays_.find(id.value());
  if (found != relays_.end() && found->second.over()) remove(id);
}

void FileRelays::remove(RelayId id) {
  const auto found = relays_.find(id.value());
  const Key key = found->second.key;
  forget_file(found->second);
  ready_.remove(found->second.fd());
  relays_.erase(found);
  ids_.erase(key);
  --peers_[key.peer].relays;
}

// If the file has another relay, the file's number is that relay's from now on.
void FileRelays::forget_file(const Entry& gone) {
  const auto number = numbers_.find({gone.key.peer, gone.key.offered_here, gone.file});
  if (number == numbers_.end() || number->second != gone.key.number) return;
  numbers_.erase(number);
  for (const auto& [id, entry] : relays_) {
    if (&entry == &gone || entry.file != gone.file || entry.key.peer != gone.key.peer ||
        entry.key.offered_here != gone.key.offered_here) {
      continue;
    }
    numbers_.try_emplace({entry.key.peer, entry.key.offered_here, entry.file}, entry.key.number);
    return;
  }
}

void FileRelays::serve(const epoll_event& event) {
  const RelayId id{event.data.u64};
  const auto found = relays_.find(id.value());
  if (found == relays_.end()) return;
  if (found->second.counter) {
    found->second.last_event = ++events_;
    found->second.counter->look();
  } else {
    found->second.relay->ready(event.events);
  }
  remove_if_over(id);
}

}  // namespace netbinder
