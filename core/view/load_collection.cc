// SPDX-License-Identifier: Apache-2.0
#include "core/view/load_collection.h"

#include "core/model/model.h"
#include "core/model/slice.h"

namespace netbinder {

namespace {

ProcessLoad load_of(const Process& process) {
  const BufferAllocator& arena = process.arena().allocator();
  const CommandCounts& commands = process.commands();
  return {
      .id = process.id(),
      .pid = process.pid(),
      .euid = process.credentials().euid,
      .context = process.context().name(),
      .threads = process.threads().size(),
      .waiting_threads = process.loopers().waiting(),
      .nodes = process.nodes().size(),
      .refs = process.refs().size(),
      .outstanding = process.outstanding(),
      .arena_bytes = arena.size(),
      .arena_used_bytes = arena.size() - arena.free_space(),
      .calls_made = commands.bc[_IOC_NR(BC_TRANSACTION)] + commands.bc[_IOC_NR(BC_TRANSACTION_SG)],
      .calls_handled = commands.br[_IOC_NR(BR_TRANSACTION)]};
}

}  // namespace

LoadCollection::LoadCollection(const Model& model, const Viewer& viewer) : model_(model) {
  for (const auto& [id, process] : model_.processes()) {
    if (viewer.sees(process->credentials().euid)) left_.push_back(process->id());
  }
}

bool LoadCollection::go_on(std::vector<ProcessLoad>& loads) {
  Slice slice(model_.setup.slice_units);
  while (!left_.empty()) {
    if (!slice.take()) return false;
    if (const Process* const process = model_.find_process(left_.back())) {
      loads.push_back(load_of(*process));
      slice.use(loads.back().waiting_threads);  // which are counted one by one
    }
    left_.pop_back();
  }
  return true;
}

}  // namespace netbinder
