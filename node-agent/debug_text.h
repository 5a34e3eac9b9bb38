// SPDX-License-Identifier: Apache-2.0
//
// The driver's debug files, in the text format of the kernel's driver (observed on Linux 6.12), as
// in /sys/kernel/debug/binder and binder_logs of a binderfs. That format does not know other hosts:
// they are shown at the end of a line as "host NAME".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace netbinder {

class Driver;
struct DebugContent;
struct Viewer;

// Whether the file is about processes, so that it may be long, and is written from a DebugContent;
// then the pid of the only program that it is about, or 0. The others are short.
std::optional<std::int32_t> is_about_processes(std::string_view file);
// A file about processes. Nothing if no process of that program has the device open. Any thread.
std::optional<std::string> debug_file_text(const DebugContent& content, std::string_view file);

// All at once. Knows "state", "stats", "transactions", "transaction_log", "failed_transaction_log" and
// "proc/PID"; also "proc/" and "devices/", which list their entries, a name on each line. Nothing
// if there is no such file (for example if no process of that id has the device open).
std::optional<std::string> debug_file_text(const Driver& driver, const Viewer& viewer,
                                           std::string_view file);

}  // namespace netbinder
