// SPDX-License-Identifier: Apache-2.0
#include "shim/start.h"

#include <pthread.h>

#include <atomic>

#include "shim/descriptor.h"
#include "shim/fault_signals.h"
#include "shim/identity.h"
#include "shim/mailbox_client.h"
#include "shim/process_state.h"

namespace netbinder {
namespace {

// Not pthread_once, which has moved between the C library's parts (shim/old_symbols.h).
constinit pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
constinit std::atomic<bool> started = false;

void settle_in_child() {
  forget_thread_after_fork();
  settle_descriptors_after_fork(in_call_of_this_thread);
  for_each_descriptor([](Descriptor& descriptor) { (void)say_identity(descriptor); });
}

void start() {
  begin_catching_faults();
  initialize_mailbox_client();
  initialize_process_state(
      {.before = note_fork_of_descriptors, .settle_in_child = settle_in_child});
}

}  // namespace

void start_shim() {
  if (started.load(std::memory_order_acquire)) return;
  pthread_mutex_lock(&mutex);
  if (!started.load(std::memory_order_relaxed)) {
    start();
    started.store(true, std::memory_order_release);
  }
  pthread_mutex_unlock(&mutex);
}

}  // namespace netbinder
