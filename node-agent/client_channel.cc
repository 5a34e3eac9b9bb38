// SPDX-License-Identifier: Apache-2.0
#include "node-agent/client_channel.h"

#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include "channel/doorbell.h"
#include "channel/handover.h"
#include "channel/pending.h"
#include "channel/posted_read.h"
#include "channel/sleep.h"
#include "core/base/check.h"
#include "core/base/uapi.h"
#include "node-agent/travelling_files.h"

namespace netbinder {

ClientChannel::ClientChannel(Driver& driver, ProcessId process, PeerProgram program,
                             ForeignFd socket, SideSocket side_socket, UniqueFd doorbell,
                             SharedMemory channel, std::shared_ptr<SharedMemory> arena,
                             ChannelStatistics& statistics, std::vector<Response>& responses,
                             TravellingFiles& files, ChannelEvents& events, UserAccount& user)
    : driver_(driver),
      process_(process),
      channel_(std::move(channel)),
      responses_(responses),
      statistics_(statistics),
      files_(files),
      events_(events),
      user_(user),
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

bool ClientChannel::handle_requests(RequestBudget budget) {
  const auto handle_or_leave = [&](std::uint32_t index) {
    if (budget.requests == 0) {
      waiting_.push_back(index);
      return;
    }
    --budget.requests;
    handle_mailbox(index);
  };
  bool any = !waiting_.empty();
  if (any) {
    for (const std::uint32_t index : std::exchange(waiting_, {})) handle_or_leave(index);
  }
  // The mailboxes left over are bounded, however often the program marks them.
  if (waiting_.size() < kMailboxes) any |= take_pending(header(), handle_or_leave);
  return any;
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
    case SlotState::kFree:
      if (slot.answered) break;
      if (state == kRequested || state == kCancelled) {
        ++statistics_.requests;
        begin_request(index, slot);
        if (state == kCancelled && slot.state == SlotState::kBusy) {
          driver_.interrupt(process_, slot.tid);
        }
      }
      break;
    case SlotState::kBusy:
      if (slot.large && slot.large->between_slices) {
        run_slice(index, slot);
      } else if (state == kCancelled) {
        driver_.interrupt(process_, slot.tid);
      }
      break;
    case SlotState::kInstalling:
      if (state == kInstalled && !slot.held) finish_install(index, slot);
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
  slot.staged = {};
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
    slot.answered = true;
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
    case kOpUnmap:
      driver_.unmap_arena(process_, request.address, request.bytes);
      respond(index, 0);
      break;
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
  if ((request.flags & (kFlagPassedFiles | kFlagIdentity)) != 0) receive_side_messages();
  slot.staged = {.ranges = request.staged_ranges, .next = 0};
  staged_.begin_request(index);

  WriteReadRequest write_read;
  write_read.reads = (request.flags & kFlagReads) != 0;
  write_read.fresh_read = (request.flags & kFlagFreshRead) != 0;
  write_read.nice = std::clamp(request.nice, -20, 19);
  write_read.nonblocking = (request.flags & kFlagNonblocking) != 0;
  write_read.read_buffer =
      std::span(box.read, std::min<std::uint64_t>(request.read_capacity, kReadBytes));
  const bool may_wait =
      files_.holds_calls(user_.uid(), (request.flags & kFlagPassedFiles) != 0) && request.bytes > 0;
  if (request.bytes <= kInlineCommandBytes && !may_wait) {
    std::array<std::byte, kInlineCommandBytes> commands;
    std::memcpy(commands.data(), box.commands, request.bytes);
    write_read.commands = std::span<const std::byte>(commands).first(request.bytes);
    driver_.write_read(process_, slot.tid, write_read);
    return;
  }
  slot.large = std::make_unique<LargeWrite>();
  slot.large->request = write_read;
  slot.large->commands.resize(request.bytes);
  if (request.bytes <= kInlineCommandBytes) {
    std::memcpy(slot.large->commands.data(), box.commands, request.bytes);
  } else if (read_memory(slot.tid, request.address, slot.large->commands) != 0) {
    slot.large.reset();
    respond(index, -EFAULT);
    return;
  }
  run_slice(index, slot);
}

void ClientChannel::run_slice(std::uint32_t index, Slot& slot) {
  LargeWrite& large = *slot.large;
  const std::span<const std::byte> left = std::span(std::as_const(large.commands)).subspan(large.done);
  std::size_t end = 0;
  while (end < kSliceBytes && left.size() - end > sizeof(std::uint32_t)) {
    std::uint32_t command = 0;
    std::memcpy(&command, left.data() + end, sizeof command);
    end += sizeof command + _IOC_SIZE(command);
    if (end > left.size()) end = left.size();
  }
  const bool last = left.size() - end <= sizeof(std::uint32_t);
  if (last) end = left.size();
  if (!std::exchange(large.prepared, false) && prepare(index, slot, left.first(end))) return;
  large.slice = end;
  large.between_slices = false;
  WriteReadRequest request = large.request;
  request.commands = left.first(end);
  request.reads = request.reads && last;
  driver_.write_read(process_, slot.tid, request);
  // It may have been cancelled between two slices.
  if (slot.state == SlotState::kBusy && last && look_at(mailbox(index)) == kCancelled) {
    driver_.interrupt(process_, slot.tid);
  }
}

bool ClientChannel::prepare(std::uint32_t index, Slot& slot,
                            std::span<const std::byte> commands) {
  const bool passes_files = (slot.flags & kFlagPassedFiles) != 0;
  if (!files_.holds_calls(user_.uid(), passes_files) ||
      !driver_.leads_elsewhere(process_, slot.tid, commands)) {
    return false;
  }
  std::vector<ForeignFile> files = side_socket_.lend(index);
  const bool asked = files_.relayed().look_and_bring_up_to_date(
      user_.uid(), files,
      [this, index, life = std::weak_ptr(life_)](std::vector<ForeignFile> looked_at) {
        if (life.expired()) return;
        Slot& waiting = slots_[index];
        if (!waiting.large || waiting.large->between_slices || waiting.large->prepared) return;
        side_socket_.give_back(index, std::move(looked_at));
        waiting.large->prepared = waiting.large->between_slices = true;
        waiting_.push_back(index);
        events_.can_go_on(*this);
      });
  if (!asked) side_socket_.give_back(index, std::move(files));
  return asked;
}

void ClientChannel::wait_for_nothing() {
  for (std::uint32_t index = 0; index < slots_.size(); ++index) {
    Slot& slot = slots_[index];
    if (slot.state != SlotState::kBusy || !slot.large || slot.large->between_slices) continue;
    if (slot.large->slice != 0) continue;  // it waits in the core
    slot.large->prepared = slot.large->between_slices = true;
    waiting_.push_back(index);
  }
}

bool ClientChannel::slice_done(std::uint32_t index, Slot& slot, const IoctlResult& result) {
  LargeWrite& large = *slot.large;
  large.close_fds.insert(large.close_fds.end(), result.close_fds.begin(), result.close_fds.end());
  if (result.nice) large.nice = result.nice;
  const std::uint64_t before = large.done;
  large.done += result.write_consumed;
  if (result.error != 0 || result.write_consumed < large.slice ||
      before + large.slice == large.commands.size()) {
    return true;
  }
  large.slice = 0;
  large.between_slices = true;
  waiting_.push_back(index);
  return false;
}

void ClientChannel::receive_side_messages() {
  for (const ProvenIdentity& identity : side_socket_.receive(files_.room_for(user_.uid()))) {
    events_.identified(*this, identity);
  }
  if (auto shown = side_socket_.take_namespaces()) {
    view_.emplace(program_.pid, std::move(shown->pid));
  }
}

void ClientChannel::begin_control(std::uint32_t index, Slot& slot, const MailboxRequest& request) {
  const std::size_t size = _IOC_SIZE(request.ioctl_command);
  if (size > kArgumentBytes || request.ioctl_command == BINDER_WRITE_READ) {
    respond(index, -EINVAL);
    return;
  }
  if ((request.flags & kFlagIdentity) != 0) receive_side_messages();
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
  files_.program_has_or_twins(std::exchange(slot.relays_of_twins, {}));
  if (slot.install_count == 0 || fds[0] < 0) {
    driver_.files_installed(process_, slot.tid, std::unexpected(-EMFILE));
  } else {
    driver_.files_installed(process_, slot.tid,
                            std::span<const int>(fds.data(), slot.install_count));
  }
  if (slot.state != SlotState::kBusy) return;
  // They could not be installed, and the read goes on: it can be cancelled like any other read.
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
  slot.staged = {};
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
  std::unique_ptr<LargeWrite> large;
  if (slot.large) {
    if (!slice_done(response.mailbox, slot, result)) return;
    large = std::move(slot.large);
  }
  if (result.may_post_read) {
    slot.state = SlotState::kPosting;
    slot.told = false;
  } else {
    slot.state = SlotState::kFree;
    mailbox_of_tid_.erase(found);
  }
  if ((slot.flags & kFlagPassedFiles) != 0) side_socket_.forget(response.mailbox);
  if (view_ && result.read_consumed > 0) {
    view_->rewrite(std::span(mailbox(response.mailbox).read)
                       .first(std::min<std::uint64_t>(result.read_consumed, kReadBytes)));
  }
  response.content.error = result.error;
  response.content.write_consumed = large ? large->done : result.write_consumed;
  response.content.read_consumed = result.read_consumed;
  response.content.wants_looper = result.wants_looper ? 1 : 0;
  if (const auto nice = large ? large->nice : result.nice) {
    response.content.sets_nice = 1;
    response.content.nice = *nice;
  }
  if (large) {
    response.close_fds = std::move(large->close_fds);
  } else if (!result.close_fds.empty()) {
    response.close_fds.assign(result.close_fds.begin(), result.close_fds.end());
  }
  if (!response.close_fds.empty()) {
    if (response.close_fds.size() > kMaxInstalledFds) response.close_fds.resize(kMaxInstalledFds);
    response.content.close_count = static_cast<std::uint32_t>(response.close_fds.size());
  }
  slot.answered = true;
  responses_.push_back(std::move(response));
}

void ClientChannel::install_files(ThreadId thread, std::span<const FileToken> tokens) {
  const auto found = mailbox_of_tid_.find(thread.value());
  NB_CHECK(found != mailbox_of_tid_.end());
  slots_[found->second].state = SlotState::kInstalling;
  install(found->second, files_.take_out(tokens));
}

void ClientChannel::install(std::uint32_t index, std::vector<FileInFlight> files) {
  Slot& slot = slots_[index];
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (files[i].same_as == RelayId{}) continue;
    auto waiting = std::make_shared<std::vector<FileInFlight>>();
    const bool asked = files_.open_again(
        files[i], user_.uid(),
        [this, i, index, waiting, life = std::weak_ptr(life_)](UniqueFd opened) {
          if (life.expired()) return;
          FileInFlight& file = (*waiting)[i];
          file.same_as = {};
          if (opened) files_.replace(file, std::move(opened));
          install(index, std::move(*waiting));
          events_.can_go_on(*this);
        });
    files[i].same_as = {};
    if (!asked) continue;
    *waiting = std::move(files);
    slot.held = true;
    return;
  }
  slot.held = false;
  files_.program_gets(files, user_.uid());
  std::vector<int> fds;
  std::vector<ino_t> twins;
  std::vector<RelayId> relays_of_twins;
  for (const FileInFlight& file : files) {
    fds.push_back(file.file.get());
    twins.push_back(file.twin);
    if (file.twin != 0) relays_of_twins.push_back(file.relay);
  }
  // If there are too many, or they cannot be sent, the program misses them and reports the failure.
  slot.install_count = fds.size() <= kMaxInstalledFds ? static_cast<std::uint32_t>(fds.size()) : 0;
  side_socket_.send(index, std::span(std::as_const(fds)).first(slot.install_count), twins);
  slot.relays_of_twins = std::move(relays_of_twins);

