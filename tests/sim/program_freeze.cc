// SPDX-License-Identifier: Apache-2.0
//
// Programs that are frozen, and programs that watch them.
#include "tests/sim/program.h"
#include "tests/sim/world.h"

namespace netbinder::sim {

// Its own process asks for it, on a thread that does nothing else.
void Program::set_frozen(bool frozen) {
  if (!alive_) return;
  SimHost& host = *world_.host(host_);
  binder_freeze_info info{};
  info.pid = static_cast<std::uint32_t>(host.driver().pid_of(id_));
  info.enable = frozen ? 1 : 0;
  freeze_error_ = 0;
  host.before_event();
  host.driver().control(id_, ThreadId{kFreezer}, BINDER_FREEZE,
                        {reinterpret_cast<std::byte*>(&info), sizeof info});
  host.after_event();
  world_.trace().note("freeze", {serial_, frozen ? 1ULL : 0, freeze_error_ == 0 ? 1ULL : 0});
  if (freeze_error_ == 0) {
    frozen_ = frozen;
    ++world_.oracle().statistics.freezes;
  } else if (freeze_error_ != -EAGAIN || !frozen) {
    fail("BINDER_FREEZE ended with " + std::to_string(freeze_error_));
  }
  if (frozen) world_.oracle().program_frozen(serial_);  // if but for a moment
  world_.flush(host_);
}

// The ioctl may wait for another host, so the thread does nothing after it.
void Program::watch_freezing(Thread& thread) {
  const auto handle = some_handle();
  if (!handle || *handle == 0) return;
  Held& held = held_.at(*handle);
  if (held.acquired == 0 || held.freeze) return;
  held.freeze = (serial_ << 32) | next_cookie_++;
  FreezeWatch& watch = freezes_[*held.freeze];
  watch.uid = held.uid;
  watch.handle = *handle;
  watch.since_ms = held.since_ms;
  pin(thread, *handle);
  later(kBcRequestFreezeNotification,
        binder_handle_cookie{.handle = *handle, .cookie = *held.freeze});
  thread.batch.push_back(std::move(pending_.back()));
  pending_.pop_back();
}

void Program::clear_freeze(std::uint32_t handle, std::uint64_t cookie) {
  FreezeWatch& watch = freezes_.at(cookie);
  if (!watch.requested || std::exchange(watch.clearing, true)) return;
  later(kBcClearFreezeNotification, binder_handle_cookie{.handle = handle, .cookie = cookie});
}

void Program::told_frozen(const binder_frozen_state& state) {
  const auto found = freezes_.find(state.cookie);
  if (found == freezes_.end()) {
    fail("a freeze notification that was not asked for");
    return;
  }
  ++world_.oracle().statistics.freezes_told;
  found->second.told = state.is_frozen != 0;
  later(kBcFreezeNotificationDone, binder_uintptr_t{state.cookie});
}

void Program::told_freeze_cleared(std::uint64_t cookie) {
  const auto found = freezes_.find(cookie);
  if (found == freezes_.end() || !found->second.clearing) {
    fail("a freeze notification was cleared unasked");
    return;
  }
  if (const auto held = held_.find(found->second.handle);
      held != held_.end() && held->second.freeze == cookie) {
    held->second.freeze.reset();
  }
  freezes_.erase(found);
}

}  // namespace netbinder::sim
