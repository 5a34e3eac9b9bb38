// SPDX-License-Identifier: Apache-2.0
#include "node-agent/service-manager/service_manager.h"

#include <algorithm>
#include <cerrno>

#include "core/check.h"

namespace netbinder {

namespace {

constexpr const char* kInterface = "android.os.IServiceManager";
constexpr const char* kCallbackInterface = "android.os.IServiceCallback";
constexpr const char* kOwnName = "manager";
constexpr std::uint32_t kHeaders[] = {0x53595354, 0x564e4452, 0x5245434f, 0x554e4b4e};

constexpr std::uint32_t kPing = B_PACK_CHARS('_', 'P', 'N', 'G');
constexpr std::uint32_t kInterfaceDescriptor = B_PACK_CHARS('_', 'N', 'T', 'F');
constexpr std::uint32_t kOnRegistration = 1;

// Classic codes.
constexpr std::uint32_t kClassicGet = 1;
constexpr std::uint32_t kClassicCheck = 2;
constexpr std::uint32_t kClassicAdd = 3;
constexpr std::uint32_t kClassicList = 4;

// Between built-in managers.
constexpr std::uint32_t kPeerPublish = 1;
constexpr std::uint32_t kPeerWithdraw = 2;

// Exceptions of an AIDL reply.
constexpr std::int32_t kNone = 0;
constexpr std::int32_t kIllegalArgument = -3;
constexpr std::int32_t kIllegalState = -5;
constexpr std::int32_t kUnsupported = -7;

constexpr std::uint32_t kDumpDefault = 8;
constexpr std::size_t kMaxNameBytes = 127;
constexpr std::size_t kUnknownRank = static_cast<std::size_t>(-1);

OutgoingReply status_reply(std::int32_t status) {
  ParcelWriter writer;
  writer.i32(status);
  return {.flags = TF_STATUS_CODE, .parcel = writer.take()};
}

OutgoingReply reply_of(ParcelWriter& writer) { return {.flags = 0, .parcel = writer.take()}; }

OutgoingReply exception_reply(std::int32_t exception, const std::string& message) {
  ParcelWriter writer;
  writer.i32(exception);
  writer.string16(message);
  writer.i32(0);
  return reply_of(writer);
}

bool valid_name(const std::string& name) {
  return !name.empty() && name.size() <= kMaxNameBytes &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '-' || c == '.' || c == '/';
         });
}

