// SPDX-License-Identifier: Apache-2.0
#include "node-agent/side_socket.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "channel/scm_rights.h"
#include "channel/side_socket.h"
#include "node-agent/foreign_message.h"

namespace netbinder {

std::expected<SideSocket, int> SideSocket::make() {
  std::array<int, 2> sides{-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sides.data()) != 0) {
    return std::unexpected(-errno);
  }
  SideSocket made;
  made.here_.reset(sides[0]);
  made.program_end_.reset(sides[1]);
  const int on = 1;
  if (::setsockopt(made.here_.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0) {
    return std::unexpected(-errno);
  }
  return made;
}

std::vector<ProvenIdentity> SideSocket::receive(std::size_t room) {
  std::vector<ProvenIdentity> identities;
  for (int i = 0; i < kMessagesAtOnce && receive_one(identities, room); ++i) {
  }
  return identities;
}

bool SideSocket::receive_one(std::vector<ProvenIdentity>& identities, std::size_t room) {
  PassMessage message;
  ForeignMessage received;
  const ssize_t got =
      received.receive(here_.get(), std::as_writable_bytes(std::span(&message, 1)));
  if (got <= 0) return false;
  std::vector<ForeignFd>& files = received.files();
  if (got >= static_cast<ssize_t>(sizeof message.kind) && message.kind == kIdentity) {
    if (const auto identity = received.credentials()) {
      identities.push_back({.pid = identity->pid, .euid = identity->uid});
    }
    return true;
  }
  if (got == sizeof(NamespacesMessage) && message.kind == kNamespaces) {
    namespaces_.emplace();
    if (!files.empty()) namespaces_->pid = std::move(files.front());
    return true;
  }
  const bool sound = got == sizeof message && message.kind == kPassFiles &&
                     message.mailbox < kMailboxes && message.count == files.size() &&
                     !received.lacks_files();
  if (!sound || waiting_ + files.size() > std::min(kMaxWaiting, room)) return true;
  Passed& passed = passed_[message.mailbox];
  if (passed.files.size() + files.size() > kMaxPassedFds) return true;
  for (std::size_t i = 0; i < files.size(); ++i) {
    passed.files.emplace_back(message.fds[i],
                              ForeignFile{.fd = std::move(files[i]), .findings = nullptr});
  }
  waiting_ += files.size();
  return true;
}

std::expected<ForeignFile, int> SideSocket::take(std::uint32_t mailbox, int fd) {
  const auto found = passed_.find(mailbox);
  if (found == passed_.end()) return std::unexpected(-EBADF);
  // A descriptor that was not open is missing; and an earlier transaction may have failed before it
  // took all of its own.
  Passed& passed = found->second;
  for (std::size_t i = passed.next; i < passed.files.size(); ++i) {
    if (passed.files[i].first != fd) continue;
    if (!passed.files[i].second.fd) break;
    passed.next = i + 1;
    return std::move(passed.files[i].second);
  }
  return std::unexpected(-EBADF);
}

std::vector<ForeignFile> SideSocket::lend(std::uint32_t mailbox) {
  std::vector<ForeignFile> files;
  const auto found = passed_.find(mailbox);
  if (found == passed_.end()) return files;
  for (auto& [number, file] : found->second.files) files.push_back(std::move(file));
  return files;
}

void SideSocket::give_back(std::uint32_t mailbox, std::vector<ForeignFile> files) {
  const auto found = passed_.find(mailbox);
  if (found == passed_.end()) return;
  // More may have come since.
  const std::size_t count = std::min(files.size(), found->second.files.size());
  for (std::size_t i = 0; i < count; ++i) found->second.files[i].second = std::move(files[i]);
}

void SideSocket::forget(std::uint32_t mailbox) {
  const auto found = passed_.find(mailbox);
  if (found == passed_.end()) return;
  waiting_ -= found->second.files.size();
  passed_.erase(found);
}

void SideSocket::send(std::uint32_t mailbox, std::span<const int> fds,
                      std::span<const ino_t> twins) {
  while (!fds.empty()) {
    const std::span<const int> now = fds.first(std::min<std::size_t>(fds.size(), kMaxRights));
    fds = fds.subspan(now.size());
    InstallMessage message{.mailbox = mailbox,
                           .count = static_cast<std::uint32_t>(now.size()),
                           .to_come = static_cast<std::uint32_t>(fds.size())};
    const auto twins_now = twins.first(std::min(twins.size(), now.size()));
    std::copy(twins_now.begin(), twins_now.end(), message.twins);
    twins = twins.subspan(twins_now.size());
    iovec part{.iov_base = &message, .iov_len = sizeof message};
    RightsBuffer<kMaxRights> rights;
    msghdr packet{};
    packet.msg_iov = &part;
    packet.msg_iovlen = 1;
    attach_rights(packet, rights.bytes, now);
    if (::sendmsg(here_.get(), &packet, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) return;
  }
}

}  // namespace netbinder
