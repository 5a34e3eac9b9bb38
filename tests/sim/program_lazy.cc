// SPDX-License-Identifier: Apache-2.0
//
// Programs and the built-in manager: they register their service and look up others. A lazy one
// asks to be notified whether it has clients, and leaves for a while when it has none.
#include <cstring>
#include <utility>

#include "host/local_process.h"
#include "parcel/reader.h"
#include "parcel/writer.h"
#include "tests/sim/program.h"
#include "tests/sim/world.h"

namespace netbinder::sim {

namespace {

// The classic codes, and those of Android 14, for which the simulated managers are configured.
constexpr std::uint32_t kCheckService = 2;
constexpr std::uint32_t kAddService = 3;
constexpr std::uint32_t kRegisterClientCallback = 12;
constexpr std::uint32_t kTryUnregisterService = 13;

constexpr const char* kInterface = "android.os.IServiceManager";
constexpr std::int32_t kStrictMode = 0x400000;
constexpr std::uint64_t kNobodysCall = ~std::uint64_t{0};

}  // namespace

// Registers this program's service; after that, looks others up or attends to its own.
void Program::ask_manager(Thread& thread) {
  const bool may_see_to_own = lazy_ && registered_ && !asking_about_own_;
  Frame frame{.kind = Frame::Kind::kManager};
  frame.asked_ms = world_.clock().now_ms();
  ParcelWriter writer;
  binder_transaction_data data{};
  if (may_see_to_own && (!watched_ || (!has_clients_ && world_.random().one_in(3)))) {
    writer.interface_token(TokenWords(Dialect::kAndroid11, kStrictMode), kInterface);
    writer.string16(service_name_);
    writer.binder(ptr_of(0), uid_of(0));
    writer.i32(0);
    asking_about_own_ = true;
    if (watched_) {
      data.code = kTryUnregisterService;
      frame.manager = Frame::Manager::kLeave;
      registered_ = false;  // or not, as the answer tells
    } else {
      data.code = kRegisterClientCallback;
      frame.manager = Frame::Manager::kWatch;
      writer.binder(ptr_of(kCallbackNode), uid_of(kCallbackNode));
      writer.i32(0);
    }
  } else if (!registered_ && !asking_about_own_) {
    data.code = kAddService;
    frame.manager = Frame::Manager::kAdd;
    writer.interface_token(TokenWords(Dialect::kClassic, kStrictMode), kInterface);
    writer.string16(service_name_);
    writer.binder(ptr_of(0), uid_of(0));
    writer.i32(0);
    asking_about_own_ = lazy_;  // and it is not to leave meanwhile
  } else {
    data.code = kCheckService;
    frame.manager = Frame::Manager::kLookUp;
    frame.asked = world_.some_service();
    if (frame.asked.empty()) return;
    writer.interface_token(TokenWords(Dialect::kClassic, kStrictMode), kInterface);
    writer.string16(frame.asked);
  }
  world_.trace().note("manager", {serial_, thread.tid, data.code});
  add_transaction(thread, BC_TRANSACTION, {.kind = Expected::Kind::kManager}, data, writer.take());
  thread.stack.push_back(std::move(frame));
}

void Program::told_by_manager(const Frame& frame, const binder_transaction_data& data) {
  std::vector<Thing> things;
  std::optional<Envelope> envelope;
  thread_reads_envelopes_ = false;
  Buffer& buffer = take_buffer(data, things, envelope);
  thread_reads_envelopes_ = true;
  std::int32_t status = -1;
  if (data.data_size >= sizeof status) {
    std::memcpy(&status, arena_.get() + buffer.offset, sizeof status);
  }
  switch (frame.manager) {
    case Frame::Manager::kAdd:
      asking_about_own_ = false;
      if (status != 0) fail("the built-in manager did not register a name");
      registered_ = true;
      return;
    case Frame::Manager::kWatch:
      asking_about_own_ = false;
      if (status != 0) fail("the built-in manager did not take a client callback");
      watched_ = true;
      watched_since_ms_ = world_.clock().now_ms();
      return;
    case Frame::Manager::kLeave:
      asking_about_own_ = false;
      world_.trace().note("leaves", {serial_, status == 0 ? 1ULL : 0});
      ++(status == 0 ? world_.oracle().statistics.left : world_.oracle().statistics.stayed);
      if (status != 0) {
        registered_ = true;
      } else {
        world_.check_unheld(uid_of(0), false);
      }
      return;
    case Frame::Manager::kLookUp:
      break;
  }
  if (data.offsets_size == 0) return;  // not known here, or not any more
  Thing thing;
  std::memcpy(&thing.object, arena_.get() + buffer.offset, sizeof thing.object);
  thing.uid = world_.service_uid(frame.asked);
  thing.since_ms = frame.asked_ms;  // the answer may be long there when it is read
  ++world_.oracle().statistics.names;
  take_things(buffer, {thing}, {});
}

// The manager's state is unknown now, so only names are looked up from here on.
void Program::manager_call_failed(const Frame& frame) {
  if (frame.manager == Frame::Manager::kLookUp) return;
  asking_about_own_ = lazy_;
  if (lazy_) registered_ = false;
}

// Only the manager calls the client callback.
void Program::told_clients(const binder_transaction_data& data) {
  std::vector<Thing> things;
  std::optional<Envelope> envelope;
  thread_reads_envelopes_ = false;
  Buffer& buffer = take_buffer(data, things, envelope);
  thread_reads_envelopes_ = true;
  Node& node = nodes_[kCallbackNode];
  if (node.oneway != 0) fail("it was told of clients before it had done with the last time");
  node.oneway = kNobodysCall;
  buffer.oneway_node = kCallbackNode + 1;
  std::vector<binder_size_t> offsets(data.offsets_size / sizeof(binder_size_t));
  if (!offsets.empty()) {
    std::memcpy(offsets.data(), arena_.get() + (data.data.ptr.offsets - user_base_),
                data.offsets_size);
  }
  ParcelReader reader(
      ParcelView{.data = std::span<const std::byte>(arena_.get() + buffer.offset, data.data_size),
                 .offsets = offsets});
  for (int i = 0; i < 3; ++i) (void)reader.i32();
  (void)reader.string16();
  flat_binder_object object{};
  if (reader.remaining() == sizeof object + 2 * sizeof(std::int32_t)) {
    std::memcpy(&object, arena_.get() + buffer.offset + reader.position(), sizeof object);
  }
  if (object.hdr.type != BINDER_TYPE_BINDER || object.cookie != uid_of(0)) {
    fail("it was told of clients of what is not its service");
    return;
  }
  (void)reader.handle();
  (void)reader.i32();
  const bool has_clients = reader.i32().value_or(0) != 0;
  world_.trace().note("clients", {serial_, has_clients ? 1ULL : 0});
  ++world_.oracle().statistics.callbacks;
  if (has_clients == has_clients_ && world_.settings().roomy) {
    fail(has_clients ? "it was told twice of clients" : "it was told twice that it has no clients");
  }
  has_clients_ = has_clients;
}

// At peace: whoever has the service got it from a manager, so its program has been notified.
void Program::check_knows_clients() {
  if (!watched_ || !registered_ || has_clients_ || !world_.settings().roomy) return;
  world_.each_holder(uid_of(0), [&](const Program& holder, std::uint64_t since_ms) {
    if (holder.serial() == serial_ ||
        world_.oracle().troubled_since(std::min(since_ms, watched_since_ms_))) {
      return;
    }
    fail("it has a client, program " + std::to_string(holder.serial()) +
         ", and was never told of it");
  });
}

}  // namespace netbinder::sim
