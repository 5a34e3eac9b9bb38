// SPDX-License-Identifier: Apache-2.0
#include "shim/start.h"

#include <pthread.h>

#include "shim/descriptor.h"
#include "shim/fault_signals.h"
#include "shim/identity.h"
#include "shim/mailbox_client.h"
#include "shim/process_state.h"

namespace netbinder {
namespace {

constinit pthread_once_t once = PTHREAD_ONCE_INIT;

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

void start_shim() { pthread_once(&once, start); }

}  // namespace netbinder
