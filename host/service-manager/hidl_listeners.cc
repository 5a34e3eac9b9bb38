// SPDX-License-Identifier: Apache-2.0
#include "host/service-manager/hidl_listeners.h"

#include <iterator>

#include "host/local_process.h"
#include "parcel/hidl.h"

namespace netbinder {

namespace {

constexpr const char* kNotification = "android.hidl.manager@1.0::IServiceNotification";
constexpr std::uint32_t kNotificationOnRegistration = 1;

}  // namespace

void HidlListeners::add(const Listener& listener) {
  handles_.hold(listener.callback);
  quota_.add(listener.pid);
  listeners_[listener.interface].push_back(listener);
  interfaces_of_[listener.callback].insert(listener.interface);
}

bool HidlListeners::remove(const std::string& interface, const std::string& instance,
                           Handle callback) {
  const auto known = interfaces_of_.find(callback);
  if (known == interfaces_of_.end()) return false;
  std::size_t gone = 0;
  for (auto it = known->second.begin(); it != known->second.end();) {
    if (!interface.empty() && *it != interface) {
      ++it;
      continue;
    }
    bool stays = false;
    gone += remove_if(*it, [&](const Listener& each) {
      const bool goes =
          each.callback == callback && (instance.empty() || each.instance == instance);
      stays = stays || (each.callback == callback && !goes);
      return goes;
    });
    it = stays ? std::next(it) : known->second.erase(it);
  }
  if (known->second.empty()) interfaces_of_.erase(known);
  for (std::size_t i = 0; i < gone; ++i) handles_.let_go(callback);
  return gone > 0;
}

void HidlListeners::remove_dead(Handle callback) {
  const auto known = interfaces_of_.find(callback);
  if (known == interfaces_of_.end()) return;
  for (const std::string& interface : known->second) {
    (void)remove_if(interface, [&](const Listener& each) { return each.callback == callback; });
  }
  interfaces_of_.erase(known);
}

template <typename Goes>
std::size_t HidlListeners::remove_if(const std::string& interface, const Goes& goes) {
  const auto waiting = listeners_.find(interface);
  const std::size_t gone = std::erase_if(waiting->second, [&](const Listener& each) {
    if (!goes(each)) return false;
    quota_.remove(each.pid);
    return true;
  });
  if (waiting->second.empty()) listeners_.erase(waiting);
  return gone;
}

void HidlListeners::tell(const std::string& name) const {
  // The part before a slash may be an interface that somebody waits for.
  for (std::size_t at = name.find('/'); at != std::string::npos; at = name.find('/', at + 1)) {
    const auto waiting = listeners_.find(name.substr(0, at));
    if (waiting == listeners_.end()) continue;
    const std::string instance = name.substr(at + 1);
    for (const Listener& each : waiting->second) {
      if (each.instance.empty() || each.instance == instance) tell(each, instance, false);
    }
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
  process_->call_oneway(listener.callback, kNotificationOnRegistration, writer.take());
}

}  // namespace netbinder
