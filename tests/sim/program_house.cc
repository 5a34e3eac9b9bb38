// SPDX-License-Identifier: Apache-2.0
//
// Housekeeping: what a program does with buffers, references and death notifications.
#include <utility>

#include "tests/sim/program.h"
#include "tests/sim/world.h"

namespace netbinder::sim {

void Program::free_buffer(std::size_t index) {
  Buffer buffer = std::move(buffers_[index]);
  buffers_.erase(buffers_.begin() + static_cast<std::ptrdiff_t>(index));
  std::uint64_t hash = 0;
  for (std::uint64_t i = 0; i < buffer.size; ++i) {
    hash = hash * 31 + static_cast<std::uint64_t>(arena_[buffer.offset + i]);
  }
  if (hash != buffer.hash) fail("a buffer has changed while it was held");
  for (const BufferHandle& each : buffer.handles) {
    Held& held = held_.at(each.handle);
    --(each.weak ? held.weak_buffers : held.buffers);
    if (!held.any()) held_.erase(each.handle);
  }
  free_array(buffer);
  if (buffer.oneway_node != 0) nodes_[buffer.oneway_node - 1].oneway = 0;
  later(BC_FREE_BUFFER, binder_uintptr_t{buffer.address});
}

void Program::keep_house() {
  Random& random = world_.random();
  while (!buffers_.empty() && (winding_down_ || !random.one_in(3))) {
    free_buffer(random.below(buffers_.size()));
  }
  close_some_file();
  if (held_.empty() || winding_down_) return;
  auto at = held_.begin();
  std::advance(at, random.below(held_.size()));
  auto& [handle, held] = *at;
  if (handle != 0 && held.weak_acquired > 0 && held.pins == 0 && random.one_in(2)) {
    later(BC_DECREFS, handle);
    --held.weak_acquired;
    if (!held.any()) {
      held_.erase(at);
      return;
    }
  }
  if (held.acquired == 0 || handle == 0) return;
  if (!held.watch && random.one_in(4)) {
    held.watch = (serial_ << 32) | next_cookie_++;
    watches_[*held.watch] = {.cookie = *held.watch,
                             .uid = held.uid,
                             .handle = handle,
                             .since_ms = held.since_ms,
                             .losses = world_.losses(host_, held.uid)};
    later(BC_REQUEST_DEATH_NOTIFICATION,
          binder_handle_cookie{.handle = handle, .cookie = *held.watch});
  } else if (held.watch && random.one_in(4)) {
    Watch& watch = watches_.at(*held.watch);
    if (watch.state == Watch::State::kArmed || watch.state == Watch::State::kTold) {
      watch.state = watch.state == Watch::State::kArmed ? Watch::State::kClearing
                                                        : Watch::State::kClearingTold;
      later(BC_CLEAR_DEATH_NOTIFICATION,
            binder_handle_cookie{.handle = handle, .cookie = watch.cookie});
    }
  } else if (held.freeze && random.one_in(4)) {
    clear_freeze(handle, *held.freeze);
  } else if (!held.watch && !held.freeze &&
             (held.acquired > 1 || (held.pins == 0 && random.one_in(2)))) {
    later(BC_RELEASE, handle);
    --held.acquired;
    if (!held.any()) held_.erase(at);
  }
}

void Program::let_go_of_everything() {
  while (!buffers_.empty()) free_buffer(buffers_.size() - 1);
  for (auto at = held_.begin(); at != held_.end();) {
    auto& [handle, held] = *at;
    if (held.freeze) {  // once its end is told
      clear_freeze(handle, *held.freeze);
      ++at;
      continue;
    }
    if (held.watch) {  // it ends with the reference
      watches_.at(*held.watch).state = Watch::State::kGivenUp;
      held.watch.reset();
    }
    for (; held.acquired > 0; --held.acquired) later(BC_RELEASE, handle);
    for (; held.weak_acquired > 0; --held.weak_acquired) later(BC_DECREFS, handle);
    at = held.any() ? std::next(at) : held_.erase(at);
  }
  // The driver has had those of arrays closed; the program closes all others itself.
  std::erase_if(fds_, [this](const auto& each) { return !closing_fds_.contains(each.first); });
}

std::optional<std::uint64_t> Program::holds_since(Uid uid, bool weakly) const {
  for (const auto& [handle, held] : held_) {
    if (held.uid == uid && (weakly ? held.any() : held.strong())) return held.since_ms;
  }
  return std::nullopt;
}

// ---- checks at peace ----

void Program::check_drained() {
  if (!alive_) return;
  // Every thread that waits does so in the driver, and can be interrupted.
  SimHost& host = *world_.host(host_);
  for (auto& [tid, thread] : threads_) {
    if (!thread.in_ioctl) continue;
    if (thread.posted) bring_read(thread);
    host.driver().interrupt(id_, ThreadId{tid});
    if (thread.in_ioctl) fail("the ioctl of thread " + std::to_string(tid) + " never ended");
  }
  check_knows_clients();
  for (const auto& [tid, thread] : threads_) {
    if (!thread.stack.empty() || !thread.expected.empty()) {
      fail("thread " + std::to_string(tid) + " is not done");
    }
  }
  for (const auto& [cookie, watch] : watches_) {
    const std::string name = "the death of node " + std::to_string(watch.uid);
    const bool dead = !world_.oracle().alive(program_of(watch.uid)) ||
                      world_.losses(host_, watch.uid) != watch.losses;
    if (watch.state == Watch::State::kArmed && dead) fail(name + " was never told");
    if (watch.state == Watch::State::kClearing || watch.state == Watch::State::kClearingTold) {
      fail("the notification of " + name + " was never cleared");
    }
  }
  for (const auto& [cookie, watch] : freezes_) {
    const Program* target = world_.program(program_of(watch.uid));
    if (target == nullptr || world_.oracle().troubled_since(watch.since_ms)) continue;
    const std::string name = "whether node " + std::to_string(watch.uid) + " is frozen";
    if (watch.clearing) {
      fail("the notification of " + name + " was never cleared");
    } else if (watch.told != target->frozen()) {
      fail(name + " was " + (watch.told ? "told wrong" : "never told"));
    }
  }
}

void Program::check_let_go() {
  if (!alive_) return;
  if (!fds_.empty()) fail(std::to_string(fds_.size()) + " descriptors were never closed");
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (!nodes_[i].unlisted && (nodes_[i].strong_told != 0 || nodes_[i].weak_told != 0)) {
      fail("node " + std::to_string(uid_of(i)) + " is held by nobody and was never released");
    }
  }
}

}  // namespace netbinder::sim
