// SPDX-License-Identifier: Apache-2.0
//
// System calls that a program makes without the C library: by an instruction of its own, as Rust's
// rustix does, or by a library's. Linux can hand them to a handler of SIGSYS (syscall user dispatch):
// those from outside the C library's text, thread by thread, until the thread executes a program or
// ends. A call by the C library costs 4 ns more then, a trapped one 0.9 µs.
//
// Taken rather than a seccomp filter with SECCOMP_RET_TRAP: a filter outlives exec, where the handler
// is gone and the C library is elsewhere, so that every program that this one starts would be killed by
// its first call; and it makes the process give up set-uid.
//
// Begins with the first open of a device, if any object of the program has such an instruction; or at
// once, if the environment has NETBINDER_TRAP=1, which `netbinder run` sets for programs that have
// them themselves: their very first open may be one. NETBINDER_TRAP=0 prevents it. Nothing on machines
// and kernels that cannot do it.
//
// Any thread.
#pragma once

#include <signal.h>

namespace netbinder {

// Carries a call out. Returns as the kernel does: 0 and more, or a negative errno.
using CarryOut = long (*)(long number, const long (&arguments)[6]);
// To be called once, before the program begins: from here on calls may be trapped.
void carry_out_trapped_by(CarryOut function);
// A device has been opened.
void trap_if_needed();

// For a thread that begins, and for the only one of a forked process.
void trap_this_thread();

// sigaction(2) as the program sees it, for SIGSYS while it is ours; false for others.
bool trap_sigaction(int signal, const struct sigaction* action, struct sigaction* old, int& result);

// For masks of signals that are to be blocked: a call that cannot be handed over ends the process.
[[nodiscard]] bool traps_calls();

}  // namespace netbinder
