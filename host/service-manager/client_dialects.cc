// SPDX-License-Identifier: Apache-2.0
#include "host/service-manager/client_dialects.h"

namespace netbinder {

void ClientDialects::wants(std::int32_t pid, const std::string& dialect) {
  if (const auto wanted = parse_dialect(dialect)) {
    if (clients_.size() >= kMaxClients) clients_.clear();
    clients_[pid].wanted = wanted;
  }
}

void ClientDialects::suggested(std::int32_t pid, const std::string& dialect) {
  if (const auto loaded = parse_dialect(dialect)) {
    if (clients_.size() >= kMaxClients) clients_.clear();
    Client& client = clients_[pid];
    if (!client.detected) client.detected = loaded;
  }
}

Dialect ClientDialects::of_call(std::int32_t pid, std::uint32_t code, const RequestShape& shape) {
  const auto detected = detect_dialect(code, shape);
  if (pid == 0) return configured_.value_or(detected.value_or(Dialect::kAndroid14));
  if (clients_.size() >= kMaxClients && !clients_.contains(pid)) clients_.clear();
  Client& client = clients_[pid];
  if (detected) {
    // A sign that several versions share does not replace an exact one: code 3 with a name occurs
    // in late 15 and 16; adding and listing are alike from 11 to 14.
    const bool keeps =
        *detected == Dialect::kAndroid15 && code == 3 && client.detected == Dialect::kAndroid16;
    const bool refines = *detected == Dialect::kAndroid14 && (code == 3 || code == 4) &&
                         client.detected && *client.detected < Dialect::kAndroid14;
    if (!keeps && !refines) client.detected = detected;
  }
  if (client.wanted && *client.wanted != Dialect::kClassic) return *client.wanted;
  if (configured_ && *configured_ != Dialect::kClassic) return *configured_;
  return client.detected.value_or(Dialect::kAndroid14);
}

}  // namespace netbinder
