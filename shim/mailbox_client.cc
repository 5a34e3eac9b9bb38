// SPDX-License-Identifier: Apache-2.0
#include "shim/mailbox_client.h"

#include <linux/android/binder.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "channel/doorbell.h"
#include "channel/handover.h"
#include "channel/ownership.h"
#include "channel/pending.h"
#include "channel/posted_read.h"
#include "channel/sleep.h"
#include "shim/health_checks.h"
#include "shim/install.h"
#include "shim/nice.h"
#include "shim/process_state.h"
#include "shim/real_calls.h"

namespace netbinder {
namespace {

// How often a thread that waits for another one's sake looks whether that is to be interrupted.
constexpr std::uint64_t kInterruptCheckNs = 50'000'000;

// Makes a system call without the function that the shim replaces.
constexpr auto kSystemCall = [](long number, auto... arguments) {
  return real::syscall(number, arguments...);
};

constinit thread_local ThreadState thread_state{};
// A key's value is how the end of a thread is heard of. C libraries before 2.34 have these functions
// in a library of its own; where that is not loaded there is but one thread.
constinit pthread_key_t exit_key = 0;
using SetSpecific = int (*)(pthread_key_t, const void*);
constinit SetSpecific set_specific = nullptr;

std::uint64_t now_ns() {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

void ring(const Descriptor& descriptor, std::uint32_t index) {
  ChannelHeader& header = descriptor.memory.header();
  mark_pending(header, index);
  if (!must_ring(header)) return;
  const std::uint64_t one = 1;
  while (real::write(descriptor.helper(kHelloDoorbell), &one, sizeof one) < 0 && errno == EINTR) {
  }
}

// The agent then answers at once, with what it has done so far.
void cancel(const Descriptor& descriptor, Mailbox& mailbox, std::uint32_t index) {
  if (hand_over_from(mailbox, kRequested, kCancelled)) ring(descriptor, index);
}

bool agent_hung_up(const Descriptor& descriptor) {
  pollfd side{.fd = descriptor.helper(kHelloSideSocket), .events = 0, .revents = 0};
  return ::poll(&side, 1, 0) > 0 && (side.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
}

// Waits until the agent is done with the request. A signal cancels it. Checks the agent's health
// for the first time after `limit_ns`. Returns 0 or a negative errno.
int await_done(Descriptor& descriptor, Mailbox& mailbox, std::uint32_t index,
               std::uint64_t limit_ns = HealthChecks::kFirstNs) {
  if (is_interrupted != nullptr) limit_ns = kInterruptCheckNs;
  for (;;) {
    const std::uint32_t state = look_at(mailbox);
    if (state == kDone) return 0;
    if (state == kInstall) {
      install_descriptors(descriptor, mailbox, index);
      ring(descriptor, index);
      continue;
    }
    if (descriptor.closed.load(std::memory_order_acquire)) return -EBADF;
    if (descriptor.dead.load(std::memory_order_relaxed)) return -EIO;
    switch (sleep_while(mailbox, state, limit_ns, kSystemCall)) {
      case 0:
        break;
      case EINTR:
        cancel(descriptor, mailbox, index);
        break;
      default:
        if (is_interrupted != nullptr && is_interrupted()) cancel(descriptor, mailbox, index);
        // The agent may have answered before it died.
        if (agent_hung_up(descriptor) && look_at(mailbox) != kDone) {
          descriptor.dead.store(true, std::memory_order_relaxed);
        }
        limit_ns = is_interrupted != nullptr ? kInterruptCheckNs : HealthChecks::kIntervalNs;
        break;
    }
  }
}

std::uint32_t current_tid() {
  if (thread_state.tid == 0) [[unlikely]] {
    thread_state.tid = static_cast<std::uint32_t>(real::syscall(SYS_gettid));
  }
  return thread_state.tid;
}

void give_back(const HeldMailbox& held) {
  if (held.descriptor == nullptr) return;
  const DescriptorReference reference = try_reference(held.descriptor);
  if (!reference || !held.is_current()) return;
  Mailbox* const mailbox = reference->memory.mailbox_if_mapped(held.index);
  if (mailbox == nullptr) return;
  reference->memory.trim_staging(held.index, 0);
  give_mailbox_back(*mailbox);
}

// Programs need not report that a thread has ended, but then the agent goes on counting it.
void say_thread_exit(const HeldMailbox& held) {
  const DescriptorReference reference = try_reference(held.descriptor);
  if (!reference || !held.is_current() || reference->closed.load(std::memory_order_acquire)) {
    return;
  }
  MailboxLease lease(*reference, -1);
  if (!lease) return;
  lease.mailbox().request = {.operation = kOpControl,
                             .ioctl_command = static_cast<std::uint32_t>(BINDER_THREAD_EXIT)};
  (void)lease.exchange();
}

void end_all_held() {
  for (HeldMailbox& held : thread_state.held) {
    if (held.known && !held.busy) say_thread_exit(held);
    if (!held.busy) give_back(held);
    held = {};
  }
}

void at_thread_exit(void*) { end_all_held(); }

// A thread may end without giving its mailbox back, for example when its process is killed.
bool owner_is_gone(const Mailbox& mailbox, std::uint32_t owner) {
  const std::uint32_t state = look_at(mailbox);
  return (state == kIdle || state == kDone) && real::syscall(SYS_tkill, owner, 0) != 0 &&
         errno == ESRCH;
}

// Whether the owner's thread is one of this process. After a fork both processes see each other's
// mailboxes, and each may only end its own calls.
bool owner_is_here(std::uint32_t owner) {
  return owner != 0 && real::syscall(SYS_tgkill, process_id(), owner, 0) == 0;
}

// Claims a mailbox for this thread. Returns its index, or kMailboxes if all are taken.
std::uint32_t claim(Descriptor& descriptor, std::uint32_t tid) {
  for (const bool take_over : {false, true}) {
    for (std::uint32_t index = 0; index < kMailboxes; ++index) {
      Mailbox* const found =
          descriptor.memory.mailbox(descriptor.helper(kHelloChannelMemory), index);
      if (found == nullptr) return kMailboxes;
      Mailbox& mailbox = *found;
      const std::uint32_t owner = owner_of(mailbox);
      if (owner != 0 && (!take_over || owner == tid || !owner_is_gone(mailbox, owner))) continue;
      if (claim_mailbox(mailbox, owner, tid)) return index;
    }
  }
  return kMailboxes;
}

// A place for one more mailbox; another Descriptor's is given back for it if need be.
// kHeldMailboxes if the thread is in that many calls, each in a signal handler that interrupted the
// one before.
std::uint32_t place_to_hold() {
  for (std::uint32_t i = 0; i < kHeldMailboxes; ++i) {
    const HeldMailbox& held = thread_state.held[i];
    if (!held.busy && !held.is_current()) return i;
  }
  for (std::uint32_t tried = 0; tried < kHeldMailboxes; ++tried) {
    const std::uint32_t i = thread_state.next_victim++ % kHeldMailboxes;
    if (thread_state.held[i].busy) continue;
    give_back(thread_state.held[i]);
    return i;
  }
  return kHeldMailboxes;
}

}  // namespace

void initialize_mailbox_client() {
  using KeyCreate = int (*)(pthread_key_t*, void (*)(void*));
  const auto create = reinterpret_cast<KeyCreate>(find_function("pthread_key_create"));
  const auto set = reinterpret_cast<SetSpecific>(find_function("pthread_setspecific"));
  if (create != nullptr && set != nullptr && create(&exit_key, at_thread_exit) == 0) {
    set_specific = set;
  }
}

ThreadState exchange_thread_state(const ThreadState& state) {
  return std::exchange(thread_state, state);
}

void end_thread_state() { end_all_held(); }

void forget_thread_after_fork() {
  thread_state.tid = 0;
  for (HeldMailbox& held : thread_state.held) {
    if (!held.busy) held = {};
  }
}

bool in_call_of_this_thread(const Descriptor& descriptor) {
  return std::any_of(thread_state.held.begin(), thread_state.held.end(),
                     [&](const HeldMailbox& held) {
                       return held.busy && held.descriptor == &descriptor && held.is_current();
                     });
}

bool in_calls(const Descriptor& descriptor) {
  for (std::uint32_t index = 0; index < kMailboxes; ++index) {
    const Mailbox* const mailbox = descriptor.memory.mailbox_if_mapped(index);
    if (mailbox == nullptr) {
      index = ChannelMemory::last_in_piece(index);
      continue;
    }
    const std::uint32_t state = look_at(*mailbox);
    if (state != kRequested && state != kInstall) continue;
    if (owner_is_here(owner_of(*mailbox))) return true;
  }
  return false;
}

void end_calls(Descriptor& descriptor) {
  for (std::uint32_t index = 0; index < kMailboxes; ++index) {
    Mailbox* const mailbox = descriptor.memory.mailbox_if_mapped(index);
    if (mailbox == nullptr) {
      index = ChannelMemory::last_in_piece(index);
      continue;
    }
    if (!owner_is_here(owner_of(*mailbox))) continue;
    // The change of state prevents a thread that is about to sleep from sleeping.
    cancel(descriptor, *mailbox, index);
    wake_in_any_case(*mailbox, kSystemCall);
  }
}

MailboxLease::MailboxLease(Descriptor& descriptor, int fd) : descriptor_(descriptor), fd_(fd) {
  const std::uint32_t tid = current_tid();
  for (std::uint32_t i = 0; i < kHeldMailboxes; ++i) {
    HeldMailbox& held = thread_state.held[i];
    if (held.descriptor != &descriptor || held.busy || !held.is_current()) continue;
    held.busy = true;
    held_ = i;
    index_ = held.index;
    mailbox_ = descriptor.memory.mailbox_if_mapped(index_);
    return;
  }
  const SignalsBlocked blocked;
  const std::uint32_t place = place_to_hold();
  if (place == kHeldMailboxes) return;
  HeldMailbox& held = thread_state.held[place];
  held = {};
  const std::uint32_t index = claim(descriptor, tid);
  if (index == kMailboxes) return;
  held = {.descriptor = &descriptor,
          .generation = descriptor.generation.load(std::memory_order_relaxed),
          .index = static_cast<std::uint16_t>(index),
          .busy = true,
          .known = false};
  if (set_specific != nullptr) (void)set_specific(exit_key, &thread_state);
  held_ = place;
  index_ = index;
  mailbox_ = descriptor.memory.mailbox_if_mapped(index);
}

MailboxLease::~MailboxLease() {
  if (mailbox_ == nullptr) return;
  if (!lost_) {
    hand_over(*mailbox_, kIdle);
    thread_state.held[held_].busy = false;
  } else {
    // Never used again while the channel exists: the agent may still respond in it.
    thread_state.held[held_] = {};
  }
}

void MailboxLease::begin_request(std::uint32_t tid) {
  for (std::uint32_t i = 0; i < kHeldMailboxes; ++i) {
    const HeldMailbox& outer = thread_state.held[i];
    if (i == held_ || !outer.busy || outer.descriptor != &descriptor_) continue;
    Mailbox* const interrupted = descriptor_.memory.mailbox_if_mapped(outer.index);
    if (interrupted == nullptr) continue;
    const std::uint32_t state = look_at(*interrupted);
    if (state == kIdle || state == kDone) continue;
    cancel(descriptor_, *interrupted, outer.index);
    (void)await_done(descriptor_, *interrupted, outer.index);
  }
  mailbox_->request.tid = tid;
  mailbox_->request.nice = current_nice();
  hand_over(*mailbox_, kRequested);
  // An agent that is awake needs no ring, and if it knows of the read it looks a little longer.
  if (is_waiting_read(mailbox_->request) && agent_seems_asleep(descriptor_.memory.header()) &&
      may_stay_silent(*mailbox_)) {
    return;
  }
  ring(descriptor_, index_);
}

int MailboxLease::exchange() {
  if (descriptor_.closed.load(std::memory_order_acquire)) return -EBADF;
  if (descriptor_.dead.load(std::memory_order_relaxed)) return -EIO;
  thread_state.held[held_].known = mailbox_->request.ioctl_command != BINDER_THREAD_EXIT;
  begin_request(current_tid());
  const int error = wait();
  if (error != 0) {
    lost_ = true;
    return error;
  }
  finish();
  // end_calls interrupted it, and not a signal.
  const bool closed =
      mailbox_->response.error == -EINTR && descriptor_.closed.load(std::memory_order_acquire);
  return closed ? -EBADF : 0;
}

void MailboxLease::post_last() {
  begin_request(current_tid());
  lost_ = true;
}

int MailboxLease::wait() {
  using Ended = WaitPolicy::Ended;
  const std::uint64_t window_ns = descriptor_.memory.header().look_ns.load(std::memory_order_relaxed);
  const std::uint64_t start_ns = now_ns();
  WaitPolicy& waits = thread_state.waits;
  Ended ended = Ended::kAsleep;
  if (is_settled(look_at(*mailbox_))) {
    ended = Ended::kAwake;
  } else if (waits.looks(start_ns - thread_state.last_wait_ended_ns, window_ns)) {
    ended = look_for(waits, start_ns, window_ns);
  }
  if (ended != Ended::kAwake) forget_nice();  // it will sleep
  const int error =
      await_done(descriptor_, *mailbox_, index_, thread_state.health_checks.first_ns());
  const std::uint64_t end_ns = now_ns();
  waits.ended(end_ns - start_ns, ended, window_ns);
  thread_state.health_checks.waited(end_ns - start_ns);
  thread_state.last_wait_ended_ns = end_ns;
  return error;
}

// Gives the processor away between looks.
WaitPolicy::Ended MailboxLease::look_for(WaitPolicy& waits, std::uint64_t start_ns,
                                         std::uint64_t window_ns) const {
  std::uint64_t before_ns = start_ns;
  for (;;) {
    ::sched_yield();
    const std::uint64_t after_ns = now_ns();
    const bool crowded = waits.crowded(after_ns - before_ns, window_ns);
    if (is_settled(look_at(*mailbox_))) return WaitPolicy::Ended::kAwake;
    if (crowded) return WaitPolicy::Ended::kAsleep;
    if (after_ns - start_ns >= window_ns) return WaitPolicy::Ended::kLookedInVain;
    before_ns = after_ns;
  }
}

void MailboxLease::finish() {
  const MailboxResponse& response = mailbox_->response;
  if (response.drain != 0) take_readiness(descriptor_, fd_, response.drain);
  if (response.sets_nice != 0) take_on_nice(response.nice);
}

}  // namespace netbinder
