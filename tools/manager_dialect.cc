// SPDX-License-Identifier: Apache-2.0
#include "tools/manager_dialect.h"

namespace netbinder::tools {

namespace {

// The flags by which services are listed: all.
constexpr std::uint32_t kAllPriorities = 15;
constexpr std::int32_t kDefaultPriority = 8;
// A name that no service has.
constexpr const char* kNobody = "netbinder.nobody.has.this.name";
// The size of the null service in the answers to the question: getService, and getService2 of late
// 15 and of 16.
constexpr std::size_t kNullService = 4 + 24 + 4;
constexpr std::size_t kNullServiceOf16 = 5 * 4 + 24 + 4 + 4;

}  // namespace

const std::vector<ManagerDialect>& ManagerDialect::candidates() {
  static const std::vector<ManagerDialect> all = {
      ManagerDialect(TokenWords(Dialect::kClassic)),
      ManagerDialect(TokenWords(Dialect::kAndroid11, 0, kHeaderSystem)),
      ManagerDialect(TokenWords(Dialect::kAndroid10)),
      ManagerDialect(TokenWords(Dialect::kAndroid11, 0, kHeaderUnknown)),
      ManagerDialect(TokenWords(Dialect::kAndroid11, 0, kHeaderVendor))};
  return all;
}

ParcelWriter ManagerDialect::token() const {
  ParcelWriter writer;
  writer.interface_token(token_words_, "android.os.IServiceManager");
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
  if (!token_words_.has_header()) return made;
  ParcelReader reader(answer);
  if (reader.i32() != 0) return std::nullopt;
  made.has_status_ = true;
  made.stability_ = stability_word(Dialect::kAndroid11, Stability::kSystem);
  if (answer.data.size() == kNullService) {
    reader.seek(kNullService - 4);
    if (reader.i32() != 0) {
      made.stability_ = stability_word(Dialect::kAndroid12, Stability::kSystem);
    }
    return made;
  }
  made.check_ = 3;
  made.tells_lazy_ = answer.data.size() >= kNullServiceOf16;
  made.add_ = made.tells_lazy_ ? 5 : 4;
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

std::vector<ManagerDialect::Request> ManagerDialect::debug_info() const {
  if (!has_status_) return {};
  std::vector<std::uint32_t> codes = {14, 13, 12};  // of Android 14, 13 and 12
  if (check_ == 3) codes = {tells_lazy_ ? 16U : 15U};
  std::vector<Request> requests;
  for (const std::uint32_t code : codes) {
    ParcelWriter writer = token();
    requests.push_back({.code = code, .parcel = writer.take()});
  }
  return requests;
}

ManagerDialect::Request ManagerDialect::check_with_metadata(const std::string& name) const {
  Request request = check(name);
  request.code = 4;
  return request;
}

// No exception, a union that is there, its first member, a ServiceWithMetadata that is there, and its
// size; the binder and its stability; and whether it is lazy.
std::optional<bool> ManagerDialect::lazy_in(ParcelView answer) const {
  ParcelReader reader(answer);
  if (reader.i32() != 0 || reader.i32() != 1 || reader.i32() != 0 || reader.i32() != 1) {
    return std::nullopt;
  }
  (void)reader.i32();
  if (!reader.object()) return std::nullopt;
  (void)reader.i32();
  const auto lazy = reader.i32();
  if (!lazy) return std::nullopt;
  return *lazy != 0;
}

bool ManagerDialect::begin_result(ParcelReader& answer) const {
  return !has_status_ || answer.i32() == 0;
}

}  // namespace netbinder::tools
