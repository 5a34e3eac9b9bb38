// SPDX-License-Identifier: Apache-2.0
#include <android/binder_stability.h>

#include "ndk/base/log.h"
#include "ndk/process/local_binder.h"

using namespace netbinder::ndk;

namespace {

LocalBinder& local(AIBinder* binder) {
  if (binder == nullptr || binder->remote()) fatal("only local objects have a stability to mark");
  return static_cast<LocalBinder&>(*binder);
}

// The system's stability is what objects have from the start, so it can be replaced.
void mark(AIBinder* binder, Stability level) {
  LocalBinder& object = local(binder);
  if (object.downgraded()) return;
  const Stability present = object.stability();
  if (present == Stability::kVintf && level == Stability::kSystem) return;
  if (present != level && present != Stability::kSystem) {
    fatal("an object is already marked with another stability");
  }
  object.set_stability(level);
}

void downgrade(AIBinder* binder, Stability level) {
  LocalBinder& object = local(binder);
  if (object.stability() != Stability::kVintf && object.stability() != level) {
    fatal("only objects that are stable for vintf can be downgraded");
  }
  object.downgrade(level);
}

bool stable_for(AIBinder* binder, Stability level) {
  const auto bits = static_cast<unsigned>(level);
  return binder != nullptr && (static_cast<unsigned>(binder->stability()) & bits) == bits;
}

}  // namespace

void AIBinder_markSystemStability(AIBinder* binder) { mark(binder, Stability::kSystem); }
void AIBinder_markVendorStability(AIBinder* binder) { mark(binder, Stability::kVendor); }
void AIBinder_markVintfStability(AIBinder* binder) { mark(binder, Stability::kVintf); }

void AIBinder_forceDowngradeToSystemStability(AIBinder* binder) {
  downgrade(binder, Stability::kSystem);
}

void AIBinder_forceDowngradeToVendorStability(AIBinder* binder) {
  downgrade(binder, Stability::kVendor);
}

bool AIBinder_requiresVintfDeclaration(AIBinder* binder) {
  return binder != nullptr && !binder->remote() && stable_for(binder, Stability::kVintf);
}

bool AIBinder_isVendorStable(AIBinder* binder) { return stable_for(binder, Stability::kVendor); }
bool AIBinder_isSystemStable(AIBinder* binder) { return stable_for(binder, Stability::kSystem); }
