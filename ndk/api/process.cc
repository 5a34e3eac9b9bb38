// SPDX-License-Identifier: Apache-2.0
#include "ndk/process/process.h"

#include <android/binder_process.h>

#include "ndk/process/thread.h"

using namespace netbinder::ndk;

void ABinderProcess_startThreadPool() {
  if (Process* const process = Process::get()) process->start_pool();
}

bool ABinderProcess_setThreadPoolMaxThreadCount(uint32_t numThreads) {
  Process* const process = Process::get();
  return process != nullptr && process->set_most_threads(numThreads);
}

bool ABinderProcess_isThreadPoolStarted() {
  Process* const process = Process::get();
  return process != nullptr && process->pool_started();
}

void ABinderProcess_joinThreadPool() {
  if (Thread* const thread = Thread::self()) thread->serve(true);
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
