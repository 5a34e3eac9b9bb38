// SPDX-License-Identifier: Apache-2.0
#include "node-agent/travelling_files.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <utility>

#include "host/data_plane.h"

namespace netbinder {

void TravellingFiles::begin_relaying(boost::asio::io_context& io, FileRelaysSetup setup) {
  setup.held_bytes = [this] { return table_.content_bytes(); };
  relays_ = std::make_unique<FileRelays>(io, std::move(setup));
}

bool TravellingFiles::is_channel_socket(int fd) const {
  // Only questions that need no waiting may be asked: a socket of the network is asked for its
  // address under a lock that another thread of the program may hold.
  int domain = 0;
  socklen_t domain_size = sizeof domain;
  if (::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &domain_size) != 0 || domain != AF_UNIX) {
    return false;
  }
  sockaddr_un peer{};
  socklen_t size = sizeof peer;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) return false;
  return peer.sun_family == AF_UNIX && size > offsetof(sockaddr_un, sun_path) &&
         channel_socket_ ==
             std::string_view(peer.sun_path, ::strnlen(peer.sun_path, sizeof peer.sun_path));
}

// ---- channels ----

std::expected<FileToken, int> TravellingFiles::take_in(ForeignFile file, std::uint32_t sender) {
  NB_ON_DATA_PLANE();
  // A binder descriptor in flight to its own process would keep that process alive for ever. It is
  // of no use elsewhere anyway: the channel's memory does not travel with it.
  if (is_channel_socket(file.get())) return std::unexpected(-EPERM);
  if (room_for(sender) == 0) return std::unexpected(-EMFILE);
  return table_.insert({.file = std::move(file), .sender = sender});
}

std::vector<FileInFlight> TravellingFiles::take_out(std::span<const FileToken> files) {
  std::vector<FileInFlight> taken;
  taken.reserve(files.size());
  for (const FileToken file : files) taken.push_back(table_.take(file));
  return taken;
}

void TravellingFiles::program_gets(std::span<const FileInFlight> files, std::uint32_t uid) {
  for (const FileInFlight& file : files) {
    if (file.relay != RelayId{}) relays_->program_gets(file.relay, uid);
  }
}

bool TravellingFiles::open_again(FileInFlight& file, std::uint32_t uid,
                                 std::move_only_function<void(UniqueFd)> opened) {
  if (file.same_as == RelayId{}) return false;
  return relays_->open_again({.fd = UniqueFd(),
                              .relay = {},
                              .same_as = file.same_as,
                              .readable = file.readable,
                              .nonblocking = file.nonblocking},
                             uid, std::move(opened));
}

void TravellingFiles::replace(FileInFlight& file, UniqueFd fd) {
  relays_->not_needed(std::exchange(file.relay, RelayId{}));
  file.file.fd.reset(fd.release());
}

void TravellingFiles::program_has(std::span<const FileInFlight> files) {
  for (const FileInFlight& file : files) {
    if (file.relay != RelayId{} && file.twin == 0) relays_->program_has_it(file.relay);
  }
}

void TravellingFiles::program_has_or_twins(std::span<const RelayId> relays) {
  for (const RelayId relay : relays) relays_->program_has_it_or_its_twin(relay);
}

// ---- the core ----

void TravellingFiles::drop(FileToken file) {
  const FileInFlight dropped = table_.take(file);
  if (dropped.relay != RelayId{}) relays_->dropped(dropped.relay);
}

std::expected<FileNumber, FileRefusal> TravellingFiles::export_file(HostId peer, FileToken file) {
  FileInFlight taken = table_.take(file);
  return relays_->export_file(peer, std::move(taken.file), taken.sender.value_or(0));
}

void TravellingFiles::withdraw(HostId peer, FileNumber file) { relays_->withdraw_file(peer, file); }

std::expected<FileToken, int> TravellingFiles::import_file(HostId peer, FileNumber file) {
  auto imported = relays_->import_file(peer, file);
  if (!imported) return std::unexpected(imported.error());
  return table_.insert({.file = {.fd = ForeignFd(imported->fd.release()), .findings = nullptr},
                        .relay = imported->relay,
                        .content_bytes = imported->content_bytes,
                        .twin = imported->twin,
                        .same_as = imported->same_as,
                        .readable = imported->readable,
                        .nonblocking = imported->nonblocking});
}

// ---- peers ----

void TravellingFiles::send_offers(HostId peer) { relays_->send_offers(peer); }

void TravellingFiles::drop_offers(HostId peer) { relays_->drop_offers(peer); }

const char* TravellingFiles::message_arrived(HostId peer, peer::FileMessage message) {
  return relays_->message_arrived(peer, std::move(message));
}

void TravellingFiles::peer_lost(HostId peer) { relays_->peer_lost(peer); }

}  // namespace netbinder
