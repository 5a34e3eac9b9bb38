// SPDX-License-Identifier: Apache-2.0
#include "node-agent/program_channels.h"

#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "core/base/check.h"
#include "host/data_plane.h"
#include "host/node_host.h"
#include "node-agent/adaptive_wait.h"
#include "node-agent/travelling_files.h"

namespace netbinder {

ProgramChannels::ProgramChannels(boost::asio::io_context& io, NodeHost& host,
                                 TravellingFiles& files)
    : io_(io), host_(host), files_(files), doorbells_(io, [this](ClientChannel& channel) {
        NB_ON_DATA_PLANE();
        ++statistics_.doorbells;
        hot_.add(channel);
      }) {}

ProgramChannels::~ProgramChannels() = default;

void ProgramChannels::silence() {
  responses_.clear();
  hot_ = {};
}

// ---- from opening to closing ----

int ProgramChannels::open(ChannelParts parts, int program_end) {
  NB_ON_DATA_PLANE();
  const ProcessId process = parts.process;
  auto watched = std::make_shared<Watched>(io_);
  watched->channel = std::make_unique<ClientChannel>(
      host_.driver(), process, std::move(parts.program), std::move(parts.socket),
      std::move(parts.side_here), std::move(parts.doorbell), std::move(parts.memory),
      std::move(parts.arena), statistics_, responses_, files_);
  watched->side_there = std::move(parts.side_there);
  watched->program_end = remember_program_end(program_end, process);
  host_.add_process(process, *watched->channel);
  channels_.emplace(process.value(), watched);
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
  auto watched = channels_.at(process.value());
  watched->socket_watch.async_wait(
      boost::asio::posix::stream_descriptor::wait_read,
      [this, process](const boost::system::error_code& error) {
        if (error || !channels_.contains(process.value())) return;
        NB_ON_DATA_PLANE();
        std::array<char, 64> bytes;
        const ssize_t got = ::recv(channels_.at(process.value())->channel->socket(), bytes.data(),
                                   bytes.size(), MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
          watch_socket(process);
          return;
        }
        if (got > 0) {
          spdlog::warn("pid {} wrote to its binder descriptor: disconnected",
                       host_.driver().pid_of(process));
        }
        close(process);
      });
}

void ProgramChannels::close(ProcessId process) {
  const auto found = channels_.find(process.value());
  if (found == channels_.end()) return;
  const std::shared_ptr<Watched> watched = found->second;
  ClientChannel* channel = watched->channel.get();
  // Requests that it made before it went away are still carried out, as by the kernel's driver.
  channel->handle_requests();
  host_.after_event();
  respond();
  host_.set_time(monotonic_ms());
  host_.close_process(process, channel->arena());
  doorbells_.remove(*channel);
  program_ends_.erase(watched->program_end);
  channels_.erase(process.value());
  hot_.remove(*channel);
  std::erase_if(responses_, [=](const Response& each) { return each.channel == channel; });
  std::erase(closing_, process);
  const std::int32_t pid = channel->program().pid;
  const bool more = std::any_of(channels_.begin(), channels_.end(), [pid](const auto& other) {
    return other.second->channel->program().pid == pid;
  });
  if (!more) {
    for (const auto& manager : host_.managers()) manager->service().forget_program(pid);
  }
  host_.after_event();
}

void ProgramChannels::reap_closing() {
  for (const ProcessId process : std::vector<ProcessId>(closing_)) {
    const auto found = channels_.find(process.value());
    if (found == channels_.end()) continue;
    char byte = 0;
    // The program closes right after announcing it, but others may have the descriptor as well.
    if (::recv(found->second->channel->socket(), &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0) {
      close(process);
    }
  }
}

// ---- programs' ends ----

// Remembers the program's end of a channel, to recognise the descriptor later.
ino_t ProgramChannels::remember_program_end(int program_end, ProcessId process) {
  struct stat status {};
  if (program_end < 0 || !files_.is_channel_socket(program_end) ||
      ::fstat(program_end, &status) != 0) {
    return 0;
  }
  // The first process that shows a descriptor is its opener: all others were given it by that one.
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
                    .side_socket = watched.side_there.get()};
}

// ---- the loop ----

bool ProgramChannels::serve_hot() {
  NB_ON_DATA_PLANE();
  bool any = false;
  for (std::size_t i = 0; i < hot_.size(); ++i) {
    ClientChannel& channel = hot_.at(i);
    if (!channel.handle_requests()) continue;
    any = true;
    channel.last_request_ns = monotonic_ns();
    if (channel.closing() &&
        std::find(closing_.begin(), closing_.end(), channel.process()) == closing_.end()) {
      closing_.push_back(channel.process());
    }
    host_.after_event();
  }
  if (any) {
    host_.flush();
    reap_closing();
  }
  return any;
}

void ProgramChannels::respond() {
  for (Response& response : responses_) response.channel->send(response);
  responses_.clear();
}

}  // namespace netbinder
