// SPDX-License-Identifier: Apache-2.0
//
// Lines on stderr, each written at once and not too many of them, and the end of the process where
// an invariant or a rule of the API is broken. Any thread.
#pragma once

namespace netbinder::ndk {

[[gnu::format(printf, 1, 2)]] void log_line(const char* format, ...);
[[noreturn, gnu::format(printf, 1, 2)]] void fatal(const char* format, ...);

}  // namespace netbinder::ndk
