// SPDX-License-Identifier: Apache-2.0
#include "tools/manager_dialect.h"

namespace netbinder::tools {

namespace {

// Words in front of the interface's name: up to Android 9, in 10, from 11 on.
constexpr int kUpTo9 = 1;
constexpr int kIn10 = 2;
constexpr int kFrom11 = 3;
constexpr std::uint32_t kSystem = 0x53595354;
constexpr std::uint32_t kVendor = 0x564e4452;
constexpr std::uint32_t kUnknown = 0x554e4b4e;
constexpr std::uint32_t kSystemStability = 0x0c;
constexpr std::uint32_t kSystemStabilityOf12 = 0x0c000001;
// The flags by which services are listed: all.
constexpr std::uint32_t kAllPriorities = 15;
constexpr std::int32_t kDefaultPriority = 8;
// A name that no service has.
constexpr const char* kNobody = "netbinder.nobody.has.this.name";
// The size of the null service in the answers to the question: getService, and getService2 of late 15
// and of 16.
constexpr std::size_t kNullService = 4 + 24 + 4;
constexpr std::size_t kNullServiceOf16 = 5 * 4 + 24 + 4 + 4;

}  // namespace

const std::vector<ManagerDialect>& ManagerDialect::candidates() {
  static const std::vector<ManagerDialect> all = {
      {kUpTo9, 0}, {kFrom11, kSystem}, {kIn10, 0}, {kFrom11, kUnknown}, {kFrom11, kVendor}};
  return all;
}

ParcelWriter ManagerDialect::token() const {
  ParcelWriter writer;
  writer.i32(0);
  if (token_words_ >= kIn10) writer.i32(-1);
  if (token_words_ >= kFrom11) writer.u32(header_);
  writer.string16("android.os.IServiceManager");
  return writer;
}

ParcelBytes ManagerDialect::question() const {
  ParcelWriter writer = token();
  writer.string16(kNobody);
  return writer.take();
}

std::optional<ManagerDialect> ManagerDialect::understood(ParcelView answer, bool status) const {
  if (status) return std::nullopt;
  ManagerDialect made = *this;
  if (token_words_ < kFrom11) return made;
  ParcelReader reader(answer);
  if (reader.i32() != 0) return std::nullopt;
  made.has_status_ = true;
  made.stability_ = kSystemStability;
  if (answer.data.size() == kNullService) {
    reader.seek(kNullService - 4);
    if (reader.i32() != 0) made.stability_ = kSystemStabilityOf12;
    return made;
  }
  made.check_ = 3;
  made.add_ = answer.data.size() >= kNullServiceOf16 ? 5 : 4;
  made.list_ = made.add_ + 1;
  return made;
}

ManagerDialect::Request ManagerDialect::check(const std::string& name) const {
  ParcelWriter writer = token();
  writer.string16(name);
  return {.code = check_, .parcel = writer.take()};
}

ManagerDialect::Request ManagerDialect::add(const std::string& name, std::uint64_t ptr) const {
  ParcelWriter writer = token();
  writer.string16(name);
  writer.binder(ptr, ptr);
  if (has_status_) writer.u32(stability_);
  writer.i32(0);
  writer.i32(kDefaultPriority);
  return {.code = add_, .parcel = writer.take()};
}

ManagerDialect::Request ManagerDialect::list(std::uint32_t index) const {
  ParcelWriter writer = token();
  writer.u32(has_status_ ? kAllPriorities : index);
  if (!has_status_) writer.u32(kAllPriorities);
  return {.code = list_, .parcel = writer.take()};
}

bool ManagerDialect::begin_result(ParcelReader& answer) const {
  return !has_status_ || answer.i32() == 0;
}

}  // namespace netbinder::tools
