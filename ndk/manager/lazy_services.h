// SPDX-License-Identifier: Apache-2.0
//
// The lazy services of this process, which ends when none of them has clients, unless somebody
// holds it. Any thread.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "ndk/manager/service_manager.h"
#include "ndk/process/binder_object.h"

namespace netbinder::ndk {

class LazyServices {
 public:
  [[nodiscard]] static LazyServices& self();

  [[nodiscard]] binder_status_t add(const std::string& name, AIBinder* service,
                                    const ServiceFlags& flags);
  void persist(bool wanted);
  void set_callback(bool (*callback)(bool, void*), void* context);
  // All or none.
  [[nodiscard]] bool try_unregister();
  void register_again();

 private:
  struct Service {
    std::string name;
    StrongBinder binder;
    ServiceFlags flags;
    bool has_clients = false;
    bool registered = true;
  };

  void note_clients(AIBinder* service, bool has_clients);
  void maybe_end();

  // Calls of the manager are made with it: it is a recursive one, as callbacks may come back here.
  std::recursive_mutex mutex_;
  std::vector<Service> services_;
  StrongBinder callback_object_;
  std::size_t with_clients_ = 0;
  std::optional<bool> told_;  // whether the callback was told that there are clients
  bool persist_ = false;
  bool (*callback_)(bool, void*) = nullptr;
  void* context_ = nullptr;
};

}  // namespace netbinder::ndk
