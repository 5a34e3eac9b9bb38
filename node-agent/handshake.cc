// SPDX-License-Identifier: Apache-2.0
#include "node-agent/handshake.h"

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "core/base/check.h"
#include "core/driver.h"
#include "core/model/security_context.h"
#include "host/builtin_manager.h"
#include "host/data_plane.h"
#include "host/node_host.h"
#include "node-agent/clock.h"
#include "node-agent/agent.h"
#include "node-agent/debug_files.h"
#include "node-agent/program_channels.h"
#include "node-agent/side_socket.h"
#include "node-agent/subjects.h"
#include "transport/log.h"

namespace netbinder {

namespace {

template <typename... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};
template <typename... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>;  // clang 16 does not find it by itself

// A reply in the form of that version.
HelloReply reply_of(std::uint32_t version) {
  HelloReply reply;
  reply.version = version;
  return reply;
}

// An answer without a channel: an error, or 0 and perhaps descriptors.
void answer(int socket, std::uint32_t version, int error, std::span<const int> descriptors = {}) {
  HelloReply reply = reply_of(version);
  reply.error = error;
  (void)send_hello_reply(socket, reply, descriptors);
}

// The security context of a program, for nodes that ask for it: SELinux's label if there is one,
// else the user.
std::string security_context_of(int socket, std::uint32_t euid) {
  std::array<char, 256> label{};
  socklen_t size = label.size() - 1;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERSEC, label.data(), &size) == 0 && size > 1) {
    return std::string(label.data());
  }
  return context_of_user(euid);
}

// The groups of the program at the other end: its own and the supplementary ones. Those of a
// supervised program are its supervisor's, which has the same user.
std::vector<std::uint32_t> groups_of(int socket) {
  std::vector<std::uint32_t> groups;
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0) {
    groups.push_back(credentials.gid);
  }
  std::array<gid_t, 32> few;
  size = sizeof few;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, few.data(), &size) == 0) {
    groups.insert(groups.end(), few.begin(), few.begin() + size / sizeof(gid_t));
  } else if (errno == ERANGE) {  // it has told how many there are
    std::vector<gid_t> many(size / sizeof(gid_t));
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, many.data(), &size) == 0) {
      groups.insert(groups.end(), many.begin(), many.end());
    }
  }
  return groups;
}

}  // namespace

void Handshake::hello_arrived(const HelloRequest& request, PeerProgram program, ForeignFd socket,
                              const ForeignFd& passed) {
  NB_ON_DATA_PLANE();
  ++hellos_;
  std::visit(Overloaded{
                 [&](const OpenDevice& wanted) {
                   open_channel(wanted, request.version, program, std::move(socket), passed);
                 },
                 [&](const ReadDebugFile& wanted) {
                   send_debug_file(wanted.file, request.version, program.euid, std::move(socket));
                 },
                 [&](const FindDevice& wanted) {
                   answer(socket.get(), request.version,
                          host_.driver().has_context(wanted.device) ? 0 : -ENXIO);
                 },
                 [&](const AddDevice& wanted) {
                   answer(socket.get(), request.version, add_device(wanted.device, program));
                 },
                 [&](const RemoveDevice& wanted) {
                   answer(socket.get(), request.version, remove_device(wanted.device, program));
                 },
                 [&](const AttachToChannel& wanted) {
                   attach(wanted.subject, request.version, passed, program, socket.get());
                 },
             },
             request.wanted);
}

