// SPDX-License-Identifier: Apache-2.0
//
// SIGSEGV and SIGBUS. The driver answers a bad pointer with EFAULT, so a fault in
// shim/guarded_copy.h must not end the program. The kernel's action for both signals is ours from
// the first open of a device on; the program's own is kept here, shown to the program, and carried
// out for every other fault as the kernel would have done it.
//
// A program that sets its action by a bare system call removes ours: then a bad pointer ends it, as
// it would in any library.
//
// Any thread.
#pragma once

#include <signal.h>

namespace netbinder {

// Takes the two signals over. To be called once, by start_shim only.
void begin_catching_faults();

// sigaction(2), as the program sees it, for these two; false for other signals, or while they are
// not ours: the caller asks the C library then. `result` is what to return.
bool fault_sigaction(int signal, const struct sigaction* action, struct sigaction* old,
                     int& result);

// For masks of signals that are to be blocked: a fault while its signal is blocked ends the process.
inline void leave_out_fault_signals(sigset_t& set) {
  sigdelset(&set, SIGSEGV);
  sigdelset(&set, SIGBUS);
  sigdelset(&set, SIGSYS);  // shim/trap.h
}

}  // namespace netbinder
