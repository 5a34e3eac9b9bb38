// SPDX-License-Identifier: Apache-2.0
#include "shim/driver_calls.h"

#include <linux/android/binder.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "shim/closing.h"
#include "shim/descriptor_table.h"
#include "shim/identity.h"
#include "shim/install.h"
#include "shim/mailbox_client.h"
#include "shim/real_calls.h"
#include "shim/staging.h"
#include "shim/user_memory.h"

namespace netbinder {
namespace {

// The driver's calls are no cancellation points, though they are made of such.
class NotCancelled {
 public:
  NotCancelled() { ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }
  ~NotCancelled() { ::pthread_setcancelstate(before_, nullptr); }
  NotCancelled(const NotCancelled&) = delete;
  NotCancelled& operator=(const NotCancelled&) = delete;

 private:
  int before_ = PTHREAD_CANCEL_ENABLE;
};

int fail(int error) {
  errno = error;
  return -1;
}

// Stages what the commands of the request point at. What finds no room is left for another request;
// then the result is false.
bool stage_payloads(Stager& stager, MailboxRequest& request, const std::byte* commands,
                    std::uint64_t& end) {
  end = stage_transactions(stager, commands, request.address, request.bytes);
  if (end >= request.bytes) return true;
  request.bytes = end;
  return false;
}

// Copies the inline commands, as many of them as can be read. The driver reads command by command:
// those before a bad page are carried out, and the last one may extend beyond the end of the
// buffer. False as above.
bool fill_inline_commands(Mailbox& mailbox, Stager& stager) {
  MailboxRequest& request = mailbox.request;
  const std::uint64_t address = request.address;
  if (!read_user(mailbox.commands, address, request.bytes)) {
    request.bytes = readable_prefix(address, request.bytes);
    if (!read_user(mailbox.commands, address, request.bytes)) request.bytes = 0;
  }
  std::uint64_t end = 0;
  if (!stage_payloads(stager, request, mailbox.commands, end)) return false;
  if (end > request.bytes && end <= kInlineCommandBytes && read_user(mailbox.commands, address, end)) {
    request.bytes = end;
  }
  return true;
}

// How much of a write buffer is in a request.
struct Commands {
  std::uint64_t bytes = 0;
  bool more = false;  // the payloads of the others had no room
  int error = 0;      // an errno: what comes behind them cannot be read, or is too much
};

// Adds the write buffer from write_consumed on, and what its transactions point at.
Commands fill_commands(Descriptor& descriptor, MailboxLease& lease, Stager& stager,
                       const binder_write_read& bwr) {
  MailboxRequest& request = lease.mailbox().request;
  if (bwr.write_size <= bwr.write_consumed) return {};
  const std::uint64_t wanted = bwr.write_size - bwr.write_consumed;
  if (wanted > kMaxCommandBytes) return {.error = ENOMEM};
  request.address = bwr.write_buffer + bwr.write_consumed;
  request.bytes = wanted;
  if (wanted > kInlineCommandBytes) request.bytes = readable_prefix(request.address, wanted);
  bool room = true;
  if (request.bytes <= kInlineCommandBytes) {
    room = fill_inline_commands(lease.mailbox(), stager);
  } else if (stager.stage(request.address, request.bytes) == Stager::Result::kStaged) {
    std::uint64_t end = 0;
    room = stage_payloads(stager, request, nullptr, end);
  } else {
    request.bytes = 0;
  }
  request.staged_ranges = stager.ranges();
  if (pass_files(descriptor, lease.index(), stager.files())) request.flags |= kFlagPassedFiles;
  return {.bytes = request.bytes,
          .more = !room,
          .error = room && request.bytes < wanted ? EFAULT : 0};
}

// Writes the result into the caller's struct, as the driver does.
void account(const MailboxRequest& request, const MailboxResponse& response,
             binder_write_read& bwr) {
  bwr.write_consumed += std::min(response.write_consumed, request.bytes);
  if (response.error != 0 && response.write_consumed < request.bytes) {
    bwr.read_consumed = 0;  // the write failed, and nothing was read
  } else {
    bwr.read_consumed += response.read_consumed;
  }
}

// The room of a read, from read_consumed on.
struct ReadRoom {
  std::uint64_t address = 0;
  std::uint32_t capacity = 0;
  bool unwritable = false;  // the driver notices only when it writes, after the commands
};

ReadRoom read_room(const binder_write_read& bwr) {
  ReadRoom room{.address = bwr.read_buffer + bwr.read_consumed};
  const std::uint64_t wanted = std::min<std::uint64_t>(
      bwr.read_size > bwr.read_consumed ? bwr.read_size - bwr.read_consumed : 0, kReadBytes);
  room.capacity = static_cast<std::uint32_t>(writable_prefix(room.address, wanted));
  room.unwritable = wanted > 0 && room.capacity < std::min<std::uint64_t>(wanted, 4);
  return room;
}

// One exchange with the agent. `more`: the write buffer is not through yet; nothing was read.
int exchange_part(Descriptor& descriptor, int fd, binder_write_read& bwr, bool& more) {
  MailboxLease lease(descriptor, fd);
  if (!lease) return ENOMEM;
  Mailbox& mailbox = lease.mailbox();
  MailboxRequest& request = mailbox.request;
  request = {};
  request.operation = kOpWriteRead;
  if (descriptor.nonblocking.load(std::memory_order_relaxed)) request.flags |= kFlagNonblocking;

  const ReadRoom room = bwr.read_size > 0 ? read_room(bwr) : ReadRoom{};
  Stager stager(descriptor, mailbox, lease.index());
  const Commands commands = fill_commands(descriptor, lease, stager, bwr);
  more = commands.more;
  if (bwr.read_size > 0 && !room.unwritable && commands.error == 0 && !more) {
    request.read_capacity = room.capacity;
    request.flags |= kFlagReads;
    if (bwr.read_consumed == 0) request.flags |= kFlagFreshRead;
  }
  if (commands.bytes == 0 && (commands.error != 0 || room.unwritable)) {
    if (commands.error != 0) bwr.read_consumed = 0;
    return commands.error != 0 ? commands.error : EFAULT;
  }
  if (commands.bytes > 0 && tell_changed_user(descriptor)) request.flags |= kFlagIdentity;
  if (const int error = lease.exchange(); error != 0) return -error;
  if (mailbox.response.close_count != 0) {
    close_received(
        std::span(mailbox.fds).first(std::min(mailbox.response.close_count, kMaxInstalledFds)));
  }

  MailboxResponse response;
  std::memcpy(&response, &mailbox.response, sizeof response);
  response.read_consumed = std::min<std::uint64_t>(response.read_consumed, kReadBytes);
  if (response.read_consumed > 0 &&
      !write_user(room.address, mailbox.read, response.read_consumed)) {
    return EFAULT;
  }
  const std::uint32_t spawn = BR_SPAWN_LOOPER;
  if (response.wants_looper != 0 && !write_user(bwr.read_buffer, &spawn, sizeof spawn)) {
    return EFAULT;
  }
  account(request, response, bwr);
  if (response.error != 0) return -response.error;
  // The driver stopped early of its own accord: an earlier command failed.
  if (more && response.write_consumed < request.bytes) more = false;
  if (commands.error != 0) {
    bwr.read_consumed = 0;
    return commands.error;
  }
  return room.unwritable && !more ? EFAULT : 0;
}

int exchange_write_read(Descriptor& descriptor, int fd, binder_write_read& bwr) {
  for (;;) {
    bool more = false;
    const int error = exchange_part(descriptor, fd, bwr, more);
    if (error != 0 || !more) return error;
  }
}

int write_read(Descriptor& descriptor, int fd, void* argument) {
  const auto address = address_of(argument);
  binder_write_read bwr;
  if (!read_user(&bwr, address, sizeof bwr)) return EFAULT;
  const int error = exchange_write_read(descriptor, fd, bwr);
  if (!write_user(address, &bwr, sizeof bwr)) return EFAULT;
  return error;
}

// The argument of the excluded ones is not a pointer, or is never looked at.
bool takes_pointer(std::uint32_t command) {
  return command != BINDER_SET_CONTEXT_MGR && command != BINDER_THREAD_EXIT &&
         _IOC_SIZE(command) > 0;
}

int control(Descriptor& descriptor, int fd, std::uint32_t command, void* argument) {
  const std::size_t size = _IOC_SIZE(command);
  if (size > kArgumentBytes) return EINVAL;
  MailboxLease lease(descriptor, fd);
  if (!lease) return ENOMEM;
  Mailbox& mailbox = lease.mailbox();
  mailbox.request = {};
  mailbox.request.operation = kOpControl;
  mailbox.request.ioctl_command = command;
  if (descriptor.nonblocking.load(std::memory_order_relaxed)) {
    mailbox.request.flags |= kFlagNonblocking;
  }
  const auto address = address_of(argument);
  if (!takes_pointer(command)) {
    std::memset(mailbox.argument, 0, sizeof mailbox.argument);
  } else if (!read_user(mailbox.argument, address, size)) {
    mailbox.request.flags |= kFlagBadArgument;
  }
  if (tell_changed_user(descriptor)) mailbox.request.flags |= kFlagIdentity;
  int error = lease.exchange();
  if (error != 0) return -error;
  error = -mailbox.response.error;
  if (error != 0) return error;
  const bool answers = takes_pointer(command) && (_IOC_DIR(command) & _IOC_READ) != 0;
  if (answers && !write_user(address, mailbox.argument, size)) {
    return command == BINDER_VERSION ? EINVAL : EFAULT;
  }
  return 0;
}

int set_nonblocking(Descriptor& descriptor, int fd, void* argument) {
  int on = 0;
  if (!read_user(&on, address_of(argument), sizeof on)) return EFAULT;
  if (real::ioctl(fd, FIONBIO, &on) != 0) return errno;
  descriptor.nonblocking.store(on != 0, std::memory_order_relaxed);
  return 0;
}

}  // namespace

int ioctl_binder(Descriptor& descriptor, int fd, unsigned long request, void* argument) {
  const NotCancelled not_cancelled;
  const int saved_errno = errno;
  const auto command = static_cast<std::uint32_t>(request);
  int error = EINVAL;
  if (command == BINDER_WRITE_READ) {
    error = write_read(descriptor, fd, argument);
  } else if (_IOC_TYPE(command) == 'b') {
    error = control(descriptor, fd, command, argument);
  } else if (command == FIONBIO) {
    error = set_nonblocking(descriptor, fd, argument);
  } else if (command == FIOCLEX || command == FIONCLEX) {
    return real::ioctl(fd, request, argument);
  } else if (command == FIOASYNC) {
    error = ENOTTY;
  }
  if (error != 0) return fail(error);
  errno = saved_errno;
  return 0;
}

void* mmap_binder(Descriptor& descriptor, int fd, void* address, std::size_t length, int protection,
                  int flags, off_t offset) {
  const NotCancelled not_cancelled;
  const int saved_errno = errno;
  if (!descriptor.is_opener()) {
    errno = EINVAL;  // the buffers are in the opener's memory
    return MAP_FAILED;
  }
  if ((protection & PROT_WRITE) != 0) {
    errno = EPERM;
    return MAP_FAILED;
  }
  if ((flags & MAP_TYPE) == 0 || offset % ::sysconf(_SC_PAGESIZE) != 0) {
    errno = EINVAL;
    return MAP_FAILED;
  }
  // Private mappings could be made writable; with a shared one of a read-only file that fails with
  // EACCES. All of the length is mapped, so that the program may unmap it.
  const int shared = (flags & ~MAP_TYPE) | MAP_SHARED;
  if (descriptor.helper(kHelloArenaMemory) < 0) {
    errno = EBUSY;  // it has been mapped, which can be done once
    return MAP_FAILED;
  }
  void* const memory =
      real::mmap(address, length, protection, shared, descriptor.helper(kHelloArenaMemory), 0);
  if (memory == MAP_FAILED) return MAP_FAILED;
  int error = ::madvise(memory, length, MADV_DONTFORK) == 0 ? 0 : errno;
  if (error == 0) {
    MailboxLease lease(descriptor, fd);
    if (!lease) {
      error = ENOMEM;
    } else {
      lease.mailbox().request = {};
      lease.mailbox().request.operation = kOpMap;
      lease.mailbox().request.address = address_of(memory);
      lease.mailbox().request.bytes = std::min<std::uint64_t>(length, kMaxMapBytes);
      error = -lease.exchange();
      if (error == 0) error = -lease.mailbox().response.error;
    }
  }
  if (error != 0) {
    real::munmap(memory, length);
    errno = error;
    return MAP_FAILED;
  }
  close_helper(descriptor, kHelloArenaMemory);
  descriptor.arena_address.store(address_of(memory));
  descriptor.arena_bytes.store(length);
  errno = saved_errno;
  return memory;
}

void note_unmapping(void* address, std::size_t length) {
  const auto begin = address_of(address);
  for_each_descriptor([&](Descriptor& descriptor) {
    const std::uint64_t start = descriptor.arena_address.load();
    if (descriptor.arena_bytes.load() == 0 || start < begin || start - begin >= length ||
        !descriptor.is_opener()) {
      return;
    }
    descriptor.arena_bytes.store(0);
    const int saved_errno = errno;
    MailboxLease lease(descriptor, -1);
    if (lease) {
      lease.mailbox().request = {.operation = kOpUnmap, .address = begin, .bytes = length};
      (void)lease.exchange();
    }
    errno = saved_errno;
  });
}

}  // namespace netbinder
