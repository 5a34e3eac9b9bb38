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
#include "transport/log.h"

namespace netbinder {

namespace {

using Kind = peer::FileOffered::Kind;

constexpr FileRefusal kNotLookedAt = {.error = -EAGAIN,
                                      .reason = "other descriptors of that user are stuck"};
constexpr FileRefusal kNoWorker = {.error = -EAGAIN, .reason = "no thread for its descriptors"};

}  // namespace

FileRelays::FileRelays(boost::asio::io_context& io, FileRelaysSetup setup)
    : setup_(std::move(setup)), io_(io), workers_(io) {}

FileRelays::~FileRelays() = default;

// ---- from here ----

std::expected<FileNumber, FileRefusal> FileRelays::export_file(HostId peer, ForeignFile file,
                                                               std::uint32_t uid) {
  NB_ON_DATA_PLANE();
  if (!file.findings) return std::unexpected(kNotLookedAt);
  FileFindings& found = *file.findings;
  if (!found.kind) return std::unexpected(found.kind.error());
  const FileKind& kind = *found.kind;
  if (kind.kind == Kind::kContent) return export_content(peer, std::move(*found.content));
  if (kind.kind == Kind::kCounter) return export_counter(peer, std::move(file), uid);
  Peer& to = peers_[peer];
  if (to.relays >= limits::kMaxRelaysOfPeer) {
    return std::unexpected(
        FileRefusal{.error = -EMFILE, .reason = "too many descriptors are relayed to that host"});
  }
  const auto [same_as, returns] = known_as(peer, found);
  const FileNumber number{last_number_.value() + 1};
  Entry entry{.key = {.peer = peer, .offered_here = true, .number = number},
              .protocol = RelayProtocol({.kind = kind.kind,
                                         .sends = kind.readable,
                                         .takes = kind.writable,
                                         .offered_here = true}),
              .file = found.file,
              .socket = kind.socket,
              .original = std::make_shared<const ForeignFd>(std::move(file.fd)),
              .gate = std::make_shared<RelayGate>()};
  entry.relay_here = std::make_unique<FileRelay>(
      FileRelay::Setup{.fd = std::move(found.reopened),
                       .original = entry.original,
                       .gate = entry.gate,
                       .socket = kind.socket,
                       .packets = kind.kind == Kind::kPackets,
                       .sends = kind.readable,
                       .takes = kind.writable,
                       .offered_here = true},
      FileRelay::Send());
  const bool goes_ahead = same_as == FileNumber{} && !found.ahead.empty();
  if (goes_ahead) entry.relay_here->went_ahead(found.ahead.size());
  const RelayId relay = add(std::move(entry));
  if (!give_to_worker(relay, uid)) {
    remove(relay);
    return std::unexpected(kNoWorker);
  }
  last_number_ = number;
  to.outgoing.push_back({.number = number,
                         .offer = {.kind = kind.kind,
                                   .readable = kind.readable,
                                   .writable = kind.writable,
                                   .nonblocking = kind.nonblocking,
                                   .same_as = same_as,
                                   .returns = returns},
                         .content = std::nullopt,
                         .ahead = goes_ahead ? std::move(found.ahead) : std::vector<std::byte>()});
  return number;
}

std::pair<FileNumber, bool> FileRelays::known_as(HostId peer, const FileFindings& file) const {
  if (const auto came = numbers_.find({peer, false, file.file}); came != numbers_.end()) {
    const RelayId id =
        ids_.find({.peer = peer, .offered_here = false, .number = came->second})->second;
    const Entry& entry = relays_.at(id.value());
    // Otherwise it is relayed once more, and the bytes under way follow it.
    if (entry.counter || std::ranges::find(file.quiet, std::pair(id, entry.messages)) !=
                             file.quiet.end()) {
      return {came->second, true};
    }
  }
  const auto went = numbers_.find({peer, true, file.file});
  return {went == numbers_.end() ? FileNumber{} : went->second, false};
}

std::expected<FileNumber, FileRefusal> FileRelays::export_content(HostId peer,
                                                                  FileSnapshot content) {
  Peer& to = peers_[peer];
  std::uint64_t waiting = setup_.waiting_bytes(peer) + content.size();
  for (const Outgoing& other : to.outgoing) waiting += other.offer.size;
  if (waiting > setup_.max_waiting_bytes) {
    return std::unexpected(
        FileRefusal{.error = -ENOSPC, .reason = "too much waits to be sent to that host"});
  }
  last_number_ = FileNumber{last_number_.value() + 1};
  log::files.trace("descriptor {} to host {}: the content of a file, {} bytes",
                   last_number_.value(), peer.value(), content.size());
  to.outgoing.push_back(
      {.number = last_number_,
       .offer = {.kind = Kind::kContent, .position = content.position(), .size = content.size()},
       .content = std::move(content),
       .ahead = {}});
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
  for (Outgoing& outgoing : std::exchange(found->second.outgoing, {})) {
    setup_.send(peer, {.file = outgoing.number, .content = outgoing.offer});
    if (!outgoing.ahead.empty()) {
      setup_.send(peer, {.file = outgoing.number,
                         .content = peer::FileData{std::move(outgoing.ahead)}});
    }
    if (!outgoing.content) continue;
    outgoing.content->read(limits::kMaxFileDataBytes, [&](std::vector<std::byte> piece) {
      setup_.send(peer, {.file = outgoing.number, .content = peer::FileData{std::move(piece)}});
    });
  }
}

// ---- what programs wait for ----

bool FileRelays::look_and_bring_up_to_date(std::uint32_t uid, std::vector<ForeignFile>& files,
                                           Looked done) {
  if (const auto* slot = workers_.find(uid); slot != nullptr && slot->late) return false;
  auto looked = std::make_shared<std::vector<ForeignFile>>(std::exchange(files, {}));
  const bool asked = workers_.ask(
      uid,
      [looked, most = setup_.max_file_bytes](FileWorker& worker) {
        for (ForeignFile& file : *looked) worker.look_at(file, most);
        worker.bring_up_to_date();
      },
      [looked, done = std::move(done)](bool answered) mutable {
        done(answered ? std::move(*looked) : std::vector<ForeignFile>());
      });
  if (!asked) files = std::move(*looked);
  return asked;
}

bool FileRelays::when_written(std::uint32_t uid, std::move_only_function<void()> done) {
  return workers_.ask(
      uid, [](FileWorker&) {}, [done = std::move(done)](bool) mutable { done(); });
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
  Entry& entry = relays_.at(relay.value());
  entry.last_event = ++events_;
  if (data != nullptr && entry.protocol.throws_data_away()) return nullptr;
  const char* const broken = std::visit(
      [&]<typename T>(const T& content) -> const char* {
        if constexpr (std::is_same_v<T, peer::FileOffered>) {
          NB_UNREACHABLE();
        } else {
          return entry.protocol.arrives(content);
        }
      },
      message.content);
  if (broken != nullptr) return broken;
  ++entry.messages;
  if (entry.slot) {
    entry.slot->worker->post(
        [relay, content = std::move(message.content)](FileWorker& worker) mutable {
          worker.arrived(relay, std::move(content));
        });
    return nullptr;
  }
  std::visit(
      [&]<typename T>(T& content) {
        if constexpr (std::is_same_v<T, peer::FileOffered>) {
          NB_UNREACHABLE();
        } else if (entry.counter_here) {
          entry.counter_here->arrived(content);
        } else {
          entry.relay_here->arrived(std::move(content));
        }
      },
      message.content);
  remove_if_over(relay);
  return nullptr;
}

void FileRelays::peer_lost(HostId peer) {
  NB_ON_DATA_PLANE();
  std::vector<RelayId> ended;
  for (const auto& [key, id] : ids_) {
    if (key.peer == peer) ended.push_back(id);
  }
  if (!ended.empty()) {
    log::files.debug("{} descriptors of host {} end with its session", ended.size(), peer.value());
  }
  for (const RelayId id : ended) remove(id);
  peers_.erase(peer);
}

// ---- relays ----

void FileRelays::said(RelayId id, FileContent content) {
  const auto found = relays_.find(id.value());
  if (found == relays_.end()) return;
  Entry& entry = found->second;
  entry.last_event = ++events_;
  std::visit([&](const auto& each) { entry.protocol.sends(each); }, content);
  const Key key = entry.key;
  setup_.send(key.peer, {.file = key.number,
                         .of_receiver = !key.offered_here,
                         .content = std::move(content)});
}

RelayId FileRelays::add(Entry entry) {
  const RelayId id{next_relay_++};
  if (entry.relay_here) entry.relay_here->set_send(sender_of(id));
  if (entry.counter_here) entry.counter_here->set_send(sender_of(id));
  entry.last_event = ++events_;
  const Key key = entry.key;
  // The file keeps the first relay's number until that ends. Files without an inode have none.
  if (entry.file.inode != 0) {
    numbers_.try_emplace({key.peer, key.offered_here, entry.file}, key.number);
  }
  log::files.trace("descriptor {} {} host {}: a {} is relayed from now on", key.number.value(),
                   key.offered_here ? "to" : "from", key.peer.value(),
                   entry.counter  ? "counter"
                   : entry.socket ? "socket"
                                  : "pipe");
  relays_.emplace(id.value(), std::move(entry));
  ids_.emplace(key, id);
  ++peers_[key.peer].relays;
  return id;
}

bool FileRelays::give_to_worker(RelayId id, std::uint32_t uid) {
  Entry& entry = relays_.at(id.value());
  entry.slot = workers_.of(uid);
  if (!entry.slot) return false;
  ++entry.slot->relays;
  FileWorker::Relay given{.id = id,
                          .file = entry.file,
                          .relay = std::move(entry.relay_here),
                          .counter = std::move(entry.counter_here),
                          .had = entry.messages,
                          .over = [this, id] {
                            if (relays_.contains(id.value())) remove(id);
                          }};
  entry.slot->worker->post([this, given = std::move(given)](FileWorker& worker) mutable {
    // The worker lives as long as its jobs and relays do.
    const auto send = [this, id = given.id, &worker](FileContent content) {
      worker.answer([this, id, content = std::move(content)]() mutable {
        said(id, std::move(content));
      });
    };
    if (given.relay) given.relay->set_send(send);
    if (given.counter) given.counter->set_send(send);
    worker.adopt(std::move(given));
  });
  return true;
}

void FileRelays::remove_if_over(RelayId id) {
  const auto found = relays_.find(id.value());
  if (found == relays_.end()) return;
  const Entry& entry = found->second;
  if ((entry.relay_here && entry.relay_here->over()) ||
      (entry.counter_here && entry.counter_here->over())) {
    remove(id);
  }
}

void FileRelays::remove(RelayId id) {
  const auto found = relays_.find(id.value());
  const Key key = found->second.key;
  log::files.trace("descriptor {} {} host {} is relayed no more", key.number.value(),
                   key.offered_here ? "to" : "from", key.peer.value());
  forget_file(found->second);
  if (const auto& slot = found->second.slot) {
    --slot->relays;
    slot->worker->post([id](FileWorker& worker) { worker.let_go(id); });
  }
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

}  // namespace netbinder
