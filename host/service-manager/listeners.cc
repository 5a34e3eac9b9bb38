// SPDX-License-Identifier: Apache-2.0
#include "host/service-manager/listeners.h"

#include <iterator>

#include "host/local_process.h"
#include "host/service-manager/protocol.h"
#include "parcel/writer.h"

namespace netbinder {

namespace {

constexpr std::uint32_t kCallbackOnRegistration = 1;

}  // namespace

void Listeners::add(const std::string& name, const Listener& listener) {
  handles_.hold(listener.callback);
  listeners_[name].push_back(listener);
  names_of_[listener.callback].insert(name);
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
  const auto names = names_of_.find(callback);
  names->second.erase(name);
  if (names->second.empty()) names_of_.erase(names);
  for (std::size_t i = 0; i < gone; ++i) handles_.let_go(callback);
  return true;
}

void Listeners::remove_dead(Handle callback) {
  const auto known = names_of_.find(callback);
  if (known == names_of_.end()) return;
  for (const std::string& name : known->second) {
    const auto waiting = listeners_.find(name);
    std::erase_if(waiting->second, [&](const Listener& listener) {
      if (listener.callback != callback) return false;
      quota_.remove(listener.pid);
      return true;
    });
    if (waiting->second.empty()) listeners_.erase(waiting);
  }
  names_of_.erase(known);
}

void Listeners::tell(const std::string& name, const Listener& listener,
                     const RegisteredService& service) {
  if (!access_.sees(listener.caller, name)) return;
  ParcelWriter writer;
  writer.interface_token(header_token(listener.header), kCallbackInterface);
  writer.string16(name);
  put_handle(writer, service, listener.dialect);
  process_->call_oneway(listener.callback, kCallbackOnRegistration, writer.take());
}

void Listeners::tell(const std::string& name, const RegisteredService& service) {
  const auto waiting = listeners_.find(name);
  if (waiting == listeners_.end()) return;
  for (const Listener& listener : waiting->second) tell(name, listener, service);
}

}  // namespace netbinder
