// SPDX-License-Identifier: Apache-2.0
#include "core/model/model.h"

namespace netbinder {

std::vector<Process*> Model::processes_of(std::int32_t pid) const {
  std::vector<Process*> found;
  for (const auto& [id, process] : processes_) {
    if (process->pid() == pid) found.push_back(process.get());
  }
  std::sort(found.begin(), found.end(),
            [](const Process* a, const Process* b) { return a->id() > b->id(); });
  return found;
}

void Model::log_failure(TransactionLogEntry entry, const BrError& error) {
  entry.failed_command = error.command();
  entry.failed_error = error.error();
  entry.failed_line = error.line();
  entry.reason = error.reason();
  entry.rule = error.rule();
  ++statistics.failed_calls;
  calls_of(entry).add(entry);
  log.add(entry);
  failed_log.add(entry);
}

}  // namespace netbinder
