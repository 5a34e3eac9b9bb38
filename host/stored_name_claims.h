// SPDX-License-Identifier: Apache-2.0
//
// Asks the store for the claims of one context's unique names. Owned by the NodeHost. Thread: the
// data-plane thread.
#pragma once

#include <string>
#include <utility>

#include "host/name_claim_key.h"
#include "host/service-manager/name_claims.h"
#include "host/surroundings.h"

namespace netbinder {

class StoredNameClaims final : public NameClaims {
 public:
  StoredNameClaims(Surroundings& surroundings, std::string context)
      : surroundings_(surroundings), context_(std::move(context)) {}

  void ask(const std::string& name) override { surroundings_.ask_for_claim(key(name)); }
  void release(const std::string& name) override { surroundings_.release_claim(key(name)); }

 private:
  [[nodiscard]] std::string key(const std::string& name) const {
    return NameClaimKey{.context = context_, .name = name}.text();
  }

  Surroundings& surroundings_;
  const std::string context_;
};

}  // namespace netbinder
