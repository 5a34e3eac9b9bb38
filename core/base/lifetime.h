// SPDX-License-Identifier: Apache-2.0
//
// The lifetime of an object that gives handlers away, to an event loop or to whoever answers it. A
// handler may be run when the object has ended; a guarded one does nothing then.
//
// Owned by that object, as its last member, so that it ends first. Thread: the object's; handlers
// run in the same one.
#pragma once

#include <functional>
#include <memory>
#include <utility>

namespace netbinder {

class Lifetime {
 public:
  Lifetime() = default;
  Lifetime(const Lifetime&) = delete;
  Lifetime& operator=(const Lifetime&) = delete;

  // A handler that runs this one, with its arguments, for as long as the object lives.
  template <typename Handler>
  [[nodiscard]] auto guard(Handler handler) const {
    return
        [handler = std::move(handler), lives = std::weak_ptr(token_)](auto&&... arguments) mutable {
          if (!lives.expired())
            std::invoke(handler, std::forward<decltype(arguments)>(arguments)...);
        };
  }

 private:
  struct Token {};
  const std::shared_ptr<const Token> token_ = std::make_shared<const Token>();
};

}  // namespace netbinder
