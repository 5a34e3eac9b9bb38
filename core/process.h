// SPDX-License-Identifier: Apache-2.0
//
// A binder process: one open of a binder device. Owned by the Driver; owns its threads, the nodes
// it published, its refs and its buffers.
#pragma once

#include <array>
#include <boost/container/flat_map.hpp>
#include <boost/container/small_vector.hpp>
#include <boost/intrusive/list.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/buffer_allocator.h"
#include "core/handle_table.h"
#include "core/ids.h"
#include "core/leased_space.h"
#include "core/node.h"
#include "core/statistics.h"
#include "core/thread.h"

namespace netbinder {

struct Context;

// Who opened the device, as the host program attests.
struct Credentials {
  std::int32_t pid = 0;
  std::uint32_t euid = 0;
  std::string security_context;  // not empty
  std::int32_t nice = 0;         // which loopers take on when they wait for work
};

struct Process {
  Process(ProcessId with_id, Context& in, Credentials of)
      : id(with_id), context(in), credentials(std::move(of)) {}
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  ProcessId id;
  Context& context;
  Credentials credentials;

  std::uint64_t user_base = 0;  // the arena's address in the program
  std::span<std::byte> arena;   // the same memory, here
  BufferAllocator allocator;
  boost::intrusive::list<
      LeasedSpace, boost::intrusive::member_hook<LeasedSpace, boost::intrusive::list_member_hook<>,
                                                 &LeasedSpace::process_hook>>
      leases;  // of peers, unused

  // By tid. Those of most processes have their place in the Process itself.
  boost::container::small_flat_map<std::uint32_t, std::unique_ptr<Thread>, 4> threads;
  boost::intrusive::list<Thread, boost::intrusive::base_hook<WaitingHook>,
                         boost::intrusive::constant_time_size<false>>
      waiting_threads;  // blocked readers that take process work, latest first
  // Those whose reads may be posted (posted_reads.cc), latest last.
  boost::intrusive::list<Thread, boost::intrusive::base_hook<WaitingHook>,
                         boost::intrusive::constant_time_size<false>>
      posting_threads;
  TodoList todo;
  TodoList delivered_deaths;
  TodoList delivered_freezes;

  boost::unordered_flat_map<std::uint64_t, Node*> nodes;  // by ptr
  HandleTable handles;
  boost::unordered_flat_map<const Node*, Ref*> refs_by_node;

  CommandCounts commands;
  std::uint32_t max_threads = 0;
  std::uint32_t requested_threads = 0;
  std::uint32_t requested_threads_started = 0;
  std::uint64_t outstanding_transactions = 0;
  bool is_frozen = false;
  bool sync_received = false;   // while frozen
  bool async_received = false;  // while frozen
  bool spam_detection = false;
  bool is_dead = false;

  std::uint32_t ready_threads = 0;  // threads with work whose read would not block
  bool readable = false;            // as last told to the host program
  bool touched = false;             // readiness to be looked at again
};

}  // namespace netbinder
