// SPDX-License-Identifier: Apache-2.0
#include "membership/etcd/wire.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "transport/base64.h"

namespace netbinder::etcd {

namespace {

using nlohmann::json;

std::string text_of(const json& value) {
  // Names are any bytes.
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string number(std::int64_t value) { return std::to_string(value); }

json to_json(const KeyRange& range) {
  return {{"key", to_base64(range.key)}, {"range_end", to_base64(range.end)}};
}

json to_json(const Compare& compare) {
  json value{{"key", to_base64(compare.key)}, {"result", "EQUAL"}};
  switch (compare.what) {
    case Compare::What::kVersion:
      value["target"] = "VERSION";
      value["version"] = number(compare.number);
      break;
    case Compare::What::kCreateRevision:
      value["target"] = "CREATE";
      value["create_revision"] = number(compare.number);
      break;
    case Compare::What::kModRevision:
      value["target"] = "MOD";
      value["mod_revision"] = number(compare.number);
      break;
    case Compare::What::kValue:
      value["target"] = "VALUE";
      value["value"] = to_base64(compare.value);
      break;
  }
  return value;
}

json to_json(const Operation& operation) {
  const std::string key = to_base64(operation.key);
  switch (operation.what) {
    case Operation::What::kPut:
      return {{"request_put",
               {{"key", key},
                {"value", to_base64(operation.value)},
                {"lease", number(operation.lease)}}}};
    case Operation::What::kDelete:
      return {{"request_delete_range", {{"key", key}}}};
    case Operation::What::kRead:
      break;
  }
  return {{"request_range", {{"key", key}}}};
}

template <typename Each>
json to_json(const std::vector<Each>& all) {
  json list = json::array();
  for (const Each& each : all) list.push_back(to_json(each));
  return list;
}

// ---- reading: errors are thrown as text inside this file ----

[[noreturn]] void fail(std::string what) { throw std::move(what); }

const json& object(const json& value, const char* what) {
  if (!value.is_object()) fail(std::string("etcd's answer has no ") + what);
  return value;
}

// A missing field is 0: the gateway leaves zeros out.
std::int64_t number_in(const json& in, const char* key) {
  const auto found = in.find(key);
  if (found == in.end()) return 0;
  if (found->is_number_integer()) return found->get<std::int64_t>();
  if (!found->is_string()) fail(std::string(key) + " is no number");
  const std::string& text = found->get_ref<const std::string&>();
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    fail(std::string(key) + " is no number");
  return value;
}

std::string text_in(const json& in, const char* key) {
  const auto found = in.find(key);
  if (found == in.end()) return {};
  if (!found->is_string()) fail(std::string(key) + " is no text");
  return found->get<std::string>();
}

bool flag_in(const json& in, const char* key) {
  const auto found = in.find(key);
  return found != in.end() && found->is_boolean() && found->get<bool>();
}

std::string bytes_in(const json& in, const char* key) {
  auto bytes = from_base64(text_in(in, key));
  if (!bytes) fail(std::string(key) + ": " + bytes.error());
  return *std::move(bytes);
}

Header header_of(const json& answer) {
  const auto found = answer.find("header");
  if (found == answer.end()) fail("etcd's answer has no header");
  const json& header = object(*found, "header");
  return {.cluster = text_in(header, "cluster_id"), .revision = number_in(header, "revision")};
}

KeyValue key_value(const json& value) {
  object(value, "key");
  return {.key = bytes_in(value, "key"),
          .value = bytes_in(value, "value"),
          .create_revision = number_in(value, "create_revision"),
          .mod_revision = number_in(value, "mod_revision"),
          .lease = number_in(value, "lease")};
}

void add_found(const json& range, std::vector<KeyValue>& found) {
  const auto values = range.find("kvs");
  if (values == range.end()) return;
  if (!values->is_array()) fail("kvs is no list");
  for (const json& each : *values) found.push_back(key_value(each));
}

// Answers of streams are in a `result`, and failures of theirs in an `error`.
const json& result_of(const json& line) {
  if (const auto error = line.find("error"); error != line.end()) {
    fail(error->is_object() ? text_in(*error, "message") : text_of(*error));
  }
  const auto result = line.find("result");
  if (result == line.end()) fail("etcd's answer has no result");
  return object(*result, "result");
}

template <typename Function>
auto read(std::string_view body, Function function)
    -> Read<decltype(function(std::declval<const json&>()))> {
  try {
    const json answer = json::parse(body, nullptr, false);
    if (!answer.is_object()) fail("the answer is not etcd's: no JSON");
    return function(answer);
  } catch (const std::string& what) {
    return std::unexpected(what);
  }
}

LeaseAnswer lease_of(const json& answer) {
  return {.header = header_of(answer),
          .lease = number_in(answer, "ID"),
          .seconds = number_in(answer, "TTL")};
}

}  // namespace

KeyRange keys_below(const std::string& prefix) {
  std::string end = prefix;
  while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xFF) end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return {.key = prefix, .end = std::move(end)};
}

std::string to_body(const KeyRange& range) { return text_of(to_json(range)); }

std::string to_body(const Transaction& transaction) {
  return text_of({{"compare", to_json(transaction.if_all)},
                  {"success", to_json(transaction.then)},
                  {"failure", to_json(transaction.otherwise)}});
}

std::string grant_body(std::uint32_t seconds) {
  return text_of({{"TTL", number(seconds)}, {"ID", "0"}});
}

std::string lease_body(std::int64_t lease) { return text_of({{"ID", number(lease)}}); }

std::string watch_body(const KeyRange& range, std::int64_t from_revision) {
  json create = to_json(range);
  create["start_revision"] = number(from_revision);
  return text_of({{"create_request", create}});
}

std::string authenticate_body(const std::string& user, const std::string& password) {
  return text_of({{"name", user}, {"password", password}});
}

Read<ReadAnswer> read_answer(std::string_view body) {
  return read(body, [](const json& answer) {
    ReadAnswer read{.header = header_of(answer), .found = {}};
    add_found(answer, read.found);
    return read;
  });
}

Read<TransactionAnswer> transaction_answer(std::string_view body) {
  return read(body, [](const json& answer) {
    TransactionAnswer read{
        .header = header_of(answer), .succeeded = flag_in(answer, "succeeded"), .found = {}};
    const auto responses = answer.find("responses");
    if (responses == answer.end() || !responses->is_array()) return read;
    for (const json& each : *responses) {
      const auto range = object(each, "response").find("response_range");
      if (range != each.end()) add_found(object(*range, "response_range"), read.found);
    }
    return read;
  });
}

Read<LeaseAnswer> granted_lease(std::string_view body) { return read(body, lease_of); }

Read<LeaseAnswer> kept_lease(std::string_view body) {
  return read(body, [](const json& line) { return lease_of(result_of(line)); });
}

Read<WatchAnswer> watch_answer(std::string_view line) {
  return read(line, [](const json& answer) {
    const json& result = result_of(answer);
    WatchAnswer read{.header = header_of(result),
                     .created = flag_in(result, "created"),
                     .canceled = flag_in(result, "canceled"),
                     .compact_revision = number_in(result, "compact_revision"),
                     .reason = text_in(result, "cancel_reason"),
                     .events = {}};
    const auto events = result.find("events");
    if (events == result.end()) return read;
    if (!events->is_array()) fail("events is no list");
    for (const json& event : *events) {
      const auto value = object(event, "event").find("kv");
      if (value == event.end()) fail("an event has no kv");
      read.events.push_back(
          {.deleted = text_in(event, "type") == "DELETE", .key_value = key_value(*value)});
    }
    return read;
  });
}

Read<std::string> token(std::string_view body) {
  return read(body, [](const json& answer) {
    std::string token = text_in(answer, "token");
    if (token.empty()) fail("etcd's answer has no token");
    return token;
  });
}

Read<std::string> server_version(std::string_view body) {
  return read(body, [](const json& answer) {
    std::string version = text_in(answer, "etcdserver");
    if (version.empty()) fail("the answer is not etcd's: it has no version");
    return version;
  });
}

std::string failure_text(std::string_view body) {
  const auto message = read(body, [](const json& answer) {
    const auto error = answer.find("error");
    if (error != answer.end() && error->is_object()) return text_in(*error, "message");
    std::string text = text_in(answer, "message");
    return text.empty() ? text_in(answer, "error") : text;
  });
  constexpr std::size_t kEnough = 200;
  if (message && !message->empty()) return *message;
  return std::string(body.substr(0, kEnough));
}

}  // namespace netbinder::etcd
