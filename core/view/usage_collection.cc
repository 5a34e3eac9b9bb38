// SPDX-License-Identifier: Apache-2.0
#include "core/view/usage_collection.h"

#include "core/model/model.h"
#include "core/model/slice.h"

namespace netbinder {

UsageCollection::UsageCollection(const Model& model) : model_(model) {
  usage_.calls_without_context = model_.calls_without_context();
  usage_.transactions = model_.calls.live();
  usage_.death_notifications = model_.deaths.live();
  left_.reserve(model_.processes().size());
  for (const auto& [id, process] : model_.processes()) left_.push_back(process->id());
  // A device that was removed and one that is there now can have one name; the calls are of the one
  // that is there.
  for (const auto& context : model_.contexts()) {
    if (context->listed()) usage_.contexts[context->name()].calls = context->calls();
  }
}

bool UsageCollection::go_on() {
  Slice slice(model_.setup.slice_units);
  while (!left_.empty()) {
    if (!slice.take()) return false;
    if (const Process* const process = model_.find_process(left_.back())) {
      add(usage_.contexts[process->context().name()], *process);
      slice.use(process->loopers().waiting());  // which are counted one by one
    }
    left_.pop_back();
  }
  return true;
}

void UsageCollection::add(ContextUsage& usage, const Process& process) {
  const BufferAllocator& arena = process.arena().allocator();
  ++usage.processes;
  usage.threads += process.threads().size();
  usage.waiting_threads += process.loopers().waiting();
  usage.nodes += process.nodes().size();
  usage.refs += process.refs().size();
  usage.buffers += arena.allocated_count();
  usage.outstanding += process.outstanding();
  usage.arena_bytes += arena.size();
  usage.arena_used_bytes += arena.size() - arena.free_space();
  usage.async_bytes += arena.async_space();
  usage.async_free_bytes += arena.free_async_space();
}

}  // namespace netbinder
