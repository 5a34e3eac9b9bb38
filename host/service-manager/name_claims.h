// SPDX-License-Identifier: Apache-2.0
//
// The claims of names that one host of the cluster may have at a time, for one context. The store
// that decides them answers each one by UniqueNames::answered(), later and in order.
//
// Implemented by the NodeHost's surroundings (host/stored_name_claims.h). Thread: the data-plane
// thread.
#pragma once

#include <string>

namespace netbinder {

class NameClaims {
 public:
  virtual ~NameClaims() = default;
  virtual void ask(const std::string& name) = 0;
  // Gives back a claim that was granted.
  virtual void release(const std::string& name) = 0;
};

}  // namespace netbinder
