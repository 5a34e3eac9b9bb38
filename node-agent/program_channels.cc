// SPDX-License-Identifier: Apache-2.0
#include "node-agent/program_channels.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "core/base/check.h"
#include "host/builtin_manager.h"
#include "host/data_plane.h"
#include "host/node_host.h"
#include "node-agent/client_channel.h"
#include "node-agent/clock.h"
#include "node-agent/foreign_message.h"
#include "node-agent/look_window.h"
#include "node-agent/travelling_files.h"
#include "transport/log.h"

namespace netbinder {

namespace {

// A message of no bytes looks like a hang-up.
bool has_hung_up(int socket) {
  pollfd now{.fd = socket, .events = POLLRDHUP, .revents = 0};
  return ::poll(&now, 1, 0) == 1 && (now.revents & (POLLHUP | POLLRDHUP)) != 0;
}

// The processor time that this thread has used.
std::uint64_t thread_cpu_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace

ProgramChannels::ProgramChannels(boost::asio::io_context& io, NodeHost& host,
                                 TravellingFiles& files, const LookWindow& look_window)
    : io_(io),
      host_(host),
      files_(files),
      look_window_(look_window),
      doorbells_(io,
                 [this](ClientChannel& channel) {
                   NB_ON_DATA_PLANE();
                   ++statistics_.doorbells;
                   channel.set_look_window(look_window_.ns());
                   hot_.add(channel);
                 }),
      programs_(io, [this](std::int32_t pid) { program_ended(pid); }),
      mappings_(io, [this](ProcessId process) { mapping_lost(process); }) {}

ProgramChannels::~ProgramChannels() = default;

ProgramChannels::Watched::Watched(boost::asio::io_context& io) : socket_watch(io), delay(io) {}
ProgramChannels::Watched::~Watched() { socket_watch.release(); }

void ProgramChannels::silence() {
  // Their sockets are closed on threads that end with the process, perhaps before their turn, and
  // stay open as long as any thread is stuck. So they are hung up here.
  for (const auto& [id, watched] : channels_) {
    (void)::shutdown(watched->channel->socket(), SHUT_RDWR);
  }
  responses_.clear();
  hot_ = {};
}

// ---- from opening to closing ----

int ProgramChannels::open(ChannelParts parts, int program_end) {
  NB_ON_DATA_PLANE();
  const ProcessId process = parts.process;
  const PeerProgram program = parts.program;
  const int arena_fd = parts.arena->program_fd();
  auto watched = std::make_shared<Watched>(io_);
  ChannelEvents& events = *this;
  watched->channel = std::make_unique<ClientChannel>(
      host_.driver(), process, program, std::move(parts.socket), std::move(parts.side),
      std::move(parts.doorbell), std::move(parts.memory), std::move(parts.arena), statistics_,
      responses_, files_, events, users_.channel_begins(program.euid));
  watched->program_end = remember_program_end(program_end, process);
  host_.add_process(process, *watched->channel);
  channels_.emplace(process.value(), watched);
  watched->channel->set_look_window(look_window_.ns());
  if (program.supervisor == 0) {
    add_holder(*watched, {.pid = program.pid}, watched->channel->socket());
  } else {
    add_holder(*watched, {.pid = program.pid}, -1);
    add_holder(*watched, {.pid = program.supervisor, .part = Holder::Part::kSupervises},
               watched->channel->socket());
  }
  if (const int error = mappings_.begin(process, arena_fd); error != 0) {
    log::programs.warn("the end of pid {}'s mapping is known by the program's end only: {}",
                       program.pid, std::strerror(-error));
  }
  NB_CHECK(watched->channel->arm());
  return watch_channel(*watched);
}

// 0 or a negative errno: the kernel limits how many descriptors can be watched.
int ProgramChannels::watch_channel(Watched& watched) {
  boost::system::error_code error;
  watched.socket_watch.assign(watched.channel->socket(), error);
  if (error) return -error.value();
  watch_socket(watched.channel->process());
  return doorbells_.add(*watched.channel);
}

void ProgramChannels::watch_socket(ProcessId process) {
  const auto watched = channels_.find(process.value());
  if (watched == channels_.end()) return;
  watched->second->socket_watch.async_wait(
      boost::asio::posix::stream_descriptor::wait_read,
      [this, process](const boost::system::error_code& error) {
        if (!error && channels_.contains(process.value())) socket_ready(process);
      });
}

void ProgramChannels::socket_ready(ProcessId process) {
  NB_ON_DATA_PLANE();
  // The program has hung up, or has written to the descriptor, which has no effect.
  std::array<std::byte, 64> bytes;
  const int socket = channels_.at(process.value())->channel->socket();
  const ssize_t got = ForeignMessage().receive(socket, bytes);
  if (got < 0 && errno == EAGAIN) {
    watch_socket(process);
  } else if (got > 0 || (got == 0 && !has_hung_up(socket))) {
    after_delay(process, kStrayPauseMs, &ProgramChannels::watch_socket);
  } else {
    close(process);
  }
}

void ProgramChannels::after_delay(ProcessId process, int delay_ms,
                                  void (ProgramChannels::*then)(ProcessId)) {
  boost::asio::steady_timer& delay = channels_.at(process.value())->delay;
  delay.expires_after(std::chrono::milliseconds(delay_ms));
  delay.async_wait([this, process, then](const boost::system::error_code& error) {
    if (!error && channels_.contains(process.value())) (this->*then)(process);
  });
}

void ProgramChannels::close(ProcessId process) {
  const auto found = channels_.find(process.value());
  if (found == channels_.end()) return;
  const std::shared_ptr<Watched> watched = found->second;
  ClientChannel* channel = watched->channel.get();
  log::programs.debug("process {} ends", process.value());
  // Requests that it made before it went away are carried out, as by the kernel's driver.
  channel->wait_for_nothing();
  channel->handle_requests(kLastRequests);
  host_.after_event();
  respond();
  host_.set_time_us(monotonic_ns() / 1000);
  host_.close_process(process, channel->arena());
  doorbells_.remove(*channel);
  mappings_.end(process);
  program_ends_.erase(watched->program_end);
  channels_.erase(process.value());
  hot_.remove(*channel);
  std::erase_if(responses_, [=](const Response& each) { return each.channel == channel; });
  std::erase(closing_, process);
  users_.channel_ends(channel->user());
  const std::int32_t pid = channel->program().pid;
  for (const Holder& holder : watched->holders) forget_holder(holder, process);
  if (!channels_of_.contains(pid)) {
    for (const auto& manager : host_.managers()) manager->service().forget_program(pid);
  }
  host_.after_event();
}

void ProgramChannels::reap_closing() {
  // Each is looked at once: if others have the descriptor as well, the channel ends at the hang-up.
  for (const ProcessId process : std::exchange(closing_, {})) {
    const auto found = channels_.find(process.value());
    if (found == channels_.end()) continue;
    char byte = 0;
    if (::recv(found->second->channel->socket(), &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0) {
      close(process);
    }
  }
}

// ---- who has the descriptor ----

void ProgramChannels::identified(ClientChannel& channel, const ProvenIdentity& identity) {
  const auto found = channels_.find(channel.process().value());
  if (found == channels_.end()) return;
  if (identity.pid == channel.program().pid) {
    host_.driver().set_euid(channel.process(), identity.euid);
  } else {
    add_holder(*found->second, {.pid = identity.pid}, -1);
  }
}

void ProgramChannels::attached(ProcessId channel, std::int32_t pid, int socket) {
  const auto found = channels_.find(channel.value());
  if (found == channels_.end()) return;
  // If the opener attaches, it has executed another program since: its mapping is gone.
  if (pid == found->second->channel->program().pid) host_.driver().mapping_lost(channel);
  add_holder(*found->second, {.pid = pid}, socket);
}

bool ProgramChannels::Watched::held() const {
  return !watches_holders ||
         std::ranges::find(holders, Holder::Part::kHolds, &Holder::part) != holders.end();
}

void ProgramChannels::add_holder(Watched& watched, const Holder& holder, int socket) {
  const bool holds = holder.part == Holder::Part::kHolds;
  if (std::ranges::find(watched.holders, holder.pid, &Holder::pid) != watched.holders.end()) return;
  if (watched.holders.size() >= kMaxHolders) {
    watched.watches_holders = watched.watches_holders && !holds;
    return;
  }
  switch (programs_.begin(holder.pid, socket)) {
    case ProgramWatch::Begun::kWatched:
      watched.holders.push_back(holder);
      channels_of_[holder.pid].push_back(watched.channel->process());
      break;
    case ProgramWatch::Begun::kGone:
      break;
    case ProgramWatch::Begun::kImpossible:
      watched.watches_holders = watched.watches_holders && !holds;
      break;
  }
}

void ProgramChannels::forget_holder(const Holder& holder, ProcessId process) {
  programs_.end(holder.pid);
  const auto of_holder = channels_of_.find(holder.pid);
  NB_CHECK(of_holder != channels_of_.end() && std::erase(of_holder->second, process) == 1);
  if (of_holder->second.empty()) channels_of_.erase(of_holder);
}

void ProgramChannels::program_ended(std::int32_t pid) {
  NB_ON_DATA_PLANE();
  const auto found = channels_of_.find(pid);
  if (found == channels_of_.end()) return;
  for (const ProcessId process : std::vector(found->second)) {
    Watched& watched = *channels_.at(process.value());
    // Processes that it has forked may have identified themselves before it ended; what it has sent
    // itself is of a known holder still.
    watched.channel->receive_side_messages();
    const auto place = std::ranges::find(watched.holders, pid, &Holder::pid);
    NB_CHECK(place != watched.holders.end());
    const Holder holder = *place;
    watched.holders.erase(place);
    forget_holder(holder, process);
    if (holder.part == Holder::Part::kSupervises) {
      close(process);
      continue;
    }
    if (pid == watched.channel->program().pid) host_.driver().mapping_lost(process);
    if (!watched.held()) after_delay(process, kGraceMs, &ProgramChannels::end_if_nobody_has_it);
  }
}

void ProgramChannels::mapping_lost(ProcessId process) {
  host_.driver().mapping_lost(process);
  host_.after_event();
}

void ProgramChannels::end_if_nobody_has_it(ProcessId process) {
  Watched& watched = *channels_.at(process.value());
  watched.channel->receive_side_messages();
  if (!watched.held()) close(process);
}

// ---- programs' ends ----

// Remembers the program's end of a channel, to recognise the descriptor later.
ino_t ProgramChannels::remember_program_end(int program_end, ProcessId process) {
  struct stat status {};
  if (program_end < 0 || !files_.is_channel_socket(program_end) ||
      ::fstat(program_end, &status) != 0) {
    return 0;
  }
  // The first process to show a descriptor is its opener, since all others got it from that one.
  return program_ends_.try_emplace(status.st_ino, process).second ? status.st_ino : 0;
}

std::optional<ProgramChannels::Attachment> ProgramChannels::attachment(int program_end) const {
  struct stat status {};
  if (program_end < 0 || !files_.is_channel_socket(program_end) ||
      ::fstat(program_end, &status) != 0) {
    return std::nullopt;
  }
  const auto end = program_ends_.find(status.st_ino);
  if (end == program_ends_.end()) return std::nullopt;
  const Watched& watched = *channels_.at(end->second.value());
  return Attachment{.process = end->second,
                    .memory_fd = watched.channel->memory_fd(),
                    .doorbell = watched.channel->doorbell(),
                    .side_socket = watched.channel->program_side_socket()};
}

std::string_view ProgramChannels::program_of(ProcessId process) const {
  const auto found = channels_.find(process.value());
  return found == channels_.end() ? std::string_view()
                                  : found->second->channel->program().name.text();
}

// ---- the loop ----

bool ProgramChannels::serve_hot() {
  NB_ON_DATA_PLANE();
  bool any = false;
  // Each turn begins with another channel, so that all channels of a user share his time.
  ++turn_;
  const std::size_t first = hot_.size() > 1 ? turn_ % hot_.size() : 0;
  const bool shared = users_.all().size() > 1;
  std::uint64_t now_ns = shared ? monotonic_ns() : 0;
  const std::uint64_t cpu_began_ns = shared ? thread_cpu_ns() : 0;
  for (std::size_t i = 0; i < hot_.size(); ++i) {
    ClientChannel& channel = hot_.at((first + i) % hot_.size());
    if (shared && !channel.user().may_run(turn_, now_ns)) continue;
    const std::uint64_t began_ns = now_ns;
    if (!channel.handle_requests({})) continue;
    any = true;
    host_.after_event();
    now_ns = monotonic_ns();
    channel.last_request_ns = now_ns;
    if (shared) {
      channel.user().has_run(turn_, began_ns, now_ns);
      if (now_ns - began_ns > UserAccount::kLongNs) {
        channel.user().took_long(std::min(now_ns - began_ns, thread_cpu_ns() - cpu_began_ns),
                                 now_ns);
      }
    }
    if (channel.closing() &&
        std::find(closing_.begin(), closing_.end(), channel.process()) == closing_.end()) {
      closing_.push_back(channel.process());
    }
  }
  if (any) {
    host_.flush();
    reap_closing();
  }
  return any;
}

void ProgramChannels::respond() {
  for (Response& response : responses_) {
    if (files_.holds_responses(response.channel->user().uid()) && hold(response)) continue;
    response.channel->send(response);
  }
  responses_.clear();
}

// Peers have sent something for descriptors of the user's programs ahead of what a thread is about
// to read. It is written first.
bool ProgramChannels::hold(Response& response) {
  auto held = std::make_shared<Response>(std::move(response));
  const bool asked = files_.relayed().when_written(
      held->channel->user().uid(), [held, life = held->channel->life()] {
        if (!life.expired()) held->channel->send(*held);
      });
  if (!asked) response = std::move(*held);
  return asked;
}

}  // namespace netbinder
