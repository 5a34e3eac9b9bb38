// SPDX-License-Identifier: Apache-2.0
// How the shim's calls change "this program" beside its memory, for a supervisor: its descriptors
// (shim/install.h, shim/closing.h), its priority (shim/nice.h), its user (shim/identity.h).
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "channel/handover.h"
#include "channel/scm_rights.h"
#include "channel/side_socket.h"
#include "shim/closing.h"
#include "shim/handshake.h"
#include "shim/identity.h"
#include "shim/install.h"
#include "shim/nice.h"
#include "supervisor/caller.h"
#include "supervisor/parked_numbers.h"

namespace netbinder {
namespace {

// Descriptors that have come for a mailbox.
struct Received {
  std::vector<OwnedFd> files;
  int error = 0;
};

// Descriptors that arrived while those of another mailbox were awaited.
std::mutex arrivals_mutex;
std::map<std::pair<const Descriptor*, std::uint32_t>, Received> arrivals;  // guarded by it

struct OneMessage {
  InstallMessage message;
  Received received;
};

// False if there is none.
bool receive_message(const Descriptor& descriptor, OneMessage& into) {
  RightsMessage<kMaxRights> packet;
  const ssize_t got = packet.receive(descriptor.helper(kHelloSideSocket), &into.message,
                                     sizeof into.message, MSG_DONTWAIT);
  if (got <= 0) return false;
  packet.take_rights([&](int fd) { into.received.files.emplace_back(fd); });
  if (got != sizeof into.message) into.message.mailbox = kMailboxes;
  if (packet.lacks_rights() || into.received.files.size() != into.message.count) {
    into.received.error = -EMFILE;
  }
  return true;
}

// With arrivals_mutex held: takes in all messages that are there.
void receive_all(const Descriptor& descriptor) {
  for (;;) {
    OneMessage one;
    if (!receive_message(descriptor, one)) return;
    if (one.message.mailbox >= kMailboxes) continue;
    Received& of_mailbox = arrivals[{&descriptor, one.message.mailbox}];
    for (OwnedFd& file : one.received.files) of_mailbox.files.push_back(std::move(file));
    if (one.received.error != 0) of_mailbox.error = one.received.error;
  }
}

// Gives the caller one descriptor; -1 with errno.
int give(const supervisor::Caller& caller, int file) {
  if (const int parked = supervisor::take_parked(caller.pid); parked >= 0) {
    if (caller.replace(parked, file, true)) return parked;
  }
  return caller.install(file, true);
}

}  // namespace

void install_descriptors(Descriptor& descriptor, Mailbox& mailbox, std::uint32_t index) {
  const supervisor::Caller* const caller = supervisor::current_caller();
  Received mine;
  {
    const std::lock_guard lock(arrivals_mutex);
    receive_all(descriptor);
    const auto found = arrivals.find({&descriptor, index});
    if (found != arrivals.end()) {
      mine = std::move(found->second);
      arrivals.erase(found);
    } else {
      mine.error = -EMFILE;
    }
  }
  if (mine.files.empty() && mine.error == 0) mine.error = -EMFILE;
  std::vector<int> given;
  for (const OwnedFd& file : mine.files) {
    if (mine.error != 0 || caller == nullptr) break;
    const int number = give(*caller, file.get());
    if (number < 0) mine.error = -EMFILE;
    given.push_back(number);
  }
  if (mine.error != 0) {
    for (const int number : given) {
      if (number >= 0) close_received(std::span(&number, 1));
    }
    mailbox.fds[0] = mine.error;
  } else {
    std::copy(given.begin(), given.end(), mailbox.fds);
  }
  hand_over(mailbox, kInstalled);
}

bool pass_files(const Descriptor& descriptor, std::uint32_t index, std::span<const int> files) {
  const supervisor::Caller* const caller = supervisor::current_caller();
  std::vector<OwnedFd> copies;
  std::vector<int> numbers;
  for (const int number : files) {
    OwnedFd copy(caller == nullptr ? -1 : caller->copy_of(number));
    if (copy.get() < 0) continue;  // the agent finds it missing
    copies.push_back(std::move(copy));
    numbers.push_back(number);
  }
  for (std::size_t done = 0; done < copies.size();) {
    const std::size_t now = std::min<std::size_t>(copies.size() - done, kMaxRights);
    PassMessage message{.mailbox = index,
                        .count = static_cast<std::uint32_t>(now),
                        .to_come = static_cast<std::uint32_t>(copies.size() - done - now),
                        .fds = {}};
    std::array<int, kMaxRights> passed{};
    for (std::size_t i = 0; i < now; ++i) {
      message.fds[i] = numbers[done + i];
      passed[i] = copies[done + i].get();
    }
    iovec part{.iov_base = &message, .iov_len = sizeof message};
    RightsBuffer<kMaxRights> rights;
    msghdr packet{};
    packet.msg_iov = &part;
    packet.msg_iovlen = 1;
    attach_rights(packet, rights.bytes, std::span(passed).first(now));
    ssize_t sent = 0;
    do {
      sent = ::sendmsg(descriptor.helper(kHelloSideSocket), &packet, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent != sizeof message) return false;
    done += now;
  }
  return !copies.empty();
}

void take_readiness(const Descriptor& /*descriptor*/, int fd, std::uint32_t messages) {
  const supervisor::Caller* const caller = supervisor::current_caller();
  if (caller == nullptr || fd < 0) return;
  const OwnedFd socket(caller->copy_of(fd));
  char message = 0;
  for (std::uint32_t i = 0; i < messages; ++i) {
    if (::recv(socket.get(), &message, sizeof message, MSG_DONTWAIT) <= 0) break;
  }
}

// Nobody can close another process's descriptors. Their files are let go, and the numbers wait for
// the next descriptors that the program is given.
void close_received(std::span<const int> fds) {
  const supervisor::Caller* const caller = supervisor::current_caller();
  if (caller == nullptr) return;
  for (const int number : fds) supervisor::park(*caller, number);
}

std::int32_t current_nice() {
  const supervisor::Caller* const caller = supervisor::current_caller();
  const int saved_errno = errno;
  errno = 0;
  const int nice =
      caller == nullptr ? 0 : ::getpriority(PRIO_PROCESS, static_cast<id_t>(caller->tid));
  errno = saved_errno;
  return nice;
}

void forget_nice() {}
void forget_all_nice() {}

void take_on_nice(std::int32_t nice) {
  const supervisor::Caller* const caller = supervisor::current_caller();
  const int saved_errno = errno;
  const std::int32_t own = current_nice();
  if (caller != nullptr && nice != own) {
    // A nice value that could not be taken back is not set.
    rlimit limit{};
    const bool may_raise = ::geteuid() == 0 || (::getrlimit(RLIMIT_NICE, &limit) == 0 &&
                                                20 - static_cast<long>(limit.rlim_cur) <=
                                                    std::min(own, nice));
    if (may_raise) (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(caller->tid), nice);
  }
  errno = saved_errno;
}

// The identity that the agent was given when the channel was opened stays.
bool say_identity(const Descriptor& /*descriptor*/) { return false; }
void forget_user() {}
void note_user_known(Descriptor& /*descriptor*/) {}
bool tell_changed_user(Descriptor& /*descriptor*/) { return false; }

}  // namespace netbinder
