// SPDX-License-Identifier: Apache-2.0
//
// The threads that serve calls of this process's objects. A process with objects, or with death
// recipients, starts a pool, joins it, or polls. After a fork the child must not use binder.
#pragma once

#include <android/binder_status.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/cdefs.h>

__BEGIN_DECLS

// Starts the pool's first thread; the driver asks for others as they are needed.
void ABinderProcess_startThreadPool(void);
// How many threads the driver may ask for, beside those that join or are started: 15 unless this
// is called. False if the driver refuses.
bool ABinderProcess_setThreadPoolMaxThreadCount(uint32_t numThreads);
bool ABinderProcess_isThreadPoolStarted(void) __INTRODUCED_IN(34);
// Serves calls on this thread, and does not return as long as the driver works.
void ABinderProcess_joinThreadPool(void);
// Low priority of callers does not make this process's threads slow.
void ABinderProcess_disableBackgroundScheduling(bool disable) __INTRODUCED_IN(37);

// For one thread that polls: the descriptor is readable when there are commands. It stays the
// library's.
binder_status_t ABinderProcess_setupPolling(int* fd) __INTRODUCED_IN(31);
binder_status_t ABinderProcess_handlePolledCommands(void) __INTRODUCED_IN(31);

__END_DECLS
