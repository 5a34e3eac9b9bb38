// SPDX-License-Identifier: Apache-2.0
#include "host/service-manager/hidl_listeners.h"

#include "host/local_process.h"
#include "host/service-manager/hidl_parcel.h"

namespace netbinder {

namespace {

constexpr const char* kNotification = "android.hidl.manager@1.0::IServiceNotification";
constexpr std::uint32_t kOnRegistration = 1;

}  // namespace

void HidlListeners::add(const Listener& listener) {
  handles_.hold(listener.callback);
  quota_.add(listener.pid);
  listeners_.push_back(listener);
}

bool HidlListeners::remove(const std::string& interface, const std::string& instance,
                           Handle callback) {
  std::size_t gone = 0;
  std::erase_if(listeners_, [&](const Listener& each) {
    const bool goes = each.callback == callback && (interface.empty() || each.interface == interface) &&
                      (instance.empty() || each.instance == instance);
    if (goes) {
      quota_.remove(each.pid);
      ++gone;
    }
    return goes;
  });
  for (std::size_t i = 0; i < gone; ++i) handles_.let_go(callback);
  return gone > 0;
}

void HidlListeners::remove_dead(Handle callback) {
  std::erase_if(listeners_, [&](const Listener& each) {
    if (each.callback != callback) return false;
    quota_.remove(each.pid);
    return true;
  });
}

void HidlListeners::tell(const std::string& name) const {
  for (const Listener& each : listeners_) {
    if (name.size() <= each.interface.size() || !name.starts_with(each.interface) ||
        name[each.interface.size()] != '/') {
      continue;
    }
    const std::string instance = name.substr(each.interface.size() + 1);
    if (each.instance.empty() || each.instance == instance) tell(each, instance, false);
  }
}

void HidlListeners::tell_of_old(const Listener& listener, const std::string& instance) const {
  tell(listener, instance, true);
}

void HidlListeners::tell(const Listener& listener, const std::string& instance, bool before) const {
  if (!access_.sees(listener.caller, listener.interface + "/" + instance)) return;
  HidlWriter writer;
  writer.text(kNotification);
  writer.string(listener.interface);
  writer.string(instance);
  writer.i32(before ? 1 : 0);
  process_->call_oneway(listener.callback, kOnRegistration, writer.take());
}

}  // namespace netbinder
