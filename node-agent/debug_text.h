// SPDX-License-Identifier: Apache-2.0
//
// The driver's debug files, in the text format of the kernel's driver (observed on Linux 6.12):
// what /sys/kernel/debug/binder and binder_logs of a binderfs hold. What concerns other hosts,
// which that format does not know, stands at the end of a line as "host NAME".
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace netbinder {

class Driver;

// Of "state", "stats", "transactions", "transaction_log", "failed_transaction_log" or "proc/PID";
// also "proc/" and "devices/", which list what there is, a name on each line. Nothing if there is
// no such file (a process of that id that has the device open, say).
std::optional<std::string> debug_file_text(const Driver& driver, std::string_view file);

}  // namespace netbinder
