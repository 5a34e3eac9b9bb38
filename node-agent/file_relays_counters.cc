// SPDX-License-Identifier: Apache-2.0
// The eventfds among the travelling descriptors.
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <utility>

#include "node-agent/file_counter.h"
#include "node-agent/file_relays.h"
#include "transport/limits.h"

namespace netbinder {

using Kind = peer::FileOffered::Kind;

std::expected<FileNumber, FileRefusal> FileRelays::export_counter(HostId peer, ForeignFd file,
                                                                  const FileKind& kind) {
  const OpenFile open_file{.device = 0, .inode = kind.counter.id, .readable = true, .writable = true};
  const auto [same_as, returns] = known_as(peer, open_file);
  make_room_for_counter(peer);
  const FileNumber number{last_number_.value() + 1};
  const Key key{.peer = peer, .offered_here = true, .number = number};
  Entry entry;
  entry.counter = std::make_unique<FileCounter>(
      FileCounter::Setup{.fd = std::move(file),
                         .semaphore = kind.counter.semaphore,
                         .offered_here = true,
                         .count = kind.counter.count},
      sender_of(key));
  const auto relay = add_entry(key, std::move(entry), open_file);
  if (!relay) return std::unexpected(FileRefusal{.error = relay.error(), .reason = nullptr});
  last_number_ = number;
  peers_[peer].outgoing.push_back({.number = number,
                                   .offer = {.kind = Kind::kCounter,
                                             .readable = true,
                                             .writable = true,
                                             .nonblocking = kind.nonblocking,
                                             .position = kind.counter.count,
                                             .size = kind.counter.semaphore ? 1U : 0U,
                                             .same_as = same_as,
                                             .returns = returns},
                                   .content = std::nullopt});
  return number;
}

// There is no event when the last program closes an eventfd.
void FileRelays::make_room_for_counter(HostId peer) {
  std::size_t count = 0;
  std::optional<RelayId> stillest;
  std::uint64_t last_event = UINT64_MAX;
  for (const auto& [id, entry] : relays_) {
    if (!entry.counter || !entry.key.offered_here || entry.key.peer != peer) continue;
    ++count;
    if (entry.last_event < last_event) {
      last_event = entry.last_event;
      stillest = RelayId{id};
    }
  }
  if (count < limits::kMaxCountersOfPeer || !stillest) return;
  relays_.at(stillest->value()).counter->close();
  remove(*stillest);
}

int FileRelays::make_counter(const Key& key, const peer::FileOffered& offer, Offer& made) {
  const int flags = EFD_CLOEXEC | (offer.nonblocking ? EFD_NONBLOCK : 0) |
                    (offer.size != 0 ? EFD_SEMAPHORE : 0);
  ForeignFd file(::eventfd(0, flags));
  if (!file) return -errno;
  std::uint64_t count = offer.position;
  if (count > 0 && (count == UINT64_MAX || ::write(file.get(), &count, sizeof count) < 0)) {
    return -EINVAL;
  }
  made.program_side.reset(::fcntl(file.get(), F_DUPFD_CLOEXEC, 0));
  if (!made.program_side) return -errno;
  const auto state = eventfd_state(file.get());
  Entry entry;
  entry.counter = std::make_unique<FileCounter>(FileCounter::Setup{.fd = std::move(file),
                                                                   .semaphore = offer.size != 0,
                                                                   .offered_here = false,
                                                                   .count = count},
                                                sender_of(key));
  const auto relay = add_entry(key, std::move(entry),
                               {.device = 0,
                                .inode = state ? state->id : 0,
                                .readable = true,
                                .writable = true});
  if (!relay) return relay.error();
  made.relay = *relay;
  return 0;
}

}  // namespace netbinder
