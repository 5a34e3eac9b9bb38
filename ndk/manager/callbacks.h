// SPDX-License-Identifier: Apache-2.0
//
// Objects that the service manager calls: one hears of services that are registered, one of whether
// services have clients. Their calls come on threads that serve.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "ndk/process/binder_object.h"

namespace netbinder::ndk {

using OnRegistration = std::function<void(const std::string& name, StrongBinder service)>;
using OnClients = std::function<void(AIBinder* service, bool has_clients)>;

[[nodiscard]] StrongBinder make_service_callback(OnRegistration on_registration);
[[nodiscard]] StrongBinder make_client_callback(OnClients on_clients);

}  // namespace netbinder::ndk
