// SPDX-License-Identifier: Apache-2.0
#include "host/service-manager/listeners.h"

#include <iterator>

#include "host/local_process.h"
#include "host/service-manager/parcel_format.h"
#include "host/service-manager/protocol.h"

namespace netbinder {

namespace {

constexpr std::uint32_t kOnRegistration = 1;

}  // namespace

void Listeners::add(const std::string& name, const Listener& listener) {
  handles_.hold(listener.callback);
  listeners_[name].push_back(listener);
  quota_.add(listener.pid);
}

bool Listeners::remove(const std::string& name, Handle callback) {
  const auto found = listeners_.find(name);
  if (found == listeners_.end()) return false;
  const std::size_t gone = std::erase_if(found->second, [&](const Listener& listener) {
    if (listener.callback != callback) return false;
    quota_.remove(listener.pid);
    return true;
  });
  if (gone == 0) return false;
  if (found->second.empty()) listeners_.erase(found);
  for (std::size_t i = 0; i < gone; ++i) handles_.let_go(callback);
  return true;
}

void Listeners::remove_dead(Handle callback) {
  for (auto it = listeners_.begin(); it != listeners_.end();) {
    std::erase_if(it->second, [&](const Listener& listener) {
      if (listener.callback != callback) return false;
      quota_.remove(listener.pid);
      return true;
    });
    it = it->second.empty() ? listeners_.erase(it) : std::next(it);
  }
}

void Listeners::tell(const std::string& name, const Listener& listener,
                     const RegisteredService& service) {
  if (!access_.sees(listener.caller, name)) return;
  ParcelWriter writer;
  writer.i32(0);
  writer.i32(-1);
  writer.u32(listener.header);
  writer.string16(kCallbackInterface);
  writer.string16(name);
  put_handle(writer, service, listener.dialect);
  process_->call_oneway(listener.callback, kOnRegistration, writer.take());
}

void Listeners::tell(const std::string& name, const RegisteredService& service) {
  const auto waiting = listeners_.find(name);
  if (waiting == listeners_.end()) return;
  for (const Listener& listener : waiting->second) tell(name, listener, service);
}

}  // namespace netbinder
