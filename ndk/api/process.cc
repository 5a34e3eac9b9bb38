// SPDX-License-Identifier: Apache-2.0
#include "ndk/process/process.h"

#include <android/binder_process.h>

#include <chrono>
#include <thread>

#include "ndk/process/thread.h"

using namespace netbinder::ndk;

void ABinderProcess_startThreadPool() { Process::start_pool(); }

bool ABinderProcess_setThreadPoolMaxThreadCount(uint32_t numThreads) {
  return Process::set_most_threads(numThreads);
}

bool ABinderProcess_isThreadPoolStarted() { return Process::pool_started(); }

void ABinderProcess_joinThreadPool() {
  constexpr std::chrono::milliseconds kAskAgain{100};
  Thread* thread = Thread::self();
  while (thread == nullptr) {  // there is no driver yet
    if (Process::lost()) return;
    std::this_thread::sleep_for(kAskAgain);
    thread = Thread::self();
  }
  thread->serve(true);
}

// The driver lends a caller's nice value to the thread that serves it, and nothing else: there are
// no groups for the background that a thread could be moved to.
void ABinderProcess_disableBackgroundScheduling(bool /*disable*/) {}

binder_status_t ABinderProcess_setupPolling(int* fd) {
  if (fd == nullptr) return STATUS_BAD_VALUE;
  Process* const process = Process::get();
  Thread* const thread = Thread::self();
  if (process == nullptr || thread == nullptr) {
    *fd = -1;
    return STATUS_NO_INIT;
  }
  const binder_status_t status = thread->become_polling();
  *fd = status == STATUS_OK ? process->device().fd() : -1;
  return status;
}

binder_status_t ABinderProcess_handlePolledCommands() {
  Thread* const thread = Thread::self();
  return thread != nullptr ? thread->serve_pending() : STATUS_NO_INIT;
}
