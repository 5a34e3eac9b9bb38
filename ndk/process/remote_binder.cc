// SPDX-License-Identifier: Apache-2.0
#include "ndk/process/remote_binder.h"

#include <android/binder_ibinder_platform.h>
#include <android/binder_stability.h>

#include <algorithm>

#include "ndk/base/log.h"
#include "ndk/parcel/parcel.h"
#include "ndk/process/binder_class.h"
#include "ndk/process/codes.h"
#include "ndk/process/process.h"
#include "ndk/process/thread.h"

namespace netbinder::ndk {

bool RemoteBinder::associate(const AIBinder_Class* wanted) {
  const AIBinder_Class* const present = clazz();
  if (present != nullptr) return present == wanted || present->descriptor == wanted->descriptor;
  std::unique_lock lock(mutex_);
  if (!descriptor_) {
    lock.unlock();
    AParcel request(this);
    AParcel answer(this);
    std::string descriptor;
    const binder_status_t status = transact(kCodeInterface, request, &answer, 0);
    if (status != STATUS_OK || answer.read_string16(descriptor) != STATUS_OK) {
      log_line("no descriptor of an object that should be %s (status %d)",
               wanted->descriptor.c_str(), status);
      return false;
    }
    lock.lock();
    if (!descriptor_) descriptor_ = std::move(descriptor);
  }
  if (*descriptor_ != wanted->descriptor) {
    log_line("an object is %s and not %s", descriptor_->c_str(), wanted->descriptor.c_str());
    return false;
  }
  set_clazz(wanted);
  return true;
}

void RemoteBinder::describe(flat_binder_object& object) const {
  object.hdr.type = BINDER_TYPE_HANDLE;
  object.flags = FLAT_BINDER_FLAG_ACCEPTS_FDS;
  object.binder = 0;
  object.handle = handle_;
  object.cookie = 0;
}

binder_status_t RemoteBinder::transact(transaction_code_t code, const AParcel& in, AParcel* out,
                                       binder_flags_t flags) {
  if (!alive_.load(std::memory_order_relaxed)) return STATUS_DEAD_OBJECT;
  if (code >= FIRST_CALL_TRANSACTION && code <= LAST_CALL_TRANSACTION) {
    const Stability needed =
        (flags & FLAG_PRIVATE_VENDOR) != 0 ? Stability::kVendor : Stability::kSystem;
    const auto bits = static_cast<unsigned>(needed);
    if ((static_cast<unsigned>(stability()) & bits) != bits) {
      log_line("an object is not stable enough to be called from here");
      return STATUS_BAD_TYPE;
    }
  }
  Thread* const thread = Thread::self();
  if (thread == nullptr) return STATUS_NO_INIT;
  if (in.sensitive()) flags |= FLAG_CLEAR_BUF;
  const binder_status_t status =
      thread->transact(handle_, code, in, out, flags & ~FLAG_PRIVATE_VENDOR);
  if (status == STATUS_DEAD_OBJECT) alive_ = false;
  return status;
}

binder_status_t RemoteBinder::link(std::shared_ptr<DeathLink> link) {
  Thread* const thread = Thread::self();
  if (thread == nullptr) return STATUS_NO_INIT;
  const std::lock_guard lock(mutex_);
  if (!alive_) return STATUS_DEAD_OBJECT;
  std::erase_if(deaths_, [](const auto& known) { return known->ended(); });
  deaths_.push_back(std::move(link));
  if (!death_requested_) {
    death_requested_ = true;
    inc_weak();
    thread->request_death(handle_, this);
    return thread->flush();
  }
  return STATUS_OK;
}

binder_status_t RemoteBinder::unlink(const DeathCallbacks* callbacks, const void* cookie) {
  std::unique_lock lock(mutex_);
  for (auto known = deaths_.begin(); known != deaths_.end(); ++known) {
    if (!(*known)->is(callbacks, cookie) || !(*known)->claim()) continue;
    const std::shared_ptr<DeathLink> link = *known;
    deaths_.erase(known);
    lock.unlock();
    link->tell_unlinked();
    return STATUS_OK;
  }
  return alive_ ? STATUS_NAME_NOT_FOUND : STATUS_DEAD_OBJECT;
}

void RemoteBinder::note_death() {
  // Whoever hears of it may drop the last reference.
  inc_weak();
  std::vector<std::shared_ptr<DeathLink>> deaths;
  {
    const std::lock_guard lock(mutex_);
    alive_ = false;
    deaths.swap(deaths_);
    if (death_requested_) {
      death_requested_ = false;
      if (Thread* const thread = Thread::self()) thread->clear_death(handle_, this);
    }
  }
  for (const auto& link : deaths) {
    if (!link->claim()) continue;
    link->callbacks().on_died(link->cookie());
    link->tell_unlinked();
  }
  dec_weak();
}

binder_status_t RemoteBinder::link(std::shared_ptr<FrozenLink> link) {
  Thread* const thread = Thread::self();
  if (thread == nullptr) return STATUS_NO_INIT;
  std::optional<bool> present;
  {
    const std::lock_guard lock(mutex_);
    if (!alive_) return STATUS_DEAD_OBJECT;
    if (!freeze_requested_) {
      inc_weak();
      thread->request_freeze(handle_, this);
      if (thread->flush() != STATUS_OK) {  // older drivers do not know the command
        dec_weak();
        return STATUS_INVALID_OPERATION;
      }
      freeze_requested_ = true;
    } else {
      present = frozen_;
    }
    std::erase_if(frozen_links_, [](const auto& known) { return known->ended(); });
    frozen_links_.push_back(link);
  }
  if (present) {
    const std::lock_guard calling(link->calling);
    if (!link->ended()) link->callbacks().on_changed(link->cookie(), *present);
  }
  return STATUS_OK;
}

binder_status_t RemoteBinder::unlink(const FrozenCallbacks* callbacks, const void* cookie) {
  std::unique_lock lock(mutex_);
  for (auto known = frozen_links_.begin(); known != frozen_links_.end(); ++known) {
    if (!(*known)->is(callbacks, cookie) || !(*known)->claim()) continue;
    const std::shared_ptr<FrozenLink> link = *known;
    frozen_links_.erase(known);
    lock.unlock();
    link->tell_unlinked();
    return STATUS_OK;
  }
  return STATUS_NAME_NOT_FOUND;
}

void RemoteBinder::note_frozen(bool frozen) {
  std::vector<std::shared_ptr<FrozenLink>> links;
  {
    const std::lock_guard lock(mutex_);
    frozen_ = frozen;
    links = frozen_links_;
  }
  for (const auto& link : links) {
    const std::lock_guard calling(link->calling);
    if (!link->ended()) link->callbacks().on_changed(link->cookie(), frozen);
  }
}

void RemoteBinder::die() {
  Process* const process = Process::get();
  if (process != nullptr) process->proxies().forget(*this);
  std::vector<std::shared_ptr<DeathLink>> deaths;
  std::vector<std::shared_ptr<FrozenLink>> frozen_links;
  {
    const std::lock_guard lock(mutex_);
    alive_ = false;
    deaths.swap(deaths_);
    frozen_links.swap(frozen_links_);
    if (Thread* const thread = Thread::self()) {
      if (death_requested_) thread->clear_death(handle_, this);
      if (freeze_requested_) thread->clear_freeze(handle_, this);
      thread->release(handle_);
      thread->flush_unless_serving();
    }
    death_requested_ = false;
    freeze_requested_ = false;
  }
  for (const auto& link : deaths) link->end();
  for (const auto& link : frozen_links) link->end();
}

// ---- all of them ----

AIBinder* Proxies::find_or_make(std::uint32_t handle, Stability stability) {
  const std::lock_guard lock(mutex_);
  if (handle >= by_handle_.size()) by_handle_.resize(handle + 1, nullptr);
  RemoteBinder*& known = by_handle_[handle];
  // A proxy that is about to end keeps its entry, and stays in memory, until it has this lock.
  if (known != nullptr && known->try_inc_strong()) return known;
  known = new RemoteBinder(handle, stability);
  if (Thread* const thread = Thread::self()) {
    thread->acquire(handle);
    // Now, as the buffer that has the handle may be freed on another thread.
    (void)thread->flush();
  }
  return known;
}

void Proxies::forget(const RemoteBinder& proxy) {
  const std::lock_guard lock(mutex_);
  if (by_handle_[proxy.handle()] == &proxy) by_handle_[proxy.handle()] = nullptr;
}

void Proxies::die_with_driver() {
  std::vector<RemoteBinder*> all;
  {
    const std::lock_guard lock(mutex_);
    for (RemoteBinder* const proxy : by_handle_) {
      if (proxy != nullptr && proxy->try_inc_strong()) all.push_back(proxy);
    }
  }
  for (RemoteBinder* const proxy : all) {
    proxy->note_death();
    proxy->dec_strong();
  }
}

}  // namespace netbinder::ndk
