// SPDX-License-Identifier: Apache-2.0
//
// Static probes (USDT) for bpftrace, perf and SystemTap: netbinder:call_begun and so on, in
// netbinderd. Where nobody looks at one it is a single no-op. Its arguments are the call's trace,
// span, parent and code; call_failed has the BR_* command besides. Without <sys/sdt.h> there are
// none (NETBINDER_PROBES).
#pragma once

#if defined(NETBINDER_PROBES)
#include <sys/sdt.h>
// `of` is a CallTrace.
#define NB_CALL_PROBE(name, of)                                                              \
  DTRACE_PROBE4(netbinder, name, (of).trace.value(), (of).span.value(), (of).parent.value(), \
                (of).code)
#define NB_FAILURE_PROBE(name, of, command)                                                  \
  DTRACE_PROBE5(netbinder, name, (of).trace.value(), (of).span.value(), (of).parent.value(), \
                (of).code, (command))
#else
#define NB_CALL_PROBE(name, of) static_cast<void>(of)
#define NB_FAILURE_PROBE(name, of, command) (static_cast<void>(of), static_cast<void>(command))
#endif
