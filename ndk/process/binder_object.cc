// SPDX-License-Identifier: Apache-2.0
#include "ndk/process/binder_object.h"

#include "ndk/process/local_binder.h"
#include "ndk/process/process.h"
#include "ndk/process/remote_binder.h"

namespace {

std::uint64_t next_serial() {
  static std::atomic<std::uint64_t> next = 1;
  return next.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

AIBinder::AIBinder(const AIBinder_Class* clazz, netbinder::ndk::Stability stability)
    : clazz_(clazz), stability_(stability), serial_(next_serial()) {}

void AIBinder::inc_strong() { strong_.fetch_add(1, std::memory_order_relaxed); }

bool AIBinder::try_inc_strong() {
  std::int32_t count = strong_.load(std::memory_order_relaxed);
  while (count > 0) {
    if (strong_.compare_exchange_weak(count, count + 1, std::memory_order_acquire,
                                      std::memory_order_relaxed)) {
      return true;
    }
  }
  return false;
}

void AIBinder::dec_strong() {
  if (strong_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  die();
  dec_weak();
}

void AIBinder::inc_weak() { weak_.fetch_add(1, std::memory_order_relaxed); }

void AIBinder::dec_weak() {
  if (weak_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

binder_status_t AIBinder::from_parcel(const flat_binder_object& object,
                                      netbinder::ndk::Stability stability, AIBinder*& binder) {
  using namespace netbinder::ndk;
  switch (object.hdr.type) {
    case BINDER_TYPE_BINDER: {
      auto* const local = reinterpret_cast<LocalBinder*>(object.cookie);
      local->inc_strong();  // the parcel holds one
      binder = local;
      return STATUS_OK;
    }
    case BINDER_TYPE_HANDLE: {
      if (stability == Stability::kUndeclared) return STATUS_BAD_TYPE;
      Process* const process = Process::get();
      if (process == nullptr) return STATUS_NO_INIT;
      binder = process->proxies().find_or_make(object.handle, stability);
      return STATUS_OK;
    }
    default:
      return STATUS_BAD_TYPE;
  }
}