void Handshake::open_channel(const OpenDevice& wanted, std::uint32_t version, PeerProgram program,
                             ForeignFd socket, const ForeignFd& passed) {
  channels_.reap_closing();  // if the program closed its old channel before, that is gone now
  const auto refuse = [&](int error) { answer(socket.get(), version, error); };
  if (wanted.subject != 0) {
    if (!may_speak_for(program.pid, program.euid, wanted.subject)) return refuse(-EPERM);
    program.supervisor = std::exchange(program.pid, wanted.subject);
    if (program.euid == 0) program.euid = effective_user_of(program.pid).value_or(0);
  }
  program.name = ProgramName::of(program.pid);
  UniqueFd doorbell(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  auto side = SideSocket::make();
  if (!doorbell || !side) {
    log::programs.error("a program cannot be served: {}", std::strerror(errno));
    return refuse(-EMFILE);
  }
  auto channel_memory = SharedMemory::create("netbinder-channel", kChannelBytes, kStagingStart,
                                             SharedMemory::Access::kProgramWrites);
  auto arena = SharedMemory::create("netbinder-arena", kMaxMapBytes, kMaxMapBytes,
                                    SharedMemory::Access::kProgramReads);
  if (!channel_memory || !arena) {
    log::programs.error("a program cannot be served: no memory to share with it");
    return refuse(-ENOMEM);
  }
  const auto opened = host_.driver().open(
      wanted.device,
      Credentials{.pid = program.pid,
                  .euid = program.euid,
                  .security_context = security_context_of(socket.get(), program.euid),
                  .nice = wanted.nice,
                  .groups = groups_of(socket.get())});
  if (!opened) return refuse(opened.error());

  HelloReply reply = reply_of(version);
  reply.channel_bytes = kChannelBytes;
  reply.pid_namespace = namespaces_.pid;
  reply.user_namespace = namespaces_.user;
  const std::array<int, kHelloDescriptors> descriptors{channel_memory->program_fd(), doorbell.get(),
                                                       side->program_end(), arena->program_fd()};
  const ProcessId process = *opened;
  if (!wanted.dialect.empty()) {
    for (const auto& manager : host_.managers()) {
      ServiceManager& service = manager->service();
      wanted.dialect_detected ? service.suggest_dialect(program.pid, wanted.dialect)
                              : service.set_dialect(program.pid, wanted.dialect);
    }
  }
  auto arena_memory = std::make_shared<SharedMemory>(std::move(*arena));
  const int socket_fd = socket.get();
  const PeerProgram opener = program;
  const int error = channels_.open({.process = process,
                                    .program = std::move(program),
                                    .socket = std::move(socket),
                                    .side = std::move(*side),
                                    .doorbell = std::move(doorbell),
                                    .memory = std::move(*channel_memory),
                                    .arena = arena_memory},
                                   passed.get());
  if (error != 0) {
    log::programs.error("a program cannot be served: {}", std::strerror(-error));
    answer(socket_fd, version, error);
    channels_.close(process);
    return;
  }
  if (!send_hello_reply(socket_fd, reply, descriptors)) {
    channels_.close(process);
    return;
  }
  arena_memory->close_program_fd();
  log::programs.debug("pid {} ({}) of uid {} opens {}: process {}", opener.pid, opener.name.text(),
                      opener.euid, wanted.device, process.value());
  host_.after_event();
}

void Handshake::attach(std::int32_t subject, std::uint32_t version, const ForeignFd& passed,
                       const PeerProgram& program, int socket) {
  if (subject != 0 && !may_speak_for(program.pid, program.euid, subject)) {
    return answer(socket, version, -EPERM);
  }
  const auto attachment = channels_.attachment(passed.get());
  if (!attachment) return answer(socket, version, -EBADF);
  HelloReply reply = reply_of(version);
  reply.channel_bytes = kChannelBytes;
  const std::string device = host_.driver().context_of(attachment->process);
  std::memcpy(reply.device, device.data(), std::min(device.size(), sizeof reply.device - 1));
  const std::array<int, kHelloArenaMemory> descriptors{attachment->memory_fd, attachment->doorbell,
                                                       attachment->side_socket};
  if (subject != 0) {
    channels_.attached(attachment->process, subject, -1);
  } else {
    channels_.attached(attachment->process, program.pid, socket);
  }
  (void)send_hello_reply(socket, reply, descriptors);
}

void Handshake::send_debug_file(const std::string& file, std::uint32_t version, std::uint32_t euid,
                                ForeignFd socket) {
  host_.set_time_us(monotonic_ns() / 1000);
  const auto waits = std::make_shared<ForeignFd>(std::move(socket));
  const auto send = [waits, version](const DebugFiles::Made& made) {
    if (made.missing) return answer(waits->get(), version, -ENOENT);
    if (!made.memory) return answer(waits->get(), version, -EMFILE);
    const std::array<int, 1> descriptors{made.memory.get()};
    answer(waits->get(), version, 0, descriptors);
  };
  if (!debug_files_.ask(Viewer::of_user(euid, ::geteuid()), file, DebugFiles::Form::kMemoryFile,
                        send)) {
    answer(waits->get(), version, -EMFILE);
  }
}

// As in binderfs, where only root may write to binder-control.
int Handshake::add_device(const std::string& name, const PeerProgram& program) {
  if (program.euid != 0 && program.euid != ::geteuid()) return -EPERM;
  if (const int refused = refuse_device_name(name); refused != 0) return refused;
  const int error = host_.add_context({.name = name, .cluster_wide = false});
  if (error == 0) log::programs.info("device {} added by pid {}", name, program.pid);
  return error;
}

int Handshake::remove_device(const std::string& name, const PeerProgram& program) {
  if (program.euid != 0 && program.euid != ::geteuid()) return -EACCES;
  const int error = host_.driver().remove_context(name);
  if (error == 0) log::programs.info("device {} removed by pid {}", name, program.pid);
  return error;
}

}  // namespace netbinder
