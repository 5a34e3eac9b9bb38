// SPDX-License-Identifier: Apache-2.0
#include "node-agent/journal.h"

#include <sys/uio.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include <array>
#include <string>

namespace netbinder {

bool has_journal() { return ::access("/run/systemd/journal/socket", W_OK) == 0; }

void put_into_journal(const log::JournalEntry& entry) {
  std::array<std::string, 4> fields = {"MESSAGE=", "PRIORITY=" + std::to_string(entry.priority),
                                       "SYSLOG_IDENTIFIER=netbinderd", "NETBINDER_COMPONENT="};
  fields[0] += entry.message;
  fields[3] += entry.component;
  std::array<iovec, fields.size()> parts{};
  for (std::size_t i = 0; i < fields.size(); ++i) {
    parts[i] = {.iov_base = fields[i].data(), .iov_len = fields[i].size()};
  }
  // A journal that has gone away takes nothing, and nobody is left to be told.
  (void)::sd_journal_sendv(parts.data(), static_cast<int>(parts.size()));
}

}  // namespace netbinder
