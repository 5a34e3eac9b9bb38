// SPDX-License-Identifier: Apache-2.0
//
// The program's side of the driver, for the commands that call services. It uses only the system's
// binder interface, so it works on the kernel's driver as well. One thread.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/ids.h"
#include "core/base/uapi.h"
#include "host/service-manager/service_facts.h"
#include "parcel/commands.h"
#include "parcel/view.h"
#include "tools/manager_dialect.h"

namespace netbinder::tools {

class BinderClient {
 public:
  static constexpr std::size_t kMapBytes = 4U << 20;

  // Opens and maps the device. Throws std::runtime_error.
  explicit BinderClient(const std::string& device = "/dev/binder");
  ~BinderClient();
  BinderClient(const BinderClient&) = delete;
  BinderClient& operator=(const BinderClient&) = delete;

  // A reply lies in the mapping until it is freed.
  struct Reply {
    binder_transaction_data data{};
    [[nodiscard]] ParcelView parcel() const;
  };
  // Calls and waits. An error is the name of the return command, like "BR_DEAD_REPLY".
  std::expected<Reply, std::string> call(std::uint32_t handle, std::uint32_t code,
                                         const ParcelBytes& request);
  // The buffer is freed with the next call.
  void free(const Reply& reply);

  // Requests to the service manager, in the way that it understands.
  std::optional<std::uint32_t> find_service(const std::string& name);
  std::vector<std::string> list_services();
  bool add_service(const std::string& name, std::uint64_t ptr);

  // ---- what is known of services, beyond their names ----
  // Nothing: the manager is not a built-in one.
  std::optional<std::vector<ServiceFacts>> service_facts();
  // By name; empty if the manager does not tell.
  std::map<std::string, std::int32_t> service_pids();
  // Nothing: the manager does not tell.
  std::optional<bool> is_lazy(const std::string& name);
  // Nothing: the object has no interface, or does not answer.
  std::optional<std::string> interface_of(std::uint32_t handle);

  // Answers each call with the bytes that were sent, until the process ends.
  [[noreturn]] void serve_echo();

 private:
  // Found out with the first request.
  const ManagerDialect& dialect();
  std::expected<Reply, std::string> ask(const ManagerDialect::Request& request);
  // Writes the gathered commands and reads; handles what was read one by one.
  void exchange(const std::function<void(const Return&)>& handle);

  int fd_ = -1;
  void* mapping_ = nullptr;
  std::optional<ManagerDialect> dialect_;
  std::vector<std::byte> commands_;
  std::vector<std::byte> read_;
};

}  // namespace netbinder::tools
