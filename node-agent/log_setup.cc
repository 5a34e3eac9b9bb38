// SPDX-License-Identifier: Apache-2.0
#include "node-agent/log_setup.h"

#include "cluster-config/names.h"
#include "node-agent/journal.h"
#include "transport/log.h"

namespace netbinder {

namespace {

static_assert(config_names::kLogComponents == log::kComponentNames);

log::Format format_of(LogFormat format) {
  switch (format) {
    case LogFormat::kText:
      break;
    case LogFormat::kJson:
      return log::Format::kJson;
    case LogFormat::kJournal:
      return log::Format::kJournal;
  }
  return log::Format::kText;
}

}  // namespace

void configure_log(const Config& config) {
  const bool no_journal = config.log.format == LogFormat::kJournal && !has_journal();
  log::set_journal(&put_into_journal);
  log::configure({.lowest = config.log_level,
                  .filter = config.log.filter,
                  .format = no_journal ? log::Format::kText : format_of(config.log.format)});
  if (no_journal) log::config.warn("there is no journal here: log.format = \"journal\" means text");
}

}  // namespace netbinder
