// SPDX-License-Identifier: Apache-2.0
//
// The agent's records in systemd's journal, with fields: MESSAGE, PRIORITY, SYSLOG_IDENTIFIER and
// NETBINDER_COMPONENT.
#pragma once

#include "transport/log.h"

namespace netbinder {

// Whether there is a journal on this machine. Any thread.
[[nodiscard]] bool has_journal();
// May wait for the journal. The log's thread.
void put_into_journal(const log::JournalEntry& entry);

}  // namespace netbinder
