// SPDX-License-Identifier: Apache-2.0
//
// How a context's manager wants to be asked. The built-in one takes the classic way, but a program
// that is the manager takes that of its version of Android only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/uapi.h"
#include "parcel/reader.h"
#include "parcel/view.h"
#include "parcel/writer.h"

namespace netbinder::tools {

class ManagerDialect {
 public:
  // The ways, in the order in which they are to be tried.
  [[nodiscard]] static const std::vector<ManagerDialect>& candidates();

  // A request that shows whether the manager understands it, and what its answer means: the
  // dialect, or nothing if it does not understand. `status` is TF_STATUS_CODE of the answer.
  [[nodiscard]] ParcelBytes question() const;
  static constexpr std::uint32_t kQuestionCode = 2;
  [[nodiscard]] std::optional<ManagerDialect> understood(ParcelView answer, bool status) const;

  struct Request {
    std::uint32_t code = 0;
    ParcelBytes parcel;
  };
  [[nodiscard]] Request check(const std::string& name) const;
  [[nodiscard]] Request add(const std::string& name, std::uint64_t ptr) const;
  // The names from that one on.
  [[nodiscard]] Request list(std::uint32_t index) const;
  // Whether one answer to list() has all names.
  [[nodiscard]] bool lists_at_once() const { return has_status_; }
  // The pids of all services are asked for in one of these ways; where the manager knows none of them,
  // it does not tell. In this order, as the number of one is another method's in a later version.
  [[nodiscard]] std::vector<Request> debug_info() const;
  // Whether answers to check_with_metadata() say that a service is lazy.
  [[nodiscard]] bool tells_lazy() const { return tells_lazy_; }
  [[nodiscard]] Request check_with_metadata(const std::string& name) const;
  // Whether such an answer says that the service is lazy; nothing: there is no such service.
  [[nodiscard]] std::optional<bool> lazy_in(ParcelView answer) const;
  // Moves to the beginning of a result; false if the answer is an exception.
  [[nodiscard]] bool begin_result(ParcelReader& answer) const;

 private:
  explicit ManagerDialect(TokenWords token_words) : token_words_(token_words) {}
  [[nodiscard]] ParcelWriter token() const;

  TokenWords token_words_;
  bool has_status_ = false;
  bool tells_lazy_ = false;
  std::uint32_t check_ = 2;
  std::uint32_t add_ = 3;
  std::uint32_t list_ = 4;
  std::uint32_t stability_ = 0;
};

}  // namespace netbinder::tools
