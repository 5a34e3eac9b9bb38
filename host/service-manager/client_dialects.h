// SPDX-License-Identifier: Apache-2.0
//
// Determines the dialect of each client of the service manager: by what its environment asks for,
// by what the configuration says, and by what its calls show.
//
// Owned by the ServiceManager.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "host/service-manager/dialect.h"

namespace netbinder {

class ClientDialects {
 public:
  explicit ClientDialects(const std::string& configured) : configured_(parse_dialect(configured)) {}

  // The dialect that a program wants, before its first call; kept by pid. It overrides the
  // configuration.
  void wants(std::int32_t pid, const std::string& dialect);
  // The dialect of its libbinder. The configuration, and what its calls show, override it.
  void suggested(std::int32_t pid, const std::string& dialect);
  // The program has gone; the next one with its pid may speak another dialect.
  void forget(std::int32_t pid) { clients_.erase(pid); }
  // The dialect of a call; `pid` 0 is a program of another host.
  Dialect of_call(std::int32_t pid, std::uint32_t code, const RequestShape& shape);

 private:
  static constexpr std::size_t kMaxClients = 16384;

  struct Client {
    std::optional<Dialect> wanted;    // by the program's environment
    std::optional<Dialect> detected;  // by what it has loaded and what it sent
  };

  std::optional<Dialect> configured_;
  std::map<std::int32_t, Client> clients_;  // by pid
};

}  // namespace netbinder
