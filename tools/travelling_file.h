// SPDX-License-Identifier: Apache-2.0
//
// Standard streams for services on other hosts, where devices cannot be sent: what is one, a
// terminal or /dev/null, is replaced by a pipe whose other end is copied here.
#pragma once

#include <thread>

#include "ndk/base/unique_fd.h"

namespace netbinder::tools {

// A service writes to this. At the end of this object, all that was written is in the file.
class TravellingOutput {
 public:
  explicit TravellingOutput(int file);
  ~TravellingOutput();
  TravellingOutput(const TravellingOutput&) = delete;
  TravellingOutput& operator=(const TravellingOutput&) = delete;

  // To be given away.
  [[nodiscard]] ndk::UniqueFd take() { return std::move(end_); }

 private:
  ndk::UniqueFd end_;
  ndk::UniqueFd over_;  // closed when nothing more is waited for
  std::thread copier_;
};

// The descriptor that a service reads from, for as long as this program runs.
[[nodiscard]] ndk::UniqueFd travelling_input(int file);

}  // namespace netbinder::tools
