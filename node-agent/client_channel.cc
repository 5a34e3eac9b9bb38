// SPDX-License-Identifier: Apache-2.0
#include "node-agent/client_channel.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include "channel/doorbell.h"
#include "channel/handover.h"
#include "channel/pending.h"
#include "channel/posted_read.h"
#include "channel/scm_rights.h"
#include "channel/side_socket.h"
#include "channel/sleep.h"
#include "core/base/check.h"
#include "core/base/uapi.h"
#include "node-agent/travelling_files.h"

namespace netbinder {

ClientChannel::ClientChannel(Driver& driver, ProcessId process, PeerProgram program,
                             UniqueFd socket, UniqueFd side_socket, UniqueFd doorbell,
                             SharedMemory channel, std::shared_ptr<SharedMemory> arena,
                             ChannelStatistics& statistics, std::vector<Response>& responses,
                             TravellingFiles& files)
    : driver_(driver),
      process_(process),
      channel_(std::move(channel)),
      responses_(responses),
      statistics_(statistics),
      files_(files),
      arena_(std::move(arena)),
      program_(std::move(program)),
      socket_(std::move(socket)),
      side_socket_(std::move(side_socket)),
      doorbell_(std::move(doorbell)) {}

Mailbox& ClientChannel::mailbox(std::uint32_t index) {
  NB_CHECK(index < kMailboxes);
  return mailbox_at(channel_.memory().data(), index);
}

ChannelHeader& ClientChannel::header() { return header_at(channel_.memory().data()); }

bool ClientChannel::handle_requests() {
  return take_pending(header(), [this](std::uint32_t index) { handle_mailbox(index); });
}

ClientChannel::Slot& ClientChannel::slot_of(std::uint32_t index) {
  if (index >= slots_.size()) slots_.resize(index + 1);
  return slots_[index];
}

void ClientChannel::handle_mailbox(std::uint32_t index) {
  Slot& slot = slot_of(index);
  const std::uint32_t state = look_at(mailbox(index));
  switch (slot.state) {
    case SlotState::kPosting:
      if (!slot.told) break;
      [[fallthrough]];
    case SlotState::kFree:
      if (state == kRequested || state == kCancelled) {
        ++statistics_.requests;
        begin_request(index, slot);
        if (state == kCancelled && slot.state == SlotState::kBusy) {
          driver_.interrupt(process_, slot.tid);
        }
      }
      break;
    case SlotState::kBusy:
      if (state == kCancelled) driver_.interrupt(process_, slot.tid);
      break;
    case SlotState::kInstalling:
      if (state == kInstalled) finish_install(index, slot);
      break;
  }
}

void ClientChannel::begin_request(std::uint32_t index, Slot& slot) {
  Mailbox& box = mailbox(index);
  if (slot.state == SlotState::kPosting) end_posting(index, slot);
  MailboxRequest request;
  std::memcpy(&request, &box.request, sizeof request);
  slot.tid = ThreadId{request.tid};
  slot.flags = request.flags;
  slot.ranges = 0;
  if (request.operation == kOpClose) {  // no response is awaited
    closing_ = true;
    return;
  }
  slot.state = SlotState::kBusy;
  auto [entry, is_new] = mailbox_of_tid_.emplace(request.tid, index);
  if (!is_new) {
    Slot& other = slots_[entry->second];
    if (other.state == SlotState::kPosting && other.told) {
      end_posting(entry->second, other);
      is_new = mailbox_of_tid_.emplace(request.tid, index).second;
    }
  }
  if (!is_new) {
    // The same thread has another ioctl in progress, which no thread can have.
    slot.state = SlotState::kFree;
    Response response{
        .channel = this, .mailbox = index, .installs = false, .content = {}, .close_fds = {}};
    response.content.error = -EBUSY;
    responses_.push_back(std::move(response));
    return;
  }
  switch (request.operation) {
    case kOpWriteRead:
      begin_write_read(index, slot, request);
      break;
    case kOpControl:
      begin_control(index, slot, request);
      break;
    case kOpMap: {
      const std::uint64_t page = 4096;
      const std::uint64_t size = std::min((request.bytes + page - 1) & ~(page - 1), kMaxMapBytes);
      if (request.bytes == 0 || request.bytes > UINT64_MAX - page) {
        respond(index, -EINVAL);
      } else {
        respond(index, driver_.map_arena(process_, request.address, arena_->memory().first(size)));
      }
      break;
    }
    case kOpFlush:
      driver_.flush(process_);
      respond(index, 0);
      break;
    default:
      respond(index, -EINVAL);
      break;
  }
}

void ClientChannel::begin_write_read(std::uint32_t index, Slot& slot,
                                     const MailboxRequest& request) {
  Mailbox& box = mailbox(index);
  if (request.staged_ranges > kMaxStagedRanges || request.bytes > kMaxCommandBytes) {
    respond(index, request.bytes > kMaxCommandBytes ? -ENOMEM : -EINVAL);
    return;
  }
  if ((request.flags & kFlagPassedFiles) != 0) receive_passed_files(index);
  slot.ranges = request.staged_ranges;

  std::array<std::byte, kInlineCommandBytes> inline_commands;
  std::vector<std::byte> large_commands;
  std::span<const std::byte> commands;
  if (request.bytes <= kInlineCommandBytes) {
    std::memcpy(inline_commands.data(), box.commands, request.bytes);
    commands = std::span(inline_commands).first(request.bytes);
  } else {
    large_commands.resize(request.bytes);
    if (read_memory(slot.tid, request.address, large_commands) != 0) {
      respond(index, -EFAULT);
      return;
    }
    commands = large_commands;
  }
  WriteReadRequest write_read;
  write_read.commands = commands;
  write_read.reads = (request.flags & kFlagReads) != 0;
  write_read.fresh_read = (request.flags & kFlagFreshRead) != 0;
  write_read.nice = std::clamp(request.nice, -20, 19);
  write_read.nonblocking = (request.flags & kFlagNonblocking) != 0;
  write_read.read_buffer =
      std::span(box.read, std::min<std::uint64_t>(request.read_capacity, kReadBytes));
  driver_.write_read(process_, slot.tid, write_read);
}

void ClientChannel::begin_control(std::uint32_t index, Slot& slot, const MailboxRequest& request) {
  const std::size_t size = _IOC_SIZE(request.ioctl_command);
  if (size > kArgumentBytes || request.ioctl_command == BINDER_WRITE_READ) {
    respond(index, -EINVAL);
    return;
  }
  std::array<std::byte, kArgumentBytes> argument;
  std::memcpy(argument.data(), mailbox(index).argument, size);
  const bool bad = (request.flags & kFlagBadArgument) != 0;
  driver_.control(process_, slot.tid, request.ioctl_command,
                  bad ? std::span<std::byte>() : std::span(argument).first(size));
  // Ioctls that wait write no answer into the argument; all others are done by now.
  std::memcpy(mailbox(index).argument, argument.data(), size);
}

void ClientChannel::finish_install(std::uint32_t index, Slot& slot) {
  std::array<int, kMaxInstalledFds> fds;
  std::memcpy(fds.data(), mailbox(index).fds, slot.install_count * sizeof(int));
  slot.state = SlotState::kBusy;
  if (slot.install_count == 0 || fds[0] < 0) {
    driver_.files_installed(process_, slot.tid, std::unexpected(-EMFILE));
  } else {
    driver_.files_installed(process_, slot.tid,
                            std::span<const int>(fds.data(), slot.install_count));
  }
  if (slot.state != SlotState::kBusy) return;
  // They could not be installed and the read goes on: it can be cancelled like any other read.
  (void)hand_over_from(mailbox(index), kInstalled, kRequested);
}

void ClientChannel::end_posting(std::uint32_t index, Slot& slot) {
  if (slot.told) forbid_posting(mailbox(index));
  slot.state = SlotState::kFree;
  mailbox_of_tid_.erase(slot.tid.value());
}

std::optional<PostedRead> ClientChannel::take_posted_read(ThreadId thread) {
  const auto found = mailbox_of_tid_.find(thread.value());
  if (found == mailbox_of_tid_.end()) return std::nullopt;
  const std::uint32_t index = found->second;
  Slot& slot = slots_[index];
  if (slot.state != SlotState::kPosting) return std::nullopt;
  Mailbox& box = mailbox(index);
  const bool told = slot.told;
  end_posting(index, slot);
  if (!told) return std::nullopt;
  if (!posted_read_is_there(box)) return std::nullopt;
  MailboxRequest request;
  std::memcpy(&request, &box.request, sizeof request);
  // Any other request would have come with the doorbell.
  if (!is_waiting_read(request) || request.tid != thread.value()) return std::nullopt;
  ++statistics_.requests;
  slot.state = SlotState::kBusy;
  slot.flags = request.flags;
  slot.ranges = 0;
  mailbox_of_tid_.emplace(request.tid, index);
  return PostedRead{
      .nice = std::clamp(request.nice, -20, 19),
      .read_buffer = std::span(box.read, std::min(request.read_capacity, kReadBytes))};
}

void ClientChannel::respond(std::uint32_t index, int error) {
  ioctl_done(slots_[index].tid, IoctlResult{.error = error});
}

void ClientChannel::ioctl_done(ThreadId thread, const IoctlResult& result) {
  const auto found = mailbox_of_tid_.find(thread.value());
  if (found == mailbox_of_tid_.end()) return;
  Response response{
      .channel = this, .mailbox = found->second, .installs = false, .content = {}, .close_fds = {}};
  Slot& slot = slots_[response.mailbox];
  if (result.may_post_read) {
    slot.state = SlotState::kPosting;
    slot.told = false;
  } else {
    slot.state = SlotState::kFree;
    mailbox_of_tid_.erase(found);
  }
  if ((slot.flags & kFlagPassedFiles) != 0) passed_files_.erase(response.mailbox);
  response.content.error = result.error;
  response.content.write_consumed = result.write_consumed;
  response.content.read_consumed = result.read_consumed;
  response.content.wants_looper = result.wants_looper ? 1 : 0;
  if (result.nice) {
    response.content.sets_nice = 1;
    response.content.nice = *result.nice;
  }
  if (!result.close_fds.empty()) {
    response.close_fds.assign(result.close_fds.begin(), result.close_fds.end());
    if (response.close_fds.size() > kMaxInstalledFds) response.close_fds.resize(kMaxInstalledFds);
    response.content.close_count = static_cast<std::uint32_t>(response.close_fds.size());
  }
  responses_.push_back(std::move(response));
}

void ClientChannel::send_files(std::uint32_t index, std::span<const int> fds) {
  while (!fds.empty()) {
    const std::span<const int> now = fds.first(std::min<std::size_t>(fds.size(), kMaxRights));
    fds = fds.subspan(now.size());
    InstallMessage message{.mailbox = index,
                           .count = static_cast<std::uint32_t>(now.size()),
                           .to_come = static_cast<std::uint32_t>(fds.size())};
    iovec part{.iov_base = &message, .iov_len = sizeof message};
    RightsBuffer<kMaxRights> rights;
    msghdr packet{};
    packet.msg_iov = &part;
    packet.msg_iovlen = 1;
    attach_rights(packet, rights.bytes, now);
    if (::sendmsg(side_socket_.get(), &packet, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) return;
  }
}

void ClientChannel::install_files(ThreadId thread, std::span<const FileToken> tokens) {
  const std::vector<FileInFlight> files = files_.take_out(tokens);
  std::vector<int> fds;
  for (const FileInFlight& file : files) fds.push_back(file.fd.get());
  const auto found = mailbox_of_tid_.find(thread.value());
  NB_CHECK(found != mailbox_of_tid_.end());
  const std::uint32_t index = found->second;
  Slot& slot = slots_[index];
  slot.state = SlotState::kInstalling;
  // If there are too many, or they cannot be sent, the program misses them and reports the failure.
  slot.install_count = fds.size() <= kMaxInstalledFds ? static_cast<std::uint32_t>(fds.size()) : 0;
  send_files(index, std::span(std::as_const(fds)).first(slot.install_count));

  Response response{
      .channel = this, .mailbox = index, .installs = true, .content = {}, .close_fds = {}};
  response.content.install_count = slot.install_count;
  responses_.push_back(std::move(response));
  files_.program_has(files);
}

void ClientChannel::send(Response& response) {
  Mailbox& box = mailbox(response.mailbox);
  if (!response.installs && std::exchange(drain_, false)) {
    response.content.drain = 1;
    readable_told_ = false;
  }
  std::memcpy(&box.response, &response.content, sizeof response.content);
  if (!response.close_fds.empty()) {
    std::memcpy(box.fds, response.close_fds.data(), response.close_fds.size() * sizeof(int));
  }
  if (Slot& slot = slots_[response.mailbox]; slot.state == SlotState::kPosting) {
    allow_posting(box);
    slot.told = true;
  }
  hand_over(box, response.installs ? kInstall : kDone);
  if (wake_sleeper(box)) ++statistics_.wakeups;
}

bool ClientChannel::arm() { return arm_doorbell(header()); }

void ClientChannel::disarm() { disarm_doorbell(header()); }

void ClientChannel::readiness_changed(bool readable) {
  if (!readable) {
    drain_ = readable_told_;
    return;
  }
  drain_ = false;
  if (readable_told_) return;
  const char ready = 1;
  readable_told_ =
      ::send(socket_.get(), &ready, sizeof ready, MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof ready;
}

int ClientChannel::read_memory(ThreadId thread, std::uint64_t address, std::span<std::byte> into) {
  const auto found = mailbox_of_tid_.find(thread.value());
  if (found == mailbox_of_tid_.end()) return -EFAULT;
  const Slot& slot = slots_[found->second];
  if (read_staged(found->second, slot.ranges, address, into)) {
    statistics_.bytes_read_staged += into.size();
    return 0;
  }
  if ((slot.flags & kFlagStaged) != 0 || !program_.readable_memory) return -EFAULT;
  const int error = read_direct(address, into);
  if (error == 0) statistics_.bytes_read_direct += into.size();
  return error;
}

bool ClientChannel::read_staged(std::uint32_t index, std::uint32_t ranges, std::uint64_t address,
                                std::span<std::byte> into) {
  for (std::uint32_t i = 0; i < ranges; ++i) {
    StagedRange range;
    std::memcpy(&range, &mailbox(index).staged[i], sizeof range);
    if (address < range.address || into.size() > range.size ||
        address - range.address > range.size - into.size()) {
      continue;
    }
    const std::uint64_t skip = address - range.address;
    if ((range.place & kLargePlace) == 0) {
      if (range.place > kInlineStagingBytes || range.size > kInlineStagingBytes - range.place) {
        continue;
      }
      std::memcpy(into.data(), mailbox(index).staging + range.place + skip, into.size());
      return true;
    }
    const std::uint64_t place = range.place & ~kLargePlace;
    if (place > kStagingBytes || range.size > kStagingBytes - place) continue;
    const std::uint64_t start = staging_start(index);
    std::size_t done = 0;
    while (done < into.size()) {
      const ssize_t got = ::pread(channel_.program_fd(), into.data() + done, into.size() - done,
                                  static_cast<off_t>(start + place + skip + done));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return false;
      done += static_cast<std::size_t>(got);
    }
    return true;
  }
  return false;
}

int ClientChannel::read_direct(std::uint64_t address, std::span<std::byte> into) const {
  const iovec here{.iov_base = into.data(), .iov_len = into.size()};
  const iovec there{.iov_base = reinterpret_cast<void*>(address), .iov_len = into.size()};
  const ssize_t got = ::process_vm_readv(program_.pid, &here, 1, &there, 1, 0);
  if (got != static_cast<ssize_t>(into.size())) return -EFAULT;
  // The program is alive after the read, so the pid did belong to this program during it.
  pollfd alive{.fd = program_.pidfd.get(), .events = POLLIN, .revents = 0};
  if (::poll(&alive, 1, 0) != 0) return -EFAULT;
  return 0;
}

void ClientChannel::receive_passed_files(std::uint32_t index) {
  for (;;) {
    PassMessage message;
    iovec part{.iov_base = &message, .iov_len = sizeof message};
    RightsBuffer<kMaxRights> rights;
    msghdr packet{};
    packet.msg_iov = &part;
    packet.msg_iovlen = 1;
    packet.msg_control = rights.bytes;
    packet.msg_controllen = sizeof rights.bytes;
    const ssize_t got = ::recvmsg(side_socket_.get(), &packet, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return;
    std::vector<UniqueFd> files;
    for_each_right(packet, [&](int fd) { files.emplace_back(fd); });
    const bool sound = got == sizeof message && message.mailbox < kMailboxes &&
                       message.count == files.size() && message.count <= kMaxRights &&
                       (packet.msg_flags & MSG_CTRUNC) == 0;
    if (!sound) continue;
    PassedFiles& passed = passed_files_[message.mailbox];
    passed.clear();
    for (std::size_t i = 0; i < files.size(); ++i) {
      passed.emplace_back(message.fds[i], std::move(files[i]));
    }
    if (message.mailbox == index) return;
  }
}

std::expected<FileToken, int> ClientChannel::take_file(ThreadId thread, int fd) {
  auto file = take_descriptor(thread, fd);
  if (!file) return std::unexpected(file.error());
  return files_.take_in(std::move(*file));
}

std::expected<UniqueFd, int> ClientChannel::take_descriptor(ThreadId thread, int fd) {
  const auto found = mailbox_of_tid_.find(thread.value());
  if (found == mailbox_of_tid_.end()) return std::unexpected(-EBADF);
  const Slot& slot = slots_[found->second];
  if ((slot.flags & kFlagStaged) != 0) {
    const auto passed = passed_files_.find(found->second);
    if (passed == passed_files_.end()) return std::unexpected(-EBADF);
    for (const auto& [number, file] : passed->second) {
      if (number != fd) continue;
      UniqueFd copy(::fcntl(file.get(), F_DUPFD_CLOEXEC, 0));
      if (!copy) return std::unexpected(-EMFILE);
      return copy;
    }
    return std::unexpected(-EBADF);
  }
  const long got = ::syscall(SYS_pidfd_getfd, program_.pidfd.get(), fd, 0);
  if (got < 0) return std::unexpected(errno == EBADF ? -EBADF : -EPERM);
  return UniqueFd(static_cast<int>(got));
}

}  // namespace netbinder
