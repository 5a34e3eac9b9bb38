// SPDX-License-Identifier: Apache-2.0
//
// Blocks all signals of the calling thread while it exists. A thread that is started meanwhile has them
// blocked for ever: signals of the process are for the thread that waits for them.
#pragma once

#include <signal.h>

namespace netbinder {

class AllSignalsBlocked {
 public:
  AllSignalsBlocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~AllSignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  AllSignalsBlocked(const AllSignalsBlocked&) = delete;
  AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

}  // namespace netbinder
