// SPDX-License-Identifier: Apache-2.0
#include "shim/driver_calls.h"

#include <linux/android/binder.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "shim/closing.h"
#include "shim/install.h"
#include "shim/mailbox_client.h"
#include "shim/real_calls.h"
#include "shim/staging.h"
#include "shim/user_memory.h"

namespace netbinder {
namespace {

int fail(int error) {
  errno = error;
  return -1;
}

bool stages_everything(const Descriptor& descriptor) {
  return descriptor.staged_only || !descriptor.is_opener();
}

// Copies the inline commands, as many of them as can be read. The driver reads command by command:
// those before a bad page are carried out, and the last one may extend beyond the end of the
// buffer.
void fill_inline_commands(Mailbox& mailbox, Stager& stager, bool everything) {
  MailboxRequest& request = mailbox.request;
  const std::uint64_t address = request.address;
  if (!read_user(mailbox.commands, address, request.bytes)) {
    request.bytes = readable_prefix(address, request.bytes);
    if (!read_user(mailbox.commands, address, request.bytes)) request.bytes = 0;
  }
  const std::uint64_t end =
      stage_transactions(stager, mailbox.commands, address, request.bytes, everything);
  if (end <= request.bytes || end > kInlineCommandBytes) return;
  if (!read_user(mailbox.commands, address, end)) return;
  request.bytes = end;
}

// Adds the write buffer from write_consumed on, and the payloads that it points at. Returns 0 or an
// errno; with EFAULT some of it could not be read, and the request holds what comes before.
int fill_commands(const Descriptor& descriptor, MailboxLease& lease, const binder_write_read& bwr) {
  MailboxRequest& request = lease.mailbox().request;
  if (bwr.write_size <= bwr.write_consumed) return 0;
  const std::uint64_t wanted = bwr.write_size - bwr.write_consumed;
  request.address = bwr.write_buffer + bwr.write_consumed;
  request.bytes = wanted;
  const bool everything = stages_everything(descriptor);
  if (wanted > kInlineCommandBytes) {
    if (wanted > kMaxCommandBytes) {
      request.bytes = 0;
      return ENOMEM;
    }
    request.bytes = readable_prefix(request.address, wanted);
  }
  Stager stager(lease.mailbox(), lease.index(),
                everything ? descriptor.helper(kHelloChannelMemory) : -1);
  if (request.bytes <= kInlineCommandBytes) {
    fill_inline_commands(lease.mailbox(), stager, everything);
  } else if (everything) {
    if (!stager.stage(request.address, request.bytes)) request.bytes = 0;
    stage_transactions(stager, nullptr, request.address, request.bytes, true);
  }
  request.staged_ranges = stager.ranges();
  if (pass_files(descriptor, lease.index(), stager.files())) request.flags |= kFlagPassedFiles;
  return request.bytes < wanted ? EFAULT : 0;
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

int exchange_write_read(Descriptor& descriptor, int fd, binder_write_read& bwr) {
  MailboxLease lease(descriptor, fd);
  if (!lease) return ENOMEM;
  Mailbox& mailbox = lease.mailbox();
  MailboxRequest& request = mailbox.request;
  request = {};
  request.operation = kOpWriteRead;
  if (stages_everything(descriptor)) request.flags |= kFlagStaged;
  if (descriptor.nonblocking.load(std::memory_order_relaxed)) request.flags |= kFlagNonblocking;

  const std::uint64_t read_address = bwr.read_buffer + bwr.read_consumed;
  bool unwritable = false;
  if (bwr.read_size > 0) {
    const std::uint64_t room =
        bwr.read_size > bwr.read_consumed ? bwr.read_size - bwr.read_consumed : 0;
    request.read_capacity = static_cast<std::uint32_t>(
        writable_prefix(read_address, std::min<std::uint64_t>(room, kReadBytes)));
    // The driver notices only when it writes; the commands have been carried out by then.
    unwritable = room > 0 && request.read_capacity < std::min<std::uint64_t>(room, 4);
    if (!unwritable) {
      request.flags |= kFlagReads;
      if (bwr.read_consumed == 0) request.flags |= kFlagFreshRead;
    }
  }
  const int bad_commands = fill_commands(descriptor, lease, bwr);
  if (bad_commands != 0) request.flags &= ~std::uint32_t{kFlagReads | kFlagFreshRead};
  const bool has_commands = request.bytes != 0;
  int error = 0;
  if (!has_commands && (bad_commands != 0 || unwritable)) {
    if (bad_commands != 0) bwr.read_consumed = 0;
    return bad_commands != 0 ? bad_commands : EFAULT;
  }
  error = lease.exchange();
  if (error != 0) return -error;
  if (mailbox.response.close_count != 0) {
    close_received(
        std::span(mailbox.fds).first(std::min(mailbox.response.close_count, kMaxInstalledFds)));
  }

  MailboxResponse response;
  std::memcpy(&response, &mailbox.response, sizeof response);
  response.read_consumed = std::min<std::uint64_t>(response.read_consumed, kReadBytes);
  if (response.read_consumed > 0 &&
      !write_user(read_address, mailbox.read, response.read_consumed)) {
    return EFAULT;
  }
  const std::uint32_t spawn = BR_SPAWN_LOOPER;
  if (response.wants_looper != 0 && !write_user(bwr.read_buffer, &spawn, sizeof spawn)) {
    return EFAULT;
  }
  account(request, response, bwr);
  if (response.error != 0) return -response.error;
  if (bad_commands != 0) {
    bwr.read_consumed = 0;
    return bad_commands;
  }
  return unwritable ? EFAULT : 0;
}

int write_read(Descriptor& descriptor, int fd, void* argument) {
  const auto address = reinterpret_cast<std::uint64_t>(argument);
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
  if (stages_everything(descriptor)) mailbox.request.flags |= kFlagStaged;
  if (descriptor.nonblocking.load(std::memory_order_relaxed)) {
    mailbox.request.flags |= kFlagNonblocking;
  }
  const auto address = reinterpret_cast<std::uint64_t>(argument);
  if (!takes_pointer(command)) {
    std::memset(mailbox.argument, 0, sizeof mailbox.argument);
  } else if (!read_user(mailbox.argument, address, size)) {
    mailbox.request.flags |= kFlagBadArgument;
  }
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
  if (!read_user(&on, reinterpret_cast<std::uint64_t>(argument), sizeof on)) return EFAULT;
  if (real::ioctl(fd, FIONBIO, &on) != 0) return errno;
  descriptor.nonblocking.store(on != 0, std::memory_order_relaxed);
  return 0;
}

}  // namespace

int ioctl_binder(Descriptor& descriptor, int fd, unsigned long request, void* argument) {
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
                  int flags) {
  const int saved_errno = errno;
  if (!descriptor.is_opener()) {
    errno = EINVAL;  // the buffers are in the opener's memory
    return MAP_FAILED;
  }
  if ((protection & PROT_WRITE) != 0) {
    errno = EPERM;
    return MAP_FAILED;
  }
  // Private mappings could be made writable; with a shared one of a read-only file that fails with
  // EACCES. All of the length is mapped, so that the program may unmap it.
  const int shared = (flags & ~MAP_TYPE) | MAP_SHARED;
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
      lease.mailbox().request.address = reinterpret_cast<std::uint64_t>(memory);
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
  errno = saved_errno;
  return memory;
}

}  // namespace netbinder
