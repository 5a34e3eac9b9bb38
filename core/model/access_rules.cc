// SPDX-License-Identifier: Apache-2.0
#include "core/model/access_rules.h"

#include <algorithm>

namespace netbinder {

bool Who::matches(const Subject& subject) const {
  if (host_ && *host_ != subject.host) return false;
  switch (kind_) {
    case Kind::kAnybody:
      return true;
    case Kind::kUser:
      return subject.uid == number_;
    case Kind::kGroup:
      return std::ranges::find(subject.groups, number_) != subject.groups.end();
  }
  return false;
}

Verdict AccessRules::decide(const Subject& subject) const {
  for (const Rule& rule : rules_) {
    if (std::ranges::any_of(rule.who, [&](const Who& who) { return who.matches(subject); })) {
      return rule.verdict;
    }
  }
  return {};
}

}  // namespace netbinder
