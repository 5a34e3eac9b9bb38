// SPDX-License-Identifier: Apache-2.0
//
// Ends this program with exit status 1 and a sentence if it takes longer than it may: whoever is asked
// may never answer, and nothing else ends a call that waits. One at a time, on the main thread.
#pragma once

namespace netbinder::tools {

class TimeLimit {
 public:
  // 0: there is none.
  explicit TimeLimit(double seconds);
  ~TimeLimit();
  TimeLimit(const TimeLimit&) = delete;
  TimeLimit& operator=(const TimeLimit&) = delete;
};

}  // namespace netbinder::tools
