// SPDX-License-Identifier: Apache-2.0
#include "node-agent/service-manager/service_manager.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "core/base/check.h"
#include "node-agent/service-manager/protocol.h"
#include "node-agent/service-manager/replies.h"

namespace netbinder {

namespace {

constexpr const char* kInterface = "android.os.IServiceManager";
constexpr std::uint32_t kHeaders[] = {0x53595354, 0x564e4452, 0x5245434f, 0x554e4b4e};

constexpr std::uint32_t kPing = B_PACK_CHARS('_', 'P', 'N', 'G');
constexpr std::uint32_t kInterfaceDescriptor = B_PACK_CHARS('_', 'N', 'T', 'F');

// Classic codes.
constexpr std::uint32_t kClassicGet = 1;
constexpr std::uint32_t kClassicCheck = 2;
constexpr std::uint32_t kClassicAdd = 3;
constexpr std::uint32_t kClassicList = 4;

// The request behind the token, looked at without being used.
RequestShape shape_of(ParcelReader request) {
  RequestShape shape;
  shape.objects = request.objects();
  const std::size_t start = request.position();
  shape.starts_with_name = request.string16().has_value();
  if (!shape.starts_with_name) request.seek(start);  // a word like a null string's, perhaps
  for (std::size_t i = 0; i < shape.objects; ++i) {
    if (request.remaining() < sizeof(flat_binder_object) + 4) return shape;
    (void)request.handle();
    const auto word = request.i32();
    if (i == 0) shape.stability_word = static_cast<std::uint32_t>(*word);
  }
  shape.words_after = request.remaining() / 4;
  return shape;
}

}  // namespace

ServiceManager::ServiceManager(ServiceManagerSetup setup) : setup_(std::move(setup)) {}

void ServiceManager::attach(LocalProcess& process) { process_ = &process; }

void ServiceManager::set_dialect(std::int32_t pid, const std::string& dialect) {
  if (const auto wanted = parse_dialect(dialect)) {
    if (clients_.size() >= kMaxClients) clients_.clear();
    clients_[pid].wanted = wanted;
  }
}

void ServiceManager::suggest_dialect(std::int32_t pid, const std::string& dialect) {
  if (const auto loaded = parse_dialect(dialect)) {
    if (clients_.size() >= kMaxClients) clients_.clear();
    Client& client = clients_[pid];
    if (!client.detected) client.detected = loaded;
  }
}

std::vector<ServiceView> ServiceManager::services() const {
  std::vector<ServiceView> views;
  for (const auto& [name, instances] : names_) {
    for (const Instance& instance : instances) {
      views.push_back({.name = name, .host = host_name(instance.host), .pid = instance.pid});
    }
  }
  return views;
}

// ---- requests ----

std::optional<OutgoingReply> ServiceManager::call(const IncomingCall& call) {
  if (call.target == kPeerNodePtr) {
    peer_call(call);
    return OutgoingReply{};
  }
  return client_call(call);
}

std::optional<OutgoingReply> ServiceManager::client_call(const IncomingCall& call) {
  if (call.code == kPing) return OutgoingReply{};
  if (call.code == kInterfaceDescriptor) {
    ParcelWriter writer;
    writer.string16(kInterface);
    return reply_of(writer);
  }
  // The token: one word and the name; two words and the name; or two words, a header, the name.
  ParcelReader request(call.parcel);
  (void)request.i32();
  const std::size_t after_strict_mode = request.position();
  if (request.string16() == kInterface) return classic_call(call, request);
  request.seek(after_strict_mode);
  (void)request.i32();
  const std::size_t after_work_source = request.position();
  if (request.string16() == kInterface) return classic_call(call, request);
  request.seek(after_work_source);
  const auto header = static_cast<std::uint32_t>(request.i32().value_or(0));
  if (std::find(std::begin(kHeaders), std::end(kHeaders), header) != std::end(kHeaders) &&
      request.string16() == kInterface) {
    return aidl_call(call, request, header);
  }
  return status_reply(-EPERM);  // libbinder's answer to a wrong interface
}

OutgoingReply ServiceManager::classic_call(const IncomingCall& call, ParcelReader& request) {
  ParcelWriter writer;
  switch (call.code) {
    case kClassicGet:
    case kClassicCheck: {
      const auto name = request.string16();
      if (!name) return status_reply(-1);
      if (*name == kManagerName) {
        writer.binder(kNodePtr, 0);
      } else if (Instance* found = find(*name)) {
        handed_out(*name, *found);
        writer.handle(found->handle);
      } else {
        writer.i32(0);
      }
      return reply_of(writer);
    }
    case kClassicAdd: {
      const auto name = request.string16();
      const auto handle = request.handle();
      if (!name || !handle) return status_reply(-1);
      Instance instance{.host = setup_.host, .handle = *handle, .pid = call.sender_pid};
      instance.allow_isolated = request.i32().value_or(0) != 0;
      instance.dump_priority =
          static_cast<std::uint32_t>(request.i32().value_or(static_cast<int>(kDumpDefault)));
      instance.stability = kStabilitySystem;
      if (add(*name, instance).first != kNoException) return status_reply(-1);
      writer.i32(0);
      return reply_of(writer);
    }
    case kClassicList: {
      const auto index = request.i32();
      if (!index || *index < 0 || static_cast<std::size_t>(*index) >= names_.size()) {
        return status_reply(-1);
      }
      writer.string16(std::next(names_.begin(), *index)->first);
      return reply_of(writer);
    }
    default:
      return status_reply(-1);
  }
}

Dialect ServiceManager::dialect_of(std::int32_t pid, std::uint32_t code,
                                   const RequestShape& shape) {
  const auto configured = parse_dialect(setup_.dialect);
  const auto detected = detect_dialect(code, shape);
  if (pid == 0) return configured.value_or(detected.value_or(Dialect::kAndroid14));
  if (clients_.size() >= kMaxClients && !clients_.contains(pid)) clients_.clear();
  Client& client = clients_[pid];
  if (detected) {
    // What several versions have in common does not take back the one that was told exactly:
    // code 3 with a name is of late 15 and 16; adding and listing is alike from 11 to 14.
    const bool keeps =
        *detected == Dialect::kAndroid15Late && code == 3 && client.detected == Dialect::kAndroid16;
    const bool refines = *detected == Dialect::kAndroid14 && (code == 3 || code == 4) &&
                         client.detected && *client.detected < Dialect::kAndroid14;
    if (!keeps && !refines) client.detected = detected;
  }
  if (client.wanted && *client.wanted != Dialect::kClassic) return *client.wanted;
  if (configured && *configured != Dialect::kClassic) return *configured;
  return client.detected.value_or(Dialect::kAndroid14);
}

std::optional<OutgoingReply> ServiceManager::aidl_call(const IncomingCall& call,
                                                       ParcelReader& request,
                                                       std::uint32_t header) {
  const Dialect dialect = dialect_of(call.sender_pid, call.code, shape_of(request));
  const auto method = method_of(dialect, call.code);
  if (!method) return status_reply(-EBADMSG);  // libbinder's UNKNOWN_TRANSACTION
  ParcelWriter writer;
  writer.i32(kNoException);
  switch (*method) {
    case Method::kGetService:
    case Method::kCheckService: {
      const auto name = request.string16();
      if (!name) return exception_reply(kIllegalArgument, "no name");
      put_service(writer, *name, dialect);
      return reply_of(writer);
    }
    case Method::kGetService2:
    case Method::kCheckService2: {
      const auto name = request.string16();
      if (!name) return exception_reply(kIllegalArgument, "no name");
      writer.i32(1);  // a union follows
      writer.i32(0);  // its first member
      if (dialect != Dialect::kAndroid16) {
        put_service(writer, *name, dialect);
        return reply_of(writer);
      }
      constexpr std::int32_t kServiceWithMetadataBytes = 4 + 24 + 4 + 4;
      const Instance* found = find(*name);
      writer.i32(1);
      writer.i32(kServiceWithMetadataBytes);
      put_service(writer, *name, dialect);
      writer.i32(found != nullptr && (found->dump_priority & kLazyService) != 0 ? 1 : 0);
      return reply_of(writer);
    }
    case Method::kAddService: {
      const auto name = request.string16();
      const auto handle = request.handle();
      const auto stability = request.i32();
      if (!name || !handle || !stability) return exception_reply(kIllegalArgument, "no service");
      Instance instance{.host = setup_.host, .handle = *handle, .pid = call.sender_pid};
      instance.allow_isolated = request.i32().value_or(0) != 0;
      instance.dump_priority =
          static_cast<std::uint32_t>(request.i32().value_or(static_cast<int>(kDumpDefault)));
      instance.stability = stability_level(static_cast<std::uint32_t>(*stability));
      const auto [exception, message] = add(*name, instance);
      if (exception != kNoException) return exception_reply(exception, message);
      return reply_of(writer);
    }
    case Method::kListServices: {
      const auto mask = static_cast<std::uint32_t>(request.i32().value_or(0));
      std::vector<std::string> names;
      for (const auto& [name, instances] : names_) {
        const bool wanted = std::any_of(
            instances.begin(), instances.end(),
            [mask](const Instance& instance) { return (instance.dump_priority & mask) != 0; });
        if (wanted) names.push_back(name);
      }
      if ((kDumpDefault & mask) != 0) {
        names.insert(std::upper_bound(names.begin(), names.end(), kManagerName), kManagerName);
      }
      writer.i32(static_cast<std::int32_t>(names.size()));
      for (const std::string& name : names) writer.string16(name);
      return reply_of(writer);
    }
    case Method::kRegisterForNotifications: {
      const auto name = request.string16();
      const auto callback = request.handle();
      if (!name || !callback) return exception_reply(kIllegalArgument, "no callback");
      if (!valid_name(*name)) return exception_reply(kIllegalArgument, "invalid service name");
      if (!room_for_listener(call.sender_pid)) {
        return exception_reply(kIllegalState, "too many callbacks");
      }
      const Listener listener{
          .callback = *callback, .pid = call.sender_pid, .header = header, .dialect = dialect};
      hold(*callback);
      listeners_[*name].push_back(listener);
      count_listener(call.sender_pid, true);
      if (const Instance* found = find(*name)) notify(*name, listener, *found);
      return reply_of(writer);
    }
    case Method::kUnregisterForNotifications: {
      const auto name = request.string16();
      const auto callback = request.handle();
      if (!name || !callback) return exception_reply(kIllegalArgument, "no callback");
      const auto found = listeners_.find(*name);
      const std::size_t gone = found == listeners_.end()
                                   ? 0
                                   : std::erase_if(found->second, [&](const Listener& listener) {
                                       if (listener.callback != *callback) return false;
                                       count_listener(listener.pid, false);
                                       return true;
                                     });
      if (gone == 0) return exception_reply(kIllegalState, "no such callback");
      if (found->second.empty()) listeners_.erase(found);
      for (std::size_t i = 0; i < gone; ++i) let_go(*callback);
      return reply_of(writer);
    }
    case Method::kIsDeclared:
      writer.i32(0);  // there is no manifest that could declare anything
      return reply_of(writer);
    case Method::kGetDeclaredInstances:
    case Method::kGetUpdatableNames:
      writer.i32(0);
      return reply_of(writer);
    case Method::kUpdatableViaApex:
      writer.null_string16();
      return reply_of(writer);
    case Method::kGetConnectionInfo:
      writer.i32(0);
      return reply_of(writer);
    case Method::kGetServiceDebugInfo: {
      auto all = services();
      all.push_back({.name = kManagerName, .host = host_name(setup_.host), .pid = ::getpid()});
      writer.i32(static_cast<std::int32_t>(all.size()));
      for (const ServiceView& service : all) {
        const auto units = (service.name.size() + 1) * 2;
        writer.i32(1);
        writer.i32(static_cast<std::int32_t>(4 + 4 + ((units + 3) & ~std::size_t{3}) + 4));
        writer.string16(service.name);
        writer.i32(service.pid);
      }
      return reply_of(writer);
    }
    case Method::kRegisterClientCallback:
      return register_client_callback(call, request, header, dialect);
    case Method::kTryUnregisterService:
      return try_unregister(call, request);
  }
  NB_UNREACHABLE();
}

void ServiceManager::put_service(ParcelWriter& reply, const std::string& name, Dialect dialect) {
  if (name == kManagerName) {
    reply.binder(kNodePtr, 0);
    reply.u32(stability_word(dialect, kStabilitySystem));
  } else if (Instance* found = find(name)) {
    handed_out(name, *found);
    put_instance_handle(reply, *found, dialect);
  } else {
    reply.null_binder();
    reply.u32(null_stability_word(dialect));
  }
}

void ServiceManager::put_instance_handle(ParcelWriter& parcel, const Instance& instance,
                                         Dialect dialect) {
  parcel.handle(instance.handle);
  parcel.u32(stability_word(dialect, instance.stability));
}

}  // namespace netbinder
