// SPDX-License-Identifier: Apache-2.0
//
// Asks services for their interfaces, on threads of its own, as one that does not answer must not
// keep the answers of the others away. One that is not answered in time is left behind with its
// thread.
//
// One thread at a time uses it.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace netbinder::tools {

class InterfaceQuestions {
 public:
  explicit InterfaceQuestions(std::string device);
  ~InterfaceQuestions();
  InterfaceQuestions(const InterfaceQuestions&) = delete;
  InterfaceQuestions& operator=(const InterfaceQuestions&) = delete;

  // Nothing: there is no such service any more, it has no interface, or it has not answered in
  // time.
  std::optional<std::string> ask(const std::string& name, std::chrono::milliseconds limit);

 private:
  struct Asker;

  const std::string device_;
  std::shared_ptr<Asker> asker_;  // null: the last one has not answered
};

}  // namespace netbinder::tools
