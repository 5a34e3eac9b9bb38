// SPDX-License-Identifier: Apache-2.0
//
// The making of a DebugState in slices, as a user may have hundreds of thousands of objects. Other
// events come in between, so what it shows is not of one moment: objects that end before their turn
// are missing, as with the kernel's debug files, which are not made in one piece either.
//
// Begun by the driver, which must outlive it. Thread: the driver's.
#pragma once

#include <boost/unordered/unordered_flat_set.hpp>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/ids.h"
#include "core/model/slice.h"
#include "core/view/debug_view.h"
#include "core/view/viewer.h"

namespace netbinder {

class DebugCollection {
 public:
  // `pid`: of that program only; 0: of all.
  DebugCollection(const Model& model, const DebugViews& views, const Viewer& viewer,
                  std::int32_t pid = 0);

  // Does a slice. True: the state is complete.
  bool go_on();
  [[nodiscard]] DebugState take() { return std::move(state_); }

 private:
  enum class Part { kHead, kNodes, kRefs, kBuffers };

  // True: the process is complete.
  bool go_on(const Process& process, Slice& slice);
  void next_process();

  const Model& model_;
  const DebugViews& views_;
  DebugState state_;
  std::vector<ProcessId> left_;  // the next one is the last
  Part part_ = Part::kHead;
  std::uint64_t from_ = 0;  // the next ptr, handle or offset
  boost::unordered_flat_set<std::uint32_t> dead_;  // debug ids of the dead nodes seen
};

}  // namespace netbinder
