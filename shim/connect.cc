// SPDX-License-Identifier: Apache-2.0
#include "shim/connect.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "channel/layout.h"
#include "shim/descriptor_table.h"
#include "shim/handshake.h"
#include "shim/identity.h"
#include "shim/process_state.h"
#include "shim/real_calls.h"
#include "shim/start.h"

namespace netbinder {
namespace {

constexpr std::uint32_t kAttachDescriptors = kHelloArenaMemory;  // those before it

// Moves the channel's descriptors to high numbers. If there is no room there they stay.
bool keep_helpers(Descriptor& descriptor, Answer& answer) {
  for (std::uint32_t i = 0; i < answer.reply.descriptors; ++i) {
    OwnedFd& helper = answer.descriptors[i];
    const int moved = duplicate_high(helper.get());
    if (moved >= 0) helper.reset(moved);
    if (!add_helper(descriptor, static_cast<HelloDescriptor>(i), helper.release())) return false;
  }
  return true;
}

// 0 or a negative errno.
int set_up(int fd, const DevicePath& path, bool foreign, bool nonblocking, Answer& answer) {
  const std::uint32_t expected = foreign ? kAttachDescriptors : kHelloDescriptors;
  if (answer.reply.descriptors != expected || answer.reply.channel_bytes < kChannelBytes) {
    return -EPROTO;
  }
  const DescriptorReference descriptor(new_descriptor());
  if (!descriptor) return -ENOMEM;
  if (!descriptor->memory.begin(answer.descriptors[kHelloChannelMemory].get())) return -ENOMEM;
  descriptor->foreign = foreign;
  note_user_known(*descriptor);
  descriptor->nonblocking.store(nonblocking, std::memory_order_relaxed);
  std::memcpy(descriptor->device, path.name, sizeof descriptor->device);
  descriptor->in_binderfs = path.in_binderfs;
  struct stat status;
  if (stat_descriptor(fd, &status) != 0) return -errno;
  descriptor->socket_device = status.st_dev;
  descriptor->socket_inode = status.st_ino;
  if (!keep_helpers(*descriptor, answer)) return -EMFILE;
  if (!add_binder_fd(fd, *descriptor)) return -EMFILE;
  // From here on the open descriptors hold a reference of their own.
  descriptor->references.fetch_add(1, std::memory_order_relaxed);
  return 0;
}

// Ensures that two threads that find the same descriptor attach it only once.
class AttachLock {
 public:
  AttachLock() { ::pthread_mutex_lock(&mutex); }
  ~AttachLock() { ::pthread_mutex_unlock(&mutex); }
  AttachLock(const AttachLock&) = delete;
  AttachLock& operator=(const AttachLock&) = delete;

 private:
  SignalsBlocked signals_;
  static constinit inline pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
};

int fail(int error) {
  errno = error;
  return -1;
}

// Finds the address of the agent that the other end of a Unix socket belongs to, if it has one.
bool find_agent(int fd, sockaddr_un& address) {
  int type = 0;
  socklen_t size = sizeof type;
  if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_SEQPACKET) {
    return false;
  }
  address = {};
  size = sizeof address - 1;  // the path ends with a zero in any case
  return ::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0 &&
         address.sun_family == AF_UNIX && address.sun_path[0] != '\0';
}

}  // namespace

int open_binder(const DevicePath& path, int flags) {
  const int saved_errno = errno;
  start_shim();
  check_fork();
  // This comes first, so that the program gets the number that it may expect: the lowest one.
  OwnedFd socket_fd(
      ::socket(AF_UNIX, SOCK_SEQPACKET | ((flags & O_CLOEXEC) != 0 ? SOCK_CLOEXEC : 0), 0));
  if (socket_fd.get() < 0) return -1;
  const Hello hello = make_hello(kHelloOpen, path.name);
  Answer answer;
  int error = say_hello(socket_fd.get(), find_agent().path(), hello, socket_fd.get(), answer);
  if (error != 0) {
    if (answer.answered || error == -EMFILE || error == -ENFILE || error == -ENOMEM ||
        error == -EACCES) {
      return fail(-error);
    }
    return fail(ENXIO);
  }
  const bool nonblocking = (flags & O_NONBLOCK) != 0;
  error = set_up(socket_fd.get(), path, false, nonblocking, answer);
  if (error != 0) return fail(-error);
  if (const DescriptorReference made = find_binder_fd(socket_fd.get())) {
    show_namespaces(*made, answer.reply.pid_namespace, answer.reply.user_namespace);
  }
  if (nonblocking) real::fcntl(socket_fd.get(), F_SETFL, O_NONBLOCK);
  errno = saved_errno;
  return socket_fd.release();
}

DescriptorReference attach_binder(int fd) {
  const int saved_errno = errno;
  DescriptorReference attached;
  sockaddr_un address;
  if (find_agent(fd, address)) {
    start_shim();
    check_fork();
    const AttachLock lock;
    if (is_binder_fd(fd)) return find_binder_fd(fd);  // another thread was faster
    struct stat status;
    if (stat_descriptor(fd, &status) != 0) return {};
    // Either a copy made without the shim, or a descriptor that another thread is closing right
    // now.
    if (DescriptorReference known = find_by_socket(status.st_dev, status.st_ino)) {
      (void)add_copy(fd, *known);
      errno = saved_errno;
      return known;
    }
    Answer answer;
    const int flags = real::fcntl(fd, F_GETFL, 0);
    if (ask_agent(address.sun_path, make_hello(kHelloAttach, ""), fd, answer) == 0 &&
        set_up(fd, device_path(answer.reply.device), true, (flags & O_NONBLOCK) != 0, answer) == 0) {
      attached = find_binder_fd(fd);
    }
  }
  errno = saved_errno;
  return attached;
}

}  // namespace netbinder
