// SPDX-License-Identifier: Apache-2.0
#include "ndk/process/process.h"

#include <linux/android/binder.h>
#include <pthread.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <mutex>
#include <system_error>
#include <thread>

#include "ndk/base/log.h"
#include "ndk/process/thread.h"
#include "ndk/process/uapi.h"

namespace netbinder::ndk {
namespace {

// More than this many are of no use to programs that have said nothing.
constexpr std::uint32_t kMostThreads = 15;
constexpr std::size_t kThreadNameBytes = 16;

constinit std::atomic<Process*> the_process = nullptr;
constinit std::atomic<bool> forked = false;
constinit std::atomic<bool> pool_wanted = false;
constinit std::atomic<std::uint32_t> threads_wanted = kMostThreads;

}  // namespace

void Process::forget_in_child() {
  Process* const process = the_process.exchange(nullptr);
  if (process == nullptr) return;
  forked = true;
  process->device_.close_in_child();
  Thread::forget_in_child();
}

bool Process::lost() { return forked; }

Process* Process::get() {
  Process* const process = the_process.load(std::memory_order_acquire);
  if (process != nullptr) [[likely]]
    return process;
  if (forked) {
    static std::atomic<bool> complained = false;
    if (!complained.exchange(true)) log_line("a forked child cannot use its parent's objects");
    return nullptr;
  }
  static std::mutex opening;
  const std::lock_guard lock(opening);
  if (Process* const opened = the_process.load(std::memory_order_acquire)) return opened;
  const auto device = Device::open(dialect_of_process());
  if (!device) return nullptr;
  static const int registered = ::pthread_atfork(nullptr, nullptr, forget_in_child);
  if (registered != 0) fatal("no room for a fork handler");
  auto* const opened = new Process(*device);
  the_process.store(opened, std::memory_order_release);
  opened->begin();
  return opened;
}

void Process::begin() {
  (void)tell_most_threads(threads_wanted);
  if (pool_wanted) start_pool_once();
}

bool Process::tell_most_threads(std::uint32_t count) {
  const int error = device_.control(BINDER_SET_MAX_THREADS, &count);
  if (error != 0) log_line("the driver refuses %u threads (error %d)", count, -error);
  return error == 0;
}

bool Process::set_most_threads(std::uint32_t count) {
  threads_wanted = count;
  Process* const process = get();
  return process == nullptr || process->tell_most_threads(count);
}

void Process::start_pool_once() {
  if (!pool_started_.exchange(true)) start_thread(true);
}

void Process::start_pool() {
  pool_wanted = true;
  if (Process* const process = get()) process->start_pool_once();
}

bool Process::pool_started() { return pool_wanted; }

void Process::add_thread() { start_thread(false); }

void Process::note_driver_gone(int error) {
  if (driver_gone_.exchange(true)) return;
  log_line("the driver is gone (%s): no more calls are served", std::strerror(-error));
  proxies_.die_with_driver();
}

void Process::start_thread(bool first) {
  try {
    std::thread([first, number = ++last_thread_] {
      char name[kThreadNameBytes];
      std::snprintf(name, sizeof name, "binder:%d_%X", ::getpid() % 100000, number);
      ::pthread_setname_np(::pthread_self(), name);
      if (Thread* const thread = Thread::self()) thread->serve(first);
    }).detach();
  } catch (const std::system_error& error) {
    log_line("cannot start a thread: %s", error.what());
  }
}

}  // namespace netbinder::ndk
