// SPDX-License-Identifier: Apache-2.0
#include "tests/service-manager/service_client.h"

#include <algorithm>
#include <cerrno>
#include <stdexcept>

namespace netbinder::testing {

const std::vector<Android>& androids() {
  // name, dialect, token words,
  // get get2 check check2 add list listen unlisten declared instances apex updatable connection
  // client_callback try_unregister debug_info, system vintf null
  static const std::vector<Android> all{
      {"Classic", "classic", 1, 1, 0, 2, 0, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
      {"Android10", "classic", 2, 1, 0, 2, 0, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
      {"Android11", "android11", 3, 1, 0, 2, 0, 3, 4, 5, 6, 7, 0, 0, 0, 0, 8, 9, 0, 0x0c, 0x3f, 0},
      {"Android12", "android12", 3, 1, 0, 2, 0, 3, 4, 5, 6, 7, 8, 9, 0, 0, 10, 11, 12, 0x0c000001,
       0x3f000001, 0x00000001},
      {"Android13", "android13", 3, 1, 0, 2, 0, 3, 4, 5, 6, 7, 8, 9, 0, 10, 11, 12, 13, 0x0c, 0x3f,
       0},
      {"Android14", "android14", 3, 1, 0, 2, 0, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0x0c, 0x3f,
       0},
      {"Android15Late", "android15", 3, 1, 2, 3, 0, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0x0c,
       0x3f, 0},
      {"Android16", "android16", 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 0x0c,
       0x3f, 0},
  };
  return all;
}

const Android& android(const std::string& name) {
  for (const Android& version : androids()) {
    if (version.name == name) return version;
  }
  throw std::logic_error("no such version: " + name);
}

// ---- Request ----

Request& Request::i32(std::int64_t value) {
  const auto word = static_cast<std::uint32_t>(value);
  const auto* begin = reinterpret_cast<const std::byte*>(&word);
  payload_.data.insert(payload_.data.end(), begin, begin + sizeof word);
  return *this;
}

Request& Request::string16(const std::string& text) {
  i32(static_cast<std::int64_t>(text.size()));
  for (const char c : text) {
    payload_.data.push_back(static_cast<std::byte>(c));
    payload_.data.push_back(std::byte{0});
  }
  payload_.data.resize((payload_.data.size() + 2 + 3) & ~std::size_t{3});
  return *this;
}

Request& Request::token(const Android& version, std::uint32_t header,
                        const std::string& interface) {
  i32(0x400000);
  if (version.token_words > 1) i32(-1);
  if (version.token_words > 2) i32(header);
  return string16(interface);
}

Request& Request::binder(const Android& version, std::uint64_t ptr, std::uint64_t cookie) {
  payload_.add(binder_object(ptr, cookie));
  if (version.has_status()) i32(version.system);
  return *this;
}

Request& Request::handle(const Android& version, std::uint32_t handle) {
  payload_.add(handle_object(handle));
  if (version.has_status()) i32(version.system);
  return *this;
}

Request& Request::null_binder(const Android& version) {
  payload_.add(binder_object(0, 0));
  payload_.offsets.pop_back();
  if (version.has_status()) i32(version.null);
  return *this;
}

Request& Request::manager_itself(const Android& version) {
  payload_.add(handle_object(0));
  payload_.offsets.pop_back();
  if (version.has_status()) i32(version.system);
  return *this;
}

// ---- Received ----

std::int32_t Received::i32() {
  std::int32_t value = 0;
  if (left() < sizeof value) {
    ADD_FAILURE() << "the parcel is too short for a word";
    return 0;
  }
  std::memcpy(&value, data.data() + position_, sizeof value);
  position_ += sizeof value;
  return value;
}

std::string Received::string16() {
  const std::int32_t units = i32();
  const std::size_t bytes = (static_cast<std::size_t>(units) * 2 + 2 + 3) & ~std::size_t{3};
  if (units < 0 || left() < bytes) {
    ADD_FAILURE() << "no string of " << units << " units";
    return {};
  }
  std::string text;
  for (std::int32_t i = 0; i <= units; ++i) {
    std::uint16_t unit = 0;
    std::memcpy(&unit, data.data() + position_ + static_cast<std::size_t>(i) * 2, sizeof unit);
    if (i < units)
      text.push_back(static_cast<char>(unit));
    else
      EXPECT_EQ(unit, 0);
  }
  position_ += bytes;
  return text;
}

std::optional<std::uint32_t> Received::handle() {
  flat_binder_object object{};
  if (left() < sizeof object) {
    ADD_FAILURE() << "the parcel is too short for an object";
    return std::nullopt;
  }
  std::memcpy(&object, data.data() + position_, sizeof object);
  const bool listed = std::find(offsets.begin(), offsets.end(), position_) != offsets.end();
  position_ += sizeof object;
  if (object.hdr.type == BINDER_TYPE_HANDLE) {
    EXPECT_TRUE(listed);
    return object.handle;
  }
  EXPECT_EQ(object.hdr.type, std::uint32_t{BINDER_TYPE_BINDER});
  EXPECT_FALSE(listed);
  EXPECT_EQ(object.binder, 0U);
  EXPECT_EQ(object.cookie, 0U);
  return std::nullopt;
}

// ---- ServiceClient ----

ServiceClient::ServiceClient(ManagedCluster& cluster, std::size_t host, std::int32_t pid,
                             const Android& version, std::uint32_t euid)
    : cluster_(cluster),
      version_(version),
      program_(cluster.host(host), pid, "binder", 128 * 1024, euid) {
  program_.greet(kCaller);
  program_.enter_looper(kLooper);
}

Received ServiceClient::receive(const binder_transaction_data& data) {
  Received received;
  received.flags = data.flags;
  received.code = data.code;
  received.target = data.target.ptr;
  const auto* bytes = program_.at(data.data.ptr.buffer);
  received.data.assign(bytes, bytes + data.data_size);
  const auto* offsets = reinterpret_cast<const binder_size_t*>(program_.at(data.data.ptr.offsets));
  received.offsets.assign(offsets, offsets + data.offsets_size / sizeof(binder_size_t));
  Commands commands;
  for (const binder_size_t offset : received.offsets) {
    flat_binder_object object{};
    std::memcpy(&object, received.data.data() + offset, sizeof object);
    if (object.hdr.type == BINDER_TYPE_HANDLE) commands.put(BC_ACQUIRE, object.handle);
  }
  commands.put(BC_FREE_BUFFER, data.data.ptr.buffer);
  EXPECT_EQ(program_.write(3, commands).error, 0);
  return received;
}

void ServiceClient::answer_references(const Outcome& outcome, Commands& answers) {
  for (const Returned& returned : outcome.read) {
    if (returned.command == BR_INCREFS) {
      answers.put(BC_INCREFS_DONE, returned.as<binder_ptr_cookie>());
    } else if (returned.command == BR_ACQUIRE) {
      answers.put(BC_ACQUIRE_DONE, returned.as<binder_ptr_cookie>());
    }
  }
}

Received ServiceClient::call(std::uint32_t code, const Request& request, std::uint32_t handle) {
  Commands commands;
  commands.put(BC_TRANSACTION, request.payload().call(handle, code));
  for (int reads = 0; reads < 4; ++reads) {
    program_.start(kCaller, commands, true);
    cluster_.settle();
    if (program_.blocked(kCaller)) {
      ADD_FAILURE() << "code " << code << " has got no answer";
      return {};
    }
    const Outcome outcome = program_.outcome(kCaller);
    EXPECT_EQ(outcome.error, 0);
    commands = {};
    answer_references(outcome, commands);
    if (const Returned* reply = outcome.find(BR_REPLY)) {
      EXPECT_EQ(program_.write(kCaller, commands).error, 0);
      const Received received = receive(reply->as<binder_transaction_data>());
      cluster_.settle();
      return received;
    }
    if (outcome.find(BR_FAILED_REPLY) != nullptr || outcome.find(BR_DEAD_REPLY) != nullptr) break;
  }
  ADD_FAILURE() << "code " << code << " has failed";
  return {};
}

std::int32_t ServiceClient::add(const std::string& name, std::uint64_t ptr, std::int32_t priority) {
  Received reply = call(
      version_.add, request().string16(name).binder(version_, ptr, ptr + 1).i32(0).i32(priority));
  return reply.i32();
}

std::optional<std::uint32_t> ServiceClient::check(const std::string& name) {
  Received reply = call(version_.check, request().string16(name));
  if (!version_.has_status()) {
    if (reply.data.size() != sizeof(flat_binder_object)) {
      EXPECT_EQ(reply.i32(), 0);
      EXPECT_EQ(reply.left(), 0U);
      return std::nullopt;
    }
    return reply.handle();
  }
  EXPECT_EQ(reply.i32(), 0);
  const auto handle = reply.handle();
  EXPECT_EQ(reply.u32(), handle ? version_.system : version_.null);
  EXPECT_EQ(reply.left(), 0U);
  return handle;
}

std::vector<std::string> ServiceClient::list() {
  std::vector<std::string> names;
  if (version_.has_status()) {
    Received reply = call(version_.list, request().i32(15));
    EXPECT_EQ(reply.i32(), 0);
    for (std::int32_t left = reply.i32(); left > 0; --left) names.push_back(reply.string16());
    EXPECT_EQ(reply.left(), 0U);
    return names;
  }
  for (;;) {
    Received reply =
        call(version_.list, request().i32(static_cast<std::int64_t>(names.size())).i32(15));
    if (reply.is_status()) {
      EXPECT_EQ(reply.i32(), -1);
      return names;
    }
    names.push_back(reply.string16());
  }
}

std::int32_t ServiceClient::listen(const std::string& name, std::uint64_t ptr) {
  return call(version_.listen, request().string16(name).binder(version_, ptr, ptr + 1)).i32();
}

std::int32_t ServiceClient::unlisten(const std::string& name, std::uint64_t ptr) {
  return call(version_.unlisten, request().string16(name).binder(version_, ptr, ptr + 1)).i32();
}

std::int32_t ServiceClient::watch_clients(const std::string& name, std::uint64_t ptr,
                                          std::uint64_t callback) {
  return call(version_.client_callback, request()
                                            .string16(name)
                                            .binder(version_, ptr, ptr + 1)
                                            .binder(version_, callback, callback + 1))
      .i32();
}

std::int32_t ServiceClient::try_unregister(const std::string& name, std::uint64_t ptr) {
  return call(version_.try_unregister, request().string16(name).binder(version_, ptr, ptr + 1))
      .i32();
}

void ServiceClient::start_leaving(const std::string& name, std::uint64_t ptr) {
  const Request leave = request().string16(name).binder(version_, ptr, ptr + 1);
  program_.start(kCaller,
                 Commands().put(BC_TRANSACTION, leave.payload().call(0, version_.try_unregister)),
                 true);
}

void ServiceClient::start_adding(const std::string& name, std::uint64_t ptr) {
  const Request add = request().string16(name).binder(version_, ptr, ptr + 1).i32(0).i32(8);
  program_.start(kCaller, Commands().put(BC_TRANSACTION, add.payload().call(0, version_.add)),
                 true);
}

std::optional<std::int32_t> ServiceClient::answer() {
  for (;;) {
    if (program_.blocked(kCaller)) return std::nullopt;
    const Outcome outcome = program_.outcome(kCaller);
    EXPECT_EQ(outcome.error, 0);
    if (const Returned* reply = outcome.find(BR_REPLY)) {
      return receive(reply->as<binder_transaction_data>()).i32();
    }
    Commands answers;
    answer_references(outcome, answers);
    program_.start(kCaller, answers, true);
  }
}

void ServiceClient::drop(std::uint32_t handle) {
  EXPECT_EQ(program_.write(kCaller, Commands().put(BC_RELEASE, handle)).error, 0);
  cluster_.settle();
}

void ServiceClient::send(std::uint32_t handle, std::uint32_t code, const Request& request) {
  program_.start(kCaller,
                 Commands().put(BC_TRANSACTION, request.payload().call(handle, code, TF_ONE_WAY)),
                 true);
  cluster_.settle();
  EXPECT_NE(program_.outcome(kCaller).find(BR_TRANSACTION_COMPLETE), nullptr);
}

void ServiceClient::take_work() {
  for (;;) {
    cluster_.settle();
    const Outcome outcome = program_.read_now(kLooper);
    if (outcome.error == -EAGAIN) return;
    Commands answers;
    answer_references(outcome, answers);
    if (const Returned* incoming = outcome.find(BR_TRANSACTION)) {
      const auto data = incoming->as<binder_transaction_data>();
      received_.push_back(receive(data));
      EXPECT_NE(data.flags & TF_ONE_WAY, 0U);
    }
    EXPECT_EQ(program_.write(kLooper, answers).error, 0);
  }
}

std::optional<Received> ServiceClient::incoming() {
  take_work();
  if (received_.empty()) return std::nullopt;
  Received first = std::move(received_.front());
  received_.pop_front();
  return first;
}

}  // namespace netbinder::testing
