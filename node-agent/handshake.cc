// SPDX-License-Identifier: Apache-2.0
//
// What comes of a program's Hello.
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "core/base/check.h"
#include "node-agent/agent.h"
#include "node-agent/debug_text.h"

namespace netbinder {

namespace {

std::string name_of(const Hello& hello) {
  return std::string(hello.name, ::strnlen(hello.name, sizeof hello.name));
}

// An answer without a channel: an error, or 0 and perhaps descriptors.
void answer(int socket, int error, std::span<const int> descriptors = {}) {
  HelloReply reply;
  reply.error = error;
  (void)send_hello_reply(socket, reply, descriptors);
}

// A read-only descriptor of a file in memory.
UniqueFd read_only_file(const std::string& text) {
  UniqueFd file(::memfd_create("netbinder-debug", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file) return {};
  for (std::size_t written = 0; written < text.size();) {
    const ssize_t got = ::write(file.get(), text.data() + written, text.size() - written);
    if (got <= 0) return {};
    written += static_cast<std::size_t>(got);
  }
  ::fcntl(file.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
  return UniqueFd(
      ::open(("/proc/self/fd/" + std::to_string(file.get())).c_str(), O_RDONLY | O_CLOEXEC));
}

// What a node that asks for security contexts is told of a program: SELinux's word where there is
// one, else the user.
std::string security_context_of(int socket, std::uint32_t euid) {
  std::array<char, 256> label{};
  socklen_t size = label.size() - 1;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERSEC, label.data(), &size) == 0 && size > 1) {
    return std::string(label.data());
  }
  return "u:r:uid_" + std::to_string(euid) + ":s0";
}

}  // namespace

void Agent::hello_arrived(const Hello& hello, PeerProgram program, UniqueFd socket,
                          UniqueFd passed) {
  switch (hello.purpose) {
    case kHelloOpen:
      open_channel(hello, std::move(program), std::move(socket), passed);
      return;
    case kHelloDebugFile:
      send_debug_file(name_of(hello), socket.get());
      return;
    case kHelloFindDevice:
      answer(socket.get(), driver_->has_context(name_of(hello)) ? 0 : -ENXIO);
      return;
    case kHelloAddDevice:
      answer(socket.get(), add_device(name_of(hello), program));
      return;
    case kHelloAttach:
      attach(passed, socket.get());
      return;
  }
  answer(socket.get(), -EPROTO);
}

void Agent::open_channel(const Hello& hello, PeerProgram program, UniqueFd socket,
                         const UniqueFd& passed) {
  reap_closing();  // a program that closed before it opened again finds its old process gone
  const auto refuse = [&](int error) { answer(socket.get(), error); };
  const std::string context = name_of(hello);
  const std::string dialect(hello.dialect, ::strnlen(hello.dialect, sizeof hello.dialect));
  UniqueFd doorbell(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  std::array<int, 2> side{-1, -1};
  if (!doorbell || ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, side.data()) != 0) {
    spdlog::error("a program cannot be served: {}", std::strerror(errno));
    return refuse(-EMFILE);
  }
  UniqueFd side_here(side[0]);
  UniqueFd side_there(side[1]);
  auto channel_memory = SharedMemory::create("netbinder-channel", kChannelBytes, kStagingStart,
                                             SharedMemory::Access::kProgramWrites);
  auto arena = SharedMemory::create("netbinder-arena", kMaxMapBytes, kMaxMapBytes,
                                    SharedMemory::Access::kProgramReads);
  if (!channel_memory || !arena) {
    spdlog::error("a program cannot be served: no memory to share with it");
    return refuse(-ENOMEM);
  }
  const auto opened = driver_->open(
      context, Credentials{.pid = program.pid,
                           .euid = program.euid,
                           .security_context = security_context_of(socket.get(), program.euid),
                           .nice = std::clamp(hello.nice, -20, 19)});
  if (!opened) return refuse(opened.error());

  HelloReply reply;
  reply.staged_only = program.readable_memory ? 0 : 1;
  reply.channel_bytes = kChannelBytes;
  const std::array<int, kHelloDescriptors> descriptors{channel_memory->program_fd(), doorbell.get(),
                                                       side_there.get(), arena->program_fd()};
  const ProcessId process = *opened;
  if (!dialect.empty()) {
    const bool detected = (hello.flags & kHelloDialectDetected) != 0;
    for (auto& manager : managers_) {
      ServiceManager& service = manager->service();
      detected ? service.suggest_dialect(program.pid, dialect)
               : service.set_dialect(program.pid, dialect);
    }
  }
  auto arena_memory = std::make_shared<SharedMemory>(std::move(*arena));
  const int socket_fd = socket.get();
  auto watched = std::make_shared<Watched>(io_);
  watched->channel = std::make_unique<ClientChannel>(
      *driver_, process, std::move(program), std::move(socket), std::move(side_here),
      std::move(doorbell), std::move(*channel_memory), arena_memory, channel_statistics_,
      responses_);
  watched->side_there = std::move(side_there);
  watched->program_end = remember_program_end(passed.get(), process);
  hosts_[process.value()] = watched->channel.get();
  channels_.emplace(process.value(), watched);
  NB_CHECK(watched->channel->arm());
  if (const int error = watch_channel(*watched); error != 0) {
    spdlog::error("a program cannot be served: {}", std::strerror(-error));
    answer(socket_fd, error);
    close_channel(process);
    return;
  }
  if (!send_hello_reply(socket_fd, reply, descriptors)) {
    close_channel(process);
    return;
  }
  arena_memory->close_program_fd();
  after_event();
}

// 0 or a negative errno: the kernel limits how much is waited for.
int Agent::watch_channel(Watched& watched) {
  boost::system::error_code error;
  watched.socket_watch.assign(watched.channel->socket(), error);
  if (error) return -error.value();
  watch_socket(watched.channel->process());
  return doorbells_.add(*watched.channel);
}

// Remembers the program's end of a channel, to know the descriptor again.
ino_t Agent::remember_program_end(int passed, ProcessId process) {
  struct stat status {};
  if (passed < 0 || !is_channel_socket(passed) || ::fstat(passed, &status) != 0) return 0;
  // The first one to show it has it: whoever else has it was given it by the opener.
  return program_ends_.try_emplace(status.st_ino, process).second ? status.st_ino : 0;
}

void Agent::attach(const UniqueFd& passed, int socket) {
  struct stat status {};
  if (!passed || !is_channel_socket(passed.get()) || ::fstat(passed.get(), &status) != 0) {
    return answer(socket, -EBADF);
  }
  const auto end = program_ends_.find(status.st_ino);
  if (end == program_ends_.end()) return answer(socket, -EBADF);
  const Watched& watched = *channels_.at(end->second.value());
  HelloReply reply;
  reply.staged_only = 1;
  reply.channel_bytes = kChannelBytes;
  const std::string device = driver_->context_of(end->second);
  std::memcpy(reply.device, device.data(), std::min(device.size(), sizeof reply.device - 1));
  const std::array<int, kHelloArenaMemory> descriptors{
      watched.channel->memory_fd(), watched.channel->doorbell(), watched.side_there.get()};
  (void)send_hello_reply(socket, reply, descriptors);
}

void Agent::send_debug_file(const std::string& file, int socket) {
  driver_->set_time(monotonic_ms());
  take_posted_reads();
  const std::optional<std::string> text = debug_file_text(*driver_, file);
  if (!text) return answer(socket, -ENOENT);
  const UniqueFd memory = read_only_file(*text);
  if (!memory) return answer(socket, -EMFILE);
  const std::array<int, 1> descriptors{memory.get()};
  answer(socket, 0, descriptors);
}

// As binderfs does: who may write to binder-control is root.
int Agent::add_device(const std::string& name, const PeerProgram& program) {
  if (program.euid != 0 && program.euid != ::geteuid()) return -EPERM;
  if (name.empty() || name == "." || name == ".." || name.contains('/')) return -EINVAL;
  for (const char* taken : {"binder-control", "features", "binder_logs"}) {
    if (name == taken) return -EEXIST;
  }
  const int error = driver_->add_context({.name = name, .cluster_wide = false});
  if (error == 0) spdlog::info("device {} added by pid {}", name, program.pid);
  return error;
}

}  // namespace netbinder
