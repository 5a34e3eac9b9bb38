// SPDX-License-Identifier: Apache-2.0
#include "supervisor/channels.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "shim/descriptor_table.h"

namespace netbinder::supervisor {

namespace {

ino_t inode_of(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 ? status.st_ino : 0;
}

bool has_ended(const Channel& channel) {
  pollfd side{.fd = channel.descriptor->helper(kHelloSideSocket), .events = 0, .revents = 0};
  return ::poll(&side, 1, 0) > 0 && (side.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
}

}  // namespace

int Channels::open(const DevicePath& path, int flags, int opener, OwnedFd& socket) {
  socket.reset(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) return -errno;
  Hello hello = make_hello(kHelloOpen, path.name);
  hello.subject = opener;
  Answer answer;
  const int error = say_hello(socket.get(), find_agent().path(), hello, socket.get(), answer);
  if (error != 0) {
    const bool out_of_room = error == -EMFILE || error == -ENFILE || error == -ENOMEM;
    return answer.answered || out_of_room || error == -EACCES ? error : -ENXIO;
  }
  if (answer.reply.descriptors != kHelloDescriptors || answer.reply.channel_bytes < kChannelBytes) {
    return -EPROTO;
  }
  auto channel = std::make_shared<Channel>();
  channel->descriptor = DescriptorReference(new_descriptor());
  if (!channel->descriptor ||
      !channel->descriptor->memory.begin(answer.descriptors[kHelloChannelMemory].get())) {
    return -ENOMEM;
  }
  channel->opener = opener;
  channel->device = path;
  channel->descriptor->socket_inode = inode_of(socket.get());
  channel->descriptor->nonblocking.store((flags & O_NONBLOCK) != 0, std::memory_order_relaxed);
  channel->arena = std::move(answer.descriptors[kHelloArenaMemory]);
  channel->arena_inode = inode_of(channel->arena.get());
  for (const HelloDescriptor which :
       {kHelloChannelMemory, kHelloDoorbell, kHelloSideSocket}) {
    if (!add_helper(*channel->descriptor, which, answer.descriptors[which].release())) {
      return -EMFILE;
    }
  }
  if ((flags & O_NONBLOCK) != 0) (void)::fcntl(socket.get(), F_SETFL, O_NONBLOCK);
  const std::lock_guard lock(mutex_);
  by_inode_[channel->descriptor->socket_inode] = channel;
  by_inode_[channel->arena_inode] = std::move(channel);
  return 0;
}

std::shared_ptr<Channel> Channels::find(ino_t inode) {
  const std::lock_guard lock(mutex_);
  const auto found = by_inode_.find(inode);
  return found == by_inode_.end() ? nullptr : found->second;
}

const char* Channels::device_of(std::uint64_t inode) {
  thread_local char text[kDevicePathBytes];
  const std::shared_ptr<Channel> channel = find(inode);
  if (!channel) return nullptr;
  name_path(channel->device, text);
  return text;
}

void Channels::sweep() {
  std::map<ino_t, std::shared_ptr<Channel>> ended;  // they end without the lock
  const std::lock_guard lock(mutex_);
  for (auto it = by_inode_.begin(); it != by_inode_.end();) {
    if (has_ended(*it->second)) {
      ended.insert(by_inode_.extract(it++));
    } else {
      ++it;
    }
  }
}

}  // namespace netbinder::supervisor
