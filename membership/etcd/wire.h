// SPDX-License-Identifier: Apache-2.0
//
// Requests to etcd (v3) and its answers, in the form of its JSON gateway: keys and values in
// base64, 64-bit numbers as text. Plain values; pure. An answer that cannot be understood is an
// error in words.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace netbinder::etcd {

// ---- requests, as bodies ----

// Everything from `key` to before `end`.
struct KeyRange {
  std::string key;
  std::string end;
};
// All keys that begin with this, which is not empty.
[[nodiscard]] KeyRange keys_below(const std::string& prefix);

struct Compare {
  enum class What : std::uint8_t { kVersion, kCreateRevision, kModRevision, kValue };
  std::string key;
  What what = What::kVersion;
  std::int64_t number = 0;  // of a version: 0 is a key that is not there
  std::string value = {};
};

struct Operation {
  enum class What : std::uint8_t { kPut, kDelete, kRead };
  What what = What::kRead;
  std::string key;
  std::string value = {};
  std::int64_t lease = 0;  // of a put; 0: none
};

struct Transaction {
  std::vector<Compare> if_all;
  std::vector<Operation> then;
  std::vector<Operation> otherwise;
};

[[nodiscard]] std::string to_body(const KeyRange& range);
[[nodiscard]] std::string to_body(const Transaction& transaction);
[[nodiscard]] std::string grant_body(std::uint32_t seconds);
[[nodiscard]] std::string lease_body(std::int64_t lease);  // for keeping alive and revoking
[[nodiscard]] std::string watch_body(const KeyRange& range, std::int64_t from_revision);
[[nodiscard]] std::string authenticate_body(const std::string& user, const std::string& password);

// ---- answers ----

struct Header {
  std::string cluster;
  std::int64_t revision = 0;
};

struct KeyValue {
  std::string key;
  std::string value;
  std::int64_t create_revision = 0;
  std::int64_t mod_revision = 0;
  std::int64_t lease = 0;
};

struct ReadAnswer {
  Header header;
  std::vector<KeyValue> found;
};
struct TransactionAnswer {
  Header header;
  bool succeeded = false;
  std::vector<KeyValue> found;  // by all reads
};
struct LeaseAnswer {
  Header header;
  std::int64_t lease = 0;
  std::int64_t seconds = 0;  // 0: there is no such lease
};
struct WatchEvent {
  bool deleted = false;
  KeyValue key_value;  // of a deleted key: the key, and mod_revision
};
struct WatchAnswer {
  Header header;
  bool created = false;
  bool canceled = false;
  std::int64_t compact_revision = 0;  // with `canceled`: what is older is not there any more
  std::string reason;
  std::vector<WatchEvent> events;
};

template <typename Answer>
using Read = std::expected<Answer, std::string>;

[[nodiscard]] Read<ReadAnswer> read_answer(std::string_view body);
[[nodiscard]] Read<TransactionAnswer> transaction_answer(std::string_view body);
[[nodiscard]] Read<LeaseAnswer> granted_lease(std::string_view body);
[[nodiscard]] Read<LeaseAnswer> kept_lease(std::string_view body);
[[nodiscard]] Read<WatchAnswer> watch_answer(std::string_view line);
[[nodiscard]] Read<std::string> token(std::string_view body);
[[nodiscard]] Read<std::string> server_version(std::string_view body);
// The message in the body of a failure, or the body itself.
[[nodiscard]] std::string failure_text(std::string_view body);

}  // namespace netbinder::etcd
