// SPDX-License-Identifier: Apache-2.0
#include "core/view/debug_collection.h"

#include <algorithm>
#include <utility>

#include "core/model/model.h"

namespace netbinder {

DebugCollection::DebugCollection(const Model& model, const DebugViews& views, const Viewer& viewer,
                                 std::int32_t pid)
    : model_(model), views_(views) {
  for (const auto& [id, process] : model_.processes()) {
    if (!viewer.sees(process->credentials().euid)) continue;
    if (pid == 0 || process->pid() == pid) left_.push_back(process->id());
  }
  std::sort(left_.begin(), left_.end());
}

bool DebugCollection::go_on() {
  Slice slice(model_.setup.slice_units);
  while (!left_.empty()) {
    const Process* const process = model_.find_process(left_.back());
    if (process != nullptr && !go_on(*process, slice)) return false;
    next_process();
  }
  return true;
}

// Stands here, as all that it does is to go through the slices.
DebugState DebugViews::state(const Viewer& viewer) const {
  DebugCollection collection(model_, *this, viewer);
  while (!collection.go_on()) {
  }
  DebugState state = collection.take();
  state.sort_dead_nodes();
  return state;
}

void DebugCollection::next_process() {
  left_.pop_back();
  part_ = Part::kHead;
}

bool DebugCollection::go_on(const Process& process, Slice& slice) {
  const auto begin = [this](Part part) {
    part_ = part;
    from_ = 0;
  };
  if (part_ == Part::kHead) {
    if (!slice.take()) return false;
    const ProcessDebugView& head = state_.processes.emplace_back(views_.view_of(process));
    slice.use(head.todo.first.size());
    for (const ThreadView& thread : head.threads) {
      slice.use(1 + thread.stack.size() + thread.todo.first.size());
    }
    begin(Part::kNodes);
  }
  ProcessDebugView& view = state_.processes.back();
  if (part_ == Part::kNodes) {
    const auto& nodes = process.nodes();
    for (auto node = nodes.lower_bound(from_); node != nodes.end(); ++node) {
      if (!slice.take()) {
        from_ = node->ptr();
        return false;
      }
      const NodeView& made = view.nodes.emplace_back(views_.view_of(*node));
      slice.use(made.holder_pids.size() + made.async_todo.first.size());
    }
    begin(Part::kRefs);
  }
  if (part_ == Part::kRefs) {
    for (const ProcessRef* ref = process.refs().first(Handle{static_cast<std::uint32_t>(from_)});
         ref != nullptr; ref = process.refs().first(Handle{ref->handle().value() + 1})) {
      from_ = ref->handle().value();
      if (!slice.take()) return false;
      view.refs.push_back(DebugViews::view_of(*ref));
      const Node& node = ref->node();
      if (!node.dead() || !dead_.insert(node.debug_id()).second) continue;
      state_.dead_nodes.push_back(views_.view_of(node));
      slice.use(1 + node.refs().size());
    }
    begin(Part::kBuffers);
  }
  const BufferAllocator& allocator = process.arena().allocator();
  for (const Buffer* buffer = allocator.first_allocated(from_); buffer != nullptr;
       buffer = allocator.first_allocated(buffer->offset() + 1)) {
    from_ = buffer->offset();
    if (!slice.take()) return false;
    view.buffers.push_back(DebugViews::view_of(*buffer));
  }
  return true;
}

}  // namespace netbinder
