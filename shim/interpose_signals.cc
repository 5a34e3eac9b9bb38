// SPDX-License-Identifier: Apache-2.0
// sigaction and signal, for the signals of shim/fault_signals.h.
#include <signal.h>

#include <cerrno>

#include "shim/fault_signals.h"
#include "shim/interpose.h"
#include "shim/real_calls.h"
#include "shim/trap.h"

namespace netbinder {
namespace {

using Handler = void (*)(int);

// As signal(3) of that kind for a fault's signal; false for the others.
bool set_handler(int signal, Handler handler, int flags, Handler& result) {
  struct sigaction action {};
  struct sigaction old {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  int error = 0;
  if (!fault_sigaction(signal, &action, &old, error) &&
      !trap_sigaction(signal, &action, &old, error)) {
    return false;
  }
  result = error == 0 ? old.sa_handler : SIG_ERR;
  return true;
}

}  // namespace

NETBINDER_INTERPOSE(int, shim_sigaction, "sigaction", int signal, const struct sigaction* action,
                    struct sigaction* old) {
  int result = 0;
  if (fault_sigaction(signal, action, old, result)) return result;
  if (trap_sigaction(signal, action, old, result)) return result;
  return real::sigaction(signal, action, old);
}

NETBINDER_INTERPOSE(Handler, shim_signal, "signal", int signal, Handler handler) {
  Handler result = nullptr;
  return set_handler(signal, handler, SA_RESTART, result) ? result : real::signal(signal, handler);
}

NETBINDER_INTERPOSE(Handler, shim_sysv_signal, "__sysv_signal", int signal, Handler handler) {
  Handler result = nullptr;
  constexpr int kFlags = static_cast<int>(SA_RESETHAND) | SA_NODEFER;
  return set_handler(signal, handler, kFlags, result) ? result
                                                      : real::sysv_signal(signal, handler);
}

}  // namespace netbinder
