// SPDX-License-Identifier: Apache-2.0
//
// Values from a parcel as JSON. 64-bit numbers are texts, as JSON's readers would round them; an
// object is "handle N", and a file what it is of.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <stdexcept>

#include "ndk/parcel/parcel.h"
#include "tools/aidl/types.h"

namespace netbinder::tools::aidl {

// The answer is not what the .aidl file says.
class AnswerError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class AnswerReader {
 public:
  AnswerReader(Types& types, const AParcel& parcel) : types_(types), parcel_(parcel) {}

  // Throws AnswerError.
  [[nodiscard]] nlohmann::json read(const ValueType& type);

 private:
  [[nodiscard]] nlohmann::json read_list(const ValueType& type);
  [[nodiscard]] nlohmann::json read_fields(const ValueType& type);
  [[nodiscard]] nlohmann::json read_union(const ValueType& type);
  [[nodiscard]] nlohmann::json read_text();
  [[nodiscard]] nlohmann::json read_file();
  [[nodiscard]] nlohmann::json read_binder();
  [[nodiscard]] nlohmann::json enumerator(const Declaration& declaration, std::int64_t number);
  template <typename Value>
  [[nodiscard]] Value take();
  [[nodiscard]] std::size_t left() const;

  Types& types_;
  const AParcel& parcel_;
  std::size_t depth_ = 0;
};

}  // namespace netbinder::tools::aidl