  Response response{
      .channel = this, .mailbox = index, .installs = true, .content = {}, .close_fds = {}};
  response.content.install_count = slot.install_count;
  responses_.push_back(std::move(response));
  files_.program_has(files);
}

void ClientChannel::send(Response& response) {
  Mailbox& box = mailbox(response.mailbox);
  if (!response.installs && readiness_.take_back()) response.content.drain = 1;
  std::memcpy(&box.response, &response.content, sizeof response.content);
  if (!response.close_fds.empty()) {
    std::memcpy(box.fds, response.close_fds.data(), response.close_fds.size() * sizeof(int));
  }
  Slot& slot = slots_[response.mailbox];
  if (slot.state == SlotState::kPosting) {
    allow_posting(box);
    slot.told = true;
  }
  if (!response.installs) slot.answered = false;
  hand_over(box, response.installs ? kInstall : kDone);
  if (wake_sleeper(box)) ++statistics_.wakeups;
}

bool ClientChannel::arm() { return arm_doorbell(header()); }

void ClientChannel::set_look_window(std::uint64_t ns) {
  header().look_ns.store(ns, std::memory_order_relaxed);
}

void ClientChannel::disarm() { disarm_doorbell(header()); }

void ClientChannel::readiness_changed(bool readable) {
  readiness_.changed(readable, socket_.get());
}

int ClientChannel::read_memory(ThreadId thread, std::uint64_t address, std::span<std::byte> into) {
  const auto found = mailbox_of_tid_.find(thread.value());
  if (found == mailbox_of_tid_.end()) return -EFAULT;
  if (!staged_.read(found->second, slots_[found->second].staged, address, into)) return -EFAULT;
  statistics_.bytes_read += into.size();
  return 0;
}

std::expected<FileToken, int> ClientChannel::take_file(ThreadId thread, int fd) {
  const auto found = mailbox_of_tid_.find(thread.value());
  if (found == mailbox_of_tid_.end()) return std::unexpected(-EBADF);
  auto file = side_socket_.take(found->second, fd);
  if (!file) return std::unexpected(file.error());
  return files_.take_in(std::move(*file), user_.uid());
}

}  // namespace netbinder
