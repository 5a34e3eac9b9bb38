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

std::expected<FileNumber, FileRefusal> FileRelays::export_counter(HostId peer, ForeignFile file,
                                                                  std::uint32_t uid) {
  const FileFindings& found = *file.findings;
  const EventfdState& counter = found.kind->counter;
  const auto [same_as, returns] = known_as(peer, found);
  make_room_for_counter(peer);
  const FileNumber number{last_number_.value() + 1};
  Entry entry{.key = {.peer = peer, .offered_here = true, .number = number},
              .protocol = RelayProtocol(
                  {.kind = Kind::kCounter, .sends = true, .takes = true, .offered_here = true}),
              .file = found.file,
              .counter = true,
              .original = std::make_shared<const ForeignFd>(std::move(file.fd))};
  entry.counter_here =
      std::make_unique<FileCounter>(FileCounter::Setup{.fd = entry.original,
                                                       .semaphore = counter.semaphore,
                                                       .offered_here = true,
                                                       .count = counter.count},
                                    FileRelay::Send());
  const RelayId relay = add(std::move(entry));
  if (!give_to_worker(relay, uid)) {
    remove(relay);
    return std::unexpected(
        FileRefusal{.error = -EAGAIN, .reason = "no thread for its descriptors"});
  }
  last_number_ = number;
  peers_[peer].outgoing.push_back({.number = number,
                                   .offer = {.kind = Kind::kCounter,
                                             .readable = true,
                                             .writable = true,
                                             .nonblocking = found.kind->nonblocking,
                                             .position = counter.count,
                                             .size = counter.semaphore ? 1U : 0U,
                                             .same_as = same_as,
                                             .returns = returns},
                                   .content = std::nullopt,
                                   .ahead = {}});
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
  not_needed(*stillest);
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
  Entry entry{.key = key,
              .protocol = RelayProtocol(
                  {.kind = Kind::kCounter, .sends = true, .takes = true, .offered_here = false}),
              .file = {.device = 0,
                       .inode = state ? state->id : 0,
                       .readable = true,
                       .writable = true},
              .counter = true,
              .original = std::make_shared<const ForeignFd>(std::move(file))};
  entry.counter_here =
      std::make_unique<FileCounter>(FileCounter::Setup{.fd = entry.original,
                                                       .semaphore = offer.size != 0,
                                                       .offered_here = false,
                                                       .count = count},
                                    FileRelay::Send());
  made.relay = add(std::move(entry));
  return 0;
}

}  // namespace netbinder
