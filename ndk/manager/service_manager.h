// SPDX-License-Identifier: Apache-2.0
//
// The client of the service manager behind handle 0, in the dialect of the environment or in the
// one that fits what answers. Any thread.
#pragma once

#include <android/binder_ibinder.h>
#include <android/binder_status.h>

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ndk/parcel/parcel.h"
#include "ndk/process/binder_object.h"

namespace netbinder::ndk {

// How a call of the manager has ended: the call's status, and the exception that the manager has
// answered with, if it has.
struct ManagerResult {
  binder_status_t status = STATUS_OK;
  binder_exception_t exception = EX_NONE;

  [[nodiscard]] bool ok() const { return status == STATUS_OK && exception == EX_NONE; }
};

// The visibility of a service: to isolated programs and in dumps; and whether it is lazy.
struct ServiceFlags {
  bool allow_isolated = false;
  std::int32_t dump_priority = 8;  // the default one
  bool lazy = false;
};

class ServiceManager {
 public:
  [[nodiscard]] static ServiceManager& self();

  // Whether there is a manager, at once.
  [[nodiscard]] bool there();
  // Returns when there is one.
  void wait_until_there();

  [[nodiscard]] StrongBinder check_service(const std::string& name);
  [[nodiscard]] ManagerResult add_service(const std::string& name, AIBinder* service,
                                          const ServiceFlags& flags);
  [[nodiscard]] ManagerResult register_for_notifications(const std::string& name,
                                                         AIBinder* callback);
  [[nodiscard]] ManagerResult unregister_for_notifications(const std::string& name,
                                                           AIBinder* callback);
  [[nodiscard]] bool is_declared(const std::string& name);
  [[nodiscard]] std::vector<std::string> declared_instances(const std::string& interface);
  // Empty if it is not.
  [[nodiscard]] std::string updatable_via_apex(const std::string& name);
  [[nodiscard]] ManagerResult register_client_callback(const std::string& name, AIBinder* service,
                                                       AIBinder* callback);
  [[nodiscard]] ManagerResult try_unregister_service(const std::string& name, AIBinder* service);

 private:
  enum class Method : std::uint8_t;
  using Write = std::function<binder_status_t(Parcel&, Dialect)>;
  using Read = std::function<binder_status_t(const Parcel&, Dialect)>;

  ServiceManager() = default;
  // The manager's, as far as a method needs it; nothing if there is no manager.
  [[nodiscard]] std::optional<Dialect> dialect_for(Method method);
  [[nodiscard]] std::optional<Dialect> find_family();
  [[nodiscard]] ManagerResult call(Method method, const Write& write, const Read& read);
  [[nodiscard]] ManagerResult call_about(Method method, const std::string& name,
                                         const std::vector<AIBinder*>& objects);
  [[nodiscard]] static binder_status_t transact(std::uint32_t code, const AParcel& request,
                                                AParcel* answer);

  std::mutex mutex_;
  std::optional<Dialect> dialect_;  // of a manager that has answered
  bool exact_ = false;              // it is told from those that differ in later methods only
};

}  // namespace netbinder::ndk
