// SPDX-License-Identifier: Apache-2.0
#include "tests/transport/memory_verbs.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "tests/transport/memory_verbs_state.h"

namespace netbinder::rdma {

void require(bool holds, const char* what) {
  if (!holds) {
    std::fprintf(stderr, "memory_verbs: %s\n", what);
    std::abort();
  }
}

MemoryFabric::MemoryFabric(const MemoryVerbsOptions& options_)
    : options(options_), random(options_.seed) {}

MemoryDevice& MemoryFabric::device(std::size_t index) {
  require(index < devices.size() && devices[index] != nullptr, "no such device, or closed");
  return *devices[index];
}

MemoryQueuePair* MemoryFabric::find(const Gid& gid, QueuePairNumber number) {
  for (MemoryQueuePair* pair : queue_pairs) {
    if (pair->number() == number && pair->domain().device.gid == gid) {
      return pair;
    }
  }
  return nullptr;
}

bool MemoryFabric::step() {
  struct Move {
    MemoryQueuePair* pair;
    bool completes;
  };
  std::vector<Move> moves;
  for (MemoryQueuePair* pair : queue_pairs) {
    if (pair->can_execute()) {
      moves.push_back({pair, false});
    }
    if (pair->can_complete()) {
      moves.push_back({pair, true});
    }
  }
  if (moves.empty()) {
    ++round;
    return false;
  }
  const Move move = moves[random() % moves.size()];
  move.completes ? move.pair->complete() : move.pair->execute();
  return true;
}

void MemoryFabric::run() {
  ++round;
  while (step()) {
  }
}

void MemoryFabric::polled() {
  if (!lazy()) {
    run();
    return;
  }
  for (std::uint64_t steps = random() % 4; steps > 0 && step(); --steps) {
  }
  tell_of_work();
}

void MemoryFabric::changed() { lazy() ? tell_of_work() : run(); }

void MemoryFabric::tell_of_work() {
  if (lazy() && hook && std::ranges::any_of(queue_pairs, &MemoryQueuePair::has_work)) {
    hook();
  }
}

MemoryVerbs::MemoryVerbs(const MemoryVerbsOptions& options)
    : fabric_(std::make_shared<MemoryFabric>(options)) {}

MemoryVerbs::~MemoryVerbs() { fabric_->hook = nullptr; }

std::expected<std::unique_ptr<Device>, std::string> MemoryVerbs::open(const DeviceChoice& choice) {
  if (!fabric_->fail_open.empty()) {
    return std::unexpected(std::exchange(fabric_->fail_open, {}));
  }
  if (choice.port > 1) {
    return std::unexpected("a device made of memory has no port " + std::to_string(choice.port));
  }
  if (choice.gid_index > 0) {
    return std::unexpected("a device made of memory has no gid " +
                           std::to_string(choice.gid_index));
  }
  const std::size_t index = fabric_->devices.size();
  const std::string name = choice.name.empty() ? "mem" + std::to_string(index) : choice.name;
  auto device = std::make_unique<MemoryDevice>(fabric_, index, name);
  fabric_->devices.push_back(device.get());
  return device;
}

bool MemoryVerbs::step() {
  const bool moved = fabric_->step();
  fabric_->tell_of_work();
  return moved;
}

void MemoryVerbs::run() {
  fabric_->run();
  fabric_->tell_of_work();
}

void MemoryVerbs::expire() {
  fabric_->expired = true;
  fabric_->run();
  fabric_->expired = false;
}

void MemoryVerbs::on_work(std::function<void()> hook) { fabric_->hook = std::move(hook); }
MemoryVerbs::Usage MemoryVerbs::usage() const { return fabric_->usage; }
MemoryVerbs::Misuse MemoryVerbs::misuse() const { return fabric_->misuse; }
MemoryVerbs::Posted MemoryVerbs::posted(std::size_t device) const {
  return fabric_->device(device).posted;
}
std::size_t MemoryVerbs::opened() const { return fabric_->devices.size(); }
void MemoryVerbs::fail_next_open(std::string why) { fabric_->fail_open = std::move(why); }

bool MemoryVerbs::closed(std::size_t device) const {
  return fabric_->devices.at(device) == nullptr;
}

void MemoryVerbs::limit_memory(std::size_t device, std::uint64_t bytes) {
  fabric_->device(device).memory_limit = bytes;
}

void MemoryVerbs::fail_next_registration(std::size_t device, std::string why) {
  fabric_->device(device).fail_registration = std::move(why);
}

void MemoryVerbs::fail_next_queue_pair(std::size_t device, std::string why) {
  fabric_->device(device).fail_queue_pair = std::move(why);
}

void MemoryVerbs::fail_next_send(std::size_t device, SendRequest::Kind kind,
                                 CompletionStatus status, bool executed) {
  require(status != CompletionStatus::kSuccess, "a failure has to be one");
  fabric_->device(device).fail_send[kind] = {status, executed};
}

void MemoryVerbs::fail_next_receive(std::size_t device, CompletionStatus status) {
  require(status != CompletionStatus::kSuccess, "a failure has to be one");
  fabric_->device(device).fail_receive = status;
}

void MemoryVerbs::fail_next_post(std::size_t device, int error) {
  require(error < 0, "an error is negative");
  fabric_->device(device).fail_post = error;
}

void MemoryVerbs::drop_queue_pair(std::size_t device, QueuePairNumber number) {
  MemoryQueuePair* pair = fabric_->find(fabric_->device(device).gid, number);
  require(pair != nullptr, "no such queue pair");
  pair->fail();
}

std::size_t MemoryVerbs::queue_pairs(std::size_t device) const {
  const MemoryDevice& owner = fabric_->device(device);
  return static_cast<std::size_t>(std::ranges::count_if(
      fabric_->queue_pairs,
      [&](MemoryQueuePair* pair) { return &pair->domain().device == &owner; }));
}

void MemoryVerbs::make_fatal(std::size_t device, const std::string& why, bool flushes) {
  MemoryDevice& failed = fabric_->device(device);
  failed.dead = true;
  failed.failure = why;
  for (MemoryQueuePair* pair : fabric_->queue_pairs) {
    if (&pair->domain().device == &failed) {
      flushes ? pair->fail() : pair->die();
    }
  }
  failed.wake();
}

void MemoryVerbs::port_down(std::size_t device) {
  MemoryDevice& down = fabric_->device(device);
  down.port_is_up = false;
  down.failure = "port 1 went down";
  down.wake();
}

void MemoryVerbs::port_up(std::size_t device) {
  fabric_->device(device).port_is_up = true;
  fabric_->changed();
}

}  // namespace netbinder::rdma