// The request behind the token, looked at without being used.
RequestShape shape_of(ParcelReader request) {
  RequestShape shape;
  shape.objects = request.objects();
  shape.starts_with_name = request.string16().has_value();
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

OutgoingReply ServiceManager::call(const IncomingCall& call) {
  if (call.target == kPeerNodePtr) {
    peer_call(call);
    return {};
  }
  return client_call(call);
}

OutgoingReply ServiceManager::client_call(const IncomingCall& call) {
  if (call.code == kPing) return {};
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
      if (*name == kOwnName) {
        writer.binder(kNodePtr, 0);
      } else if (const Instance* found = find(*name)) {
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
      if (add(*name, instance).first != kNone) return status_reply(-1);
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
    // "Late 15" does not take back what has shown 16 to be spoken: they share the shape.
    const bool keeps = *detected == Dialect::kAndroid15Late && code == 3 &&
                       client.detected == Dialect::kAndroid16;
    const bool refines = *detected == Dialect::kAndroid14 && client.detected == Dialect::kAndroid12;
    if (!keeps && !refines) client.detected = detected;
  }
  if (client.wanted && *client.wanted != Dialect::kClassic) return *client.wanted;
  if (configured && *configured != Dialect::kClassic) return *configured;
  return client.detected.value_or(Dialect::kAndroid14);
}

OutgoingReply ServiceManager::aidl_call(const IncomingCall& call, ParcelReader& request,
                                        std::uint32_t header) {
  const Dialect dialect = dialect_of(call.sender_pid, call.code, shape_of(request));
  const auto method = method_of(dialect, call.code);
  if (!method) return status_reply(-EBADMSG);  // libbinder's UNKNOWN_TRANSACTION
  ParcelWriter writer;
  writer.i32(kNone);
  switch (*method) {
    case Method::kGetService:
    case Method::kCheckService: {
      const auto name = request.string16();
      if (!name) return exception_reply(kIllegalArgument, "no name");
      if (*name == kOwnName) {
        writer.binder(kNodePtr, 0);
        writer.u32(stability_word(dialect, kStabilitySystem));
      } else {
        put_service(writer, find(*name), dialect);
      }
      return reply_of(writer);
    }
    case Method::kGetService2:
    case Method::kCheckService2: {
      const auto name = request.string16();
      if (!name) return exception_reply(kIllegalArgument, "no name");
      const Instance* found = find(*name);
      writer.i32(1);  // a union follows
      writer.i32(0);  // its first member
      if (dialect == Dialect::kAndroid16) {
        constexpr std::int32_t kServiceWithMetadataBytes = 4 + 24 + 4 + 4;
        writer.i32(1);
        writer.i32(kServiceWithMetadataBytes);
        put_service(writer, found, dialect);
        writer.i32(0);  // not a lazy service
      } else {
        put_service(writer, found, dialect);
      }
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
      if (exception != kNone) return exception_reply(exception, message);
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
      writer.i32(static_cast<std::int32_t>(names.size()));
      for (const std::string& name : names) writer.string16(name);
      return reply_of(writer);
    }
    case Method::kRegisterForNotifications: {
      const auto name = request.string16();
      const auto callback = request.handle();
      if (!name || !callback) return exception_reply(kIllegalArgument, "no callback");
      if (!valid_name(*name)) return exception_reply(kIllegalArgument, "invalid service name");
      if (listener_count_ >= kMaxListeners) {
        return exception_reply(kIllegalState, "too many callbacks");
      }
      const Listener listener{.callback = *callback, .header = header, .dialect = dialect};
      hold(*callback);
      listeners_[*name].push_back(listener);
      ++listener_count_;
      if (const Instance* found = find(*name)) notify(*name, listener, *found);
      return reply_of(writer);
    }
    case Method::kUnregisterForNotifications: {
      const auto name = request.string16();
      const auto callback = request.handle();
      if (!name || !callback) return exception_reply(kIllegalArgument, "no callback");
      const auto found = listeners_.find(*name);
      const std::size_t gone =
          found == listeners_.end()
              ? 0
              : std::erase_if(found->second, [&](const Listener& listener) {
                  return listener.callback == *callback;
                });
      if (gone == 0) return exception_reply(kIllegalState, "no such callback");
      listener_count_ -= gone;
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
      const auto all = services();
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
    case Method::kTryUnregisterService:
      return exception_reply(kUnsupported, "lazy services are not supported");
  }
  NB_UNREACHABLE();
}

void ServiceManager::put_service(ParcelWriter& reply, const Instance* instance,
                                 Dialect dialect) const {
  if (instance == nullptr) {
    reply.null_binder();
    reply.u32(null_stability_word(dialect));
  } else {
    reply.handle(instance->handle);
    reply.u32(stability_word(dialect, instance->stability));
  }
}

// ---- names ----

const ServiceManager::Instance* ServiceManager::find(const std::string& name) const {
  if (const auto found = names_.find(name); found != names_.end()) return &found->second.front();
  const std::size_t at = name.rfind('@');
  if (at == std::string::npos) return nullptr;
  const auto found = names_.find(name.substr(0, at));
  if (found == names_.end()) return nullptr;
  const std::string host = name.substr(at + 1);
  for (const Instance& instance : found->second) {
    if (host_name(instance.host) == host) return &instance;
  }
  return nullptr;
}

std::pair<std::int32_t, std::string> ServiceManager::add(const std::string& name,
                                                         Instance instance) {
  if (!valid_name(name)) return {kIllegalArgument, "invalid service name"};
  if (names_.size() >= kMaxNames && !names_.contains(name)) {
    return {kIllegalState, "too many services"};
  }
  put_instance(name, instance);
  for (const auto& [host, manager] : managers_) publish(manager, name, instance);
  return {kNone, ""};
}

void ServiceManager::put_instance(const std::string& name, const Instance& instance) {
  hold(instance.handle);
  std::vector<Instance>& instances = names_[name];
  const auto same = std::find_if(instances.begin(), instances.end(), [&](const Instance& other) {
    return other.host == instance.host;
  });
  if (same != instances.end()) {
    const Handle old = same->handle;
    *same = instance;
    let_go(old);
  } else {
    const auto place = std::find_if(instances.begin(), instances.end(), [&](const Instance& other) {
      return rank(other.host) > rank(instance.host);
    });
    instances.insert(place, instance);
  }
  if (const auto waiting = listeners_.find(name); waiting != listeners_.end()) {
    for (const Listener& listener : waiting->second) notify(name, listener, instance);
  }
}

void ServiceManager::notify(const std::string& name, const Listener& listener,
                            const Instance& instance) {
  ParcelWriter writer;
  writer.i32(0);
  writer.i32(-1);
  writer.u32(listener.header);
  writer.string16(kCallbackInterface);
  writer.string16(name);
  put_service(writer, &instance, listener.dialect);
  process_->call_oneway(listener.callback, kOnRegistration, writer.take());
}

void ServiceManager::died(std::uint64_t cookie) {
  const Handle handle{static_cast<std::uint32_t>(cookie)};
  for (auto it = names_.begin(); it != names_.end();) {
    std::erase_if(it->second, [&](const Instance& instance) { return instance.handle == handle; });
    it = it->second.empty() ? names_.erase(it) : std::next(it);
  }
  for (auto it = listeners_.begin(); it != listeners_.end();) {
    listener_count_ -= std::erase_if(
        it->second, [&](const Listener& listener) { return listener.callback == handle; });
    it = it->second.empty() ? listeners_.erase(it) : std::next(it);
  }
  for (auto it = managers_.begin(); it != managers_.end();) {
    if (it->second == handle) {
      drop_instances_of(it->first);
      it = managers_.erase(it);
    } else {
      ++it;
    }
  }
  if (uses_.erase(handle.value()) > 0) process_->release(handle);
}

void ServiceManager::drop_instances_of(HostId host) {
  for (auto it = names_.begin(); it != names_.end();) {
    std::erase_if(it->second, [&](const Instance& instance) {
      if (instance.host != host) return false;
      let_go(instance.handle);
      return true;
    });
    it = it->second.empty() ? names_.erase(it) : std::next(it);
  }
}

// ---- other hosts ----

void ServiceManager::peer_connected(HostId host, Handle manager) {
  hold(manager);
  process_->release(manager);  // the reference it came with
  managers_[host] = manager;
  for (const auto& [name, instances] : names_) {
    for (const Instance& instance : instances) {
      if (instance.host == setup_.host) publish(manager, name, instance);
    }
  }
}

void ServiceManager::publish(Handle manager, const std::string& name, const Instance& instance) {
  ParcelWriter writer;
  writer.u32(setup_.host.value());
  writer.string16(name);
  writer.i32(instance.allow_isolated ? 1 : 0);
  writer.u32(instance.dump_priority);
  writer.u32(instance.stability);
  writer.handle(instance.handle);
  process_->call_oneway(manager, kPeerPublish, writer.take());
}

void ServiceManager::peer_call(const IncomingCall& call) {
  ParcelReader request(call.parcel);
  const HostId host{static_cast<std::uint32_t>(request.i32().value_or(0))};
  const auto name = request.string16();
  if (!name || !valid_name(*name) || host == setup_.host || rank(host) == kUnknownRank) {
    return;
  }
  if (call.code == kPeerPublish) {
    Instance instance{.host = host, .handle = Handle{}};
    instance.allow_isolated = request.i32().value_or(0) != 0;
    instance.dump_priority = static_cast<std::uint32_t>(request.i32().value_or(0));
    instance.stability = static_cast<std::uint32_t>(request.i32().value_or(0));
    const auto handle = request.handle();
    if (!handle || (names_.size() >= kMaxNames && !names_.contains(*name))) return;
    instance.handle = *handle;
    put_instance(*name, instance);
  } else if (call.code == kPeerWithdraw) {
    const auto found = names_.find(*name);
    if (found == names_.end()) return;
    std::erase_if(found->second, [&](const Instance& instance) {
      if (instance.host != host) return false;
      let_go(instance.handle);
      return true;
    });
    if (found->second.empty()) names_.erase(found);
  }
}

// ---- handles ----

void ServiceManager::hold(Handle handle) {
  if (uses_[handle.value()]++ > 0) return;
  process_->acquire(handle);
  process_->link_to_death(handle, handle.value());
}

void ServiceManager::let_go(Handle handle) {
  const auto found = uses_.find(handle.value());
  NB_CHECK(found != uses_.end());
  if (--found->second > 0) return;
  uses_.erase(found);
  process_->unlink_death(handle, handle.value());
  process_->release(handle);
}

std::size_t ServiceManager::rank(HostId host) const {
  if (host == setup_.host) return 0;  // the caller's own host first
  for (std::size_t i = 0; i < setup_.hosts.size(); ++i) {
    if (setup_.hosts[i].first == host) return i + 1;
  }
  return kUnknownRank;
}

const std::string& ServiceManager::host_name(HostId host) const {
  static const std::string unknown = "?";
  for (const auto& [id, name] : setup_.hosts) {
    if (id == host) return name;
  }
  return unknown;
}

}  // namespace netbinder
