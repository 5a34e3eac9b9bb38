// SPDX-License-Identifier: Apache-2.0
//
// Values from JSON into a parcel, as their types say. 64-bit numbers may be texts; an object is the
// name of a service, and a file is its path.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "ndk/parcel/parcel.h"
#include "tools/aidl/types.h"

namespace netbinder::tools::aidl {

class ArgumentWriter {
 public:
  ArgumentWriter(Types& types, AParcel& parcel) : types_(types), parcel_(parcel) {}

  // `where` names the value in errors. Throws InputError.
  void write(const ValueType& type, const nlohmann::json& value, const std::string& where);
  // Writes what a caller sends for a parameter that is only `out`: an array's length.
  void write_out(const ValueType& type);

 private:
  class Deeper;

  void write_plain(const ValueType& type, const nlohmann::json& value, const std::string& where);
  void write_list(const ValueType& type, const nlohmann::json& value, const std::string& where);
  void write_bytes(const nlohmann::json& value, const std::string& where);
  void write_enum(const ValueType& type, const nlohmann::json& value, const std::string& where);
  void write_fields(const ValueType& type, const nlohmann::json& value, const std::string& where);
  void write_union(const ValueType& type, const nlohmann::json& value, const std::string& where);
  void write_file(const ValueType& type, const nlohmann::json& value, const std::string& where);
  void write_binder(const ValueType& type, const nlohmann::json& value, const std::string& where);
  void write_enumerator(Kind backing, std::int64_t number, const std::string& where);
  void write_default(const ValueType& type, const std::string& where);
  void check(binder_status_t status, const std::string& where);

  Types& types_;
  AParcel& parcel_;
  std::size_t depth_ = 0;
};

}  // namespace netbinder::tools::aidl
