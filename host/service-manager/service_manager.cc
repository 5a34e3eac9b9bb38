// SPDX-License-Identifier: Apache-2.0
#include "host/service-manager/service_manager.h"

#include <algorithm>
#include <cerrno>

#include "core/base/check.h"
#include "host/local_process.h"
#include "host/service-manager/protocol.h"
#include "host/service-manager/replies.h"
#include "host/service-manager/request_shape.h"
#include "parcel/token.h"

namespace netbinder {

namespace {

constexpr const char* kInterface = "android.os.IServiceManager";
constexpr const char* kOfAnotherUser = "another user has this name";
constexpr const char* kNotToFind = "policy denies finding this name";

constexpr std::uint32_t kPing = B_PACK_CHARS('_', 'P', 'N', 'G');
constexpr std::uint32_t kInterfaceDescriptor = B_PACK_CHARS('_', 'N', 'T', 'F');

// Classic codes.
constexpr std::uint32_t kClassicGet = 1;
constexpr std::uint32_t kClassicCheck = 2;
constexpr std::uint32_t kClassicAdd = 3;
constexpr std::uint32_t kClassicList = 4;

// Names that are looked at in one slice.
constexpr int kNamesAtOnce = 256;

// The service to be registered: a handle, or the manager itself.
std::optional<Handle> service_in(ParcelReader& request) {
  return request.own_binder(kManagerNode) ? kItself : request.handle();
}

}  // namespace

ServiceManager::ServiceManager(const ServiceManagerSetup& setup)
    : own_host_(setup.host),
      access_(setup.context, setup.policy),
      names_(setup, handles_, access_),
      managers_(handles_, setup.exchange),
      listeners_(handles_, quota_, access_),
      lazy_(names_, managers_, handles_, quota_),
      unique_(names_, handles_,
              {.take = [this](const auto& name, const auto& service) -> std::optional<Refusal> {
                 // While the store was asked another user's program may have registered the name.
                 if (names_.is_of_another(name, service.uid)) {
                   return Refusal{kSecurityException, kOfAnotherUser};
                 }
                 return take(name, service);
               },
               .withdraw =
                   [this](const std::string& name) {
                     managers_.forget(name);
                     lazy_.withdraw(name, own_host_);
                   }}),
      clients_(setup.dialect),
      hidl_(names_, access_, managers_, handles_, quota_,
            [this](const std::string& name, RegisteredService service) { put(name, service); }),
      freezes_(names_, managers_),
      questions_(managers_) {
  names_.when_own_is_removed([this](const std::string& name) { unique_.removed(name); });
  unique_.set_names(setup.unique);
}

void ServiceManager::attach(LocalProcess& process) {
  process_ = &process;
  handles_.attach(process);
  access_.attach(process);
  managers_.attach(process);
  listeners_.attach(process);
  hidl_.attach(process);
  freezes_.attach(process);
  lazy_.attach(process);
  unique_.attach(process);
}

// ---- what happens ----

void ServiceManager::peer_connected(HostId host, Handle manager) {
  // The names that it publishes from now on are to stay.
  while (to_be_forgotten_.contains(host)) go_on_forgetting();
  managers_.connected(host, manager);
  to_be_told_[host].clear();
  go_on();
}

void ServiceManager::go_on() {
  lazy_.go_on_looking();
  if (!to_be_forgotten_.empty()) go_on_forgetting();
  if (!to_be_told_.empty()) go_on_telling();
}

void ServiceManager::go_on_forgetting() {
  const auto lost = to_be_forgotten_.begin();
  if (auto next = names_.remove_of_host(lost->first, lost->second, kNamesAtOnce)) {
    lost->second = std::move(*next);
  } else {
    to_be_forgotten_.erase(lost);
  }
}

void ServiceManager::go_on_telling() {
  const auto [host, next] = *to_be_told_.begin();
  auto at = names_.names().lower_bound(next);
  for (int i = 0; i < kNamesAtOnce && at != names_.names().end(); ++i, ++at) {
    const RegisteredService* const own = names_.own(at->first);
    if (own == nullptr) continue;
    managers_.publish(host, at->first, *own);
    lazy_.host_told(host, at->first);
  }
  if (at == names_.names().end()) {
    to_be_told_.erase(host);
  } else {
    to_be_told_[host] = at->first;
  }
}

void ServiceManager::set_exchange(const NameExchange& exchange) {
  const NameExchange before = managers_.exchange();
  if (exchange == before) return;
  managers_.set_exchange(exchange);
  std::vector<std::pair<std::string, HostId>> not_taken;
  for (const auto& [name, services] : names_.names()) {
    for (const RegisteredService& service : services) {
      if (service.host != own_host_) {
        if (!exchange.takes(service.host, name)) not_taken.emplace_back(name, service.host);
        continue;
      }
      for (const HostId host : managers_.hosts()) {
        if (before.shows(host, name) == exchange.shows(host, name)) continue;
        if (exchange.shows(host, name)) {
          managers_.publish(host, name, service);
        } else {
          managers_.forget(host, name);
        }
      }
    }
  }
  for (const auto& [name, host] : not_taken) names_.remove(name, host);
  // Other hosts have published the names that are imported from now on before, and they were not
  // kept.
  if (exchange.imports == before.imports) return;
  for (const HostId host : managers_.hosts()) managers_.ask_for_names(host, names_.host_ids());
}

// names.pml: dies
void ServiceManager::died(std::uint64_t cookie) {
  const Handle handle{static_cast<std::uint32_t>(cookie)};
  const NameTable::Lost lost = names_.remove_dead(handle);
  for (const std::string& name : lost.homeless) managers_.forget(name);
  lazy_.died(handle, lost.own);
  unique_.died(handle);
  listeners_.remove_dead(handle);
  hidl_.listeners().remove_dead(handle);
  for (const HostId host : managers_.remove_dead(handle)) {
    to_be_told_.erase(host);
    to_be_forgotten_[host].clear();
    lazy_.host_gone(host);
    freezes_.host_gone(host);
    questions_.host_gone(host);
  }
  handles_.died(handle);
}

std::optional<OutgoingReply> ServiceManager::add(const IncomingCall& call, const std::string& name,
                                                 const RegisteredService& service,
                                                 RegistrationForm form) {
  const auto refused = [form](std::int32_t exception, const char* message) {
    return registration_reply(form, Refusal{exception, message});
  };
  if (!NameTable::valid_name(name)) return refused(kIllegalArgument, "invalid service name");
  if (name == kManagerName) return refused(kSecurityException, "the service manager has this name");
  // A name belongs to its user until that user gives it up, which SELinux decides on Android.
  if (names_.is_of_another(name, service.uid)) {
    return refused(kSecurityException, kOfAnotherUser);
  }
  if (!access_.may_add(process_->caller_of(call), name)) {
    return refused(kSecurityException, "policy denies registering this name");
  }
  if (unique_.must_be_asked(name)) return unique_.ask(call, name, service, form);
  return registration_reply(form, take(name, service));
}

std::optional<Refusal> ServiceManager::take(const std::string& name,
                                            const RegisteredService& service) {
  if (const char* refusal = names_.refusal(name, service)) return Refusal{kIllegalState, refusal};
  put(name, service);
  managers_.publish(name, service);
  lazy_.published(name);
  return std::nullopt;
}

bool ServiceManager::may_find(const IncomingCall& call, const std::string& name) {
  // A program that has handle 0 has the manager already.
  return !access_.restricts_finding() || name == kManagerName ||
         access_.may_find(process_->caller_of(call), names_.looked_up(name));
}

// names.pml: put
void ServiceManager::put(const std::string& name, RegisteredService service) {
  service.home =
      service.handle == kItself ? own_host_ : process_->home_of(service.handle).value_or(HostId{});
  const RegisteredService* found = names_.find(name);
  const bool is_new = found == nullptr;
  const HostId host_before = is_new ? HostId{} : found->host;
  const Handle handle_before = is_new ? Handle{} : found->handle;
  names_.put(name, service);
  const bool own = service.host == own_host_;
  if (own) lazy_.registered(name, service.pid);
  // Listeners get the service that a lookup gives now and, as on Android, each registration here.
  RegisteredService& given = *names_.find(name);
  if (own || is_new || host_before != given.host || handle_before != given.handle) {
    // Listeners get the service as by a lookup, and may be gone when it asks about its clients.
    if (listeners_.wait_for(name)) lazy_.handed_out(name, given);
    listeners_.tell(name, given);
    hidl_.listeners().tell(name);
  }
}

// names.pml: refresh
void ServiceManager::publish_again(HostId to, HostId home) {
  for (const auto& [name, services] : names_.names()) {
    for (const RegisteredService& service : services) {
      if (service.host == own_host_ && service.home == home) managers_.publish(to, name, service);
    }
  }
}

// names.pml: publish_arrives
void ServiceManager::peer_call(HostId from, const IncomingCall& call) {
  if (from == own_host_ || !names_.knows_host(from)) return;
  ParcelReader request(call.parcel);
  if (call.code == kPeerRefresh) {
    publish_again(from, HostId{static_cast<std::uint32_t>(request.i32().value_or(0))});
    return;
  }
  if (call.code == kPeerFreeze) return freezes_.peer_asks(from, request);
  if (call.code == kPeerFrozen) return freezes_.peer_answers(from, request);
  if (call.code == kPeerQuestion) return questions_.peer_asks(from, request);
  if (call.code == kPeerFetch) return questions_.peer_fetches(from, request);
  if (call.code == kPeerAnswer) return questions_.peer_answers(from, request);
  const auto name = request.string16();
  if (!name || (!NameTable::valid_name(*name) && !is_hidl_name(*name))) return;
  if (call.code == kPeerForget) {
    names_.remove(*name, from);
    return;
  }
  if (call.code != kPeerPublish) {
    lazy_.peer_said(from, call, *name, request);
    return;
  }
  if (!managers_.exchange().takes(from, *name)) return;
  RegisteredService service{.host = from, .handle = Handle{}};
  service.allow_isolated = request.i32().value_or(0) != 0;
  service.dump_priority = static_cast<std::uint32_t>(request.i32().value_or(0));
  service.stability = static_cast<std::uint32_t>(request.i32().value_or(0));
  const auto handle = request.handle();
  if (!handle) return;
  if (!process_->home_of(*handle)) {
    names_.remove(*name, from);  // its service there cannot be reached from here
  } else if (!names_.full(from)) {
    service.handle = *handle;
    put(*name, service);
  }
}

// ---- requests ----

std::optional<OutgoingReply> ServiceManager::call(const IncomingCall& call) {
  if (call.target > kPeerNodePtr) {
    peer_call(HostId{static_cast<std::uint32_t>(call.target - kPeerNodePtr)}, call);
    return OutgoingReply{};
  }
  return client_call(call);
}

std::optional<OutgoingReply> ServiceManager::client_call(const IncomingCall& call) {
  if (is_hidl_token(call.parcel)) return hidl_.call(call);
  if (call.code == ProgramFreezes::kCode) return freezes_.call(call);
  if (call.code == ServiceFacts::kCode) return facts(call);
  if (call.code == kPing) return OutgoingReply{};
  if (call.code == kInterfaceDescriptor) {
    ParcelWriter writer;
    writer.string16(kInterface);
    return reply_of(writer);
  }
  ParcelReader request(call.parcel);
  if (const auto token = take_interface_token(request, kInterface)) {
    if (token->words < 3) return classic_call(call, request);
    return aidl_call(call, request, static_cast<std::uint32_t>(token->header));
  }
  return status_reply(-EPERM);  // libbinder's answer to a wrong interface
}

std::optional<OutgoingReply> ServiceManager::classic_call(const IncomingCall& call,
                                                          ParcelReader& request) {
  ParcelWriter writer;
  switch (call.code) {
    case kClassicGet:
    case kClassicCheck: {
      const auto name = request.string16();
      if (!name || !may_find(call, *name)) return status_reply(-1);
      if (*name == kManagerName) {
        writer.binder(kNodePtr, 0);
      } else if (RegisteredService* found = names_.find(*name)) {
        lazy_.handed_out(*name, *found);
        put_binder(writer, *found);
      } else {
        writer.i32(0);
      }
      return reply_of(writer);
    }
    case kClassicAdd: {
      const auto name = request.string16();
      const auto handle = service_in(request);
      if (!name || !handle) return status_reply(-1);
      RegisteredService instance{
          .host = own_host_, .handle = *handle, .pid = call.sender_pid, .uid = call.sender_euid};
      instance.allow_isolated = request.i32().value_or(0) != 0;
      instance.dump_priority =
          static_cast<std::uint32_t>(request.i32().value_or(static_cast<int>(kDumpDefault)));
      instance.stability = kStabilitySystem;
      return add(call, *name, instance, RegistrationForm::kClassic);
    }
    case kClassicList: {
      const auto index = request.i32();
      if (!index || *index < 0) return status_reply(-1);
      const Caller caller = process_->caller_of(call);
      std::int32_t left = *index;
      for (const auto& [name, services] : names_.names()) {
        if (!access_.sees(caller, name) || left-- > 0) continue;
        writer.string16(name);
        return reply_of(writer);
      }
      return status_reply(-1);
    }
    default:
      return status_reply(-1);
  }
}

std::optional<OutgoingReply> ServiceManager::aidl_call(const IncomingCall& call,
                                                       ParcelReader& request,
                                                       std::uint32_t header) {
  const Dialect dialect = clients_.of_call(call.sender_pid, call.code, shape_of(request));
  const auto method = method_of(dialect, call.code);
  if (!method) return status_reply(-EBADMSG);  // libbinder's UNKNOWN_TRANSACTION
  ParcelWriter writer;
  writer.i32(kNoException);
  switch (*method) {
    case Method::kGetService:
    case Method::kCheckService:
      return get_service(call, request, dialect);
    case Method::kGetService2:
    case Method::kCheckService2:
      return get_service2(call, request, dialect);
    case Method::kAddService:
      return add_service(call, request);
    case Method::kListServices:
      return list_services(call, request);
    case Method::kRegisterForNotifications:
      return register_for_notifications(call, request, header, dialect);
    case Method::kUnregisterForNotifications:
      return unregister_for_notifications(request);
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
    case Method::kGetServiceDebugInfo:
      return debug_info(call);
    case Method::kRegisterClientCallback:
      return lazy_.register_callback(call, request, header, dialect);
    case Method::kTryUnregisterService:
      return lazy_.try_unregister(call, request);
  }
  NB_UNREACHABLE();
}

OutgoingReply ServiceManager::get_service(const IncomingCall& call, ParcelReader& request,
                                          Dialect dialect) {
  const auto name = request.string16();
  if (!name) return exception_reply(kIllegalArgument, "no name");
  if (!may_find(call, *name)) return exception_reply(kSecurityException, kNotToFind);
  ParcelWriter writer;
  writer.i32(kNoException);
  put_service(writer, *name, dialect);
  return reply_of(writer);
}

OutgoingReply ServiceManager::get_service2(const IncomingCall& call, ParcelReader& request,
                                           Dialect dialect) {
  const auto name = request.string16();
  if (!name) return exception_reply(kIllegalArgument, "no name");
  if (!may_find(call, *name)) return exception_reply(kSecurityException, kNotToFind);
  ParcelWriter writer;
  writer.i32(kNoException);
  writer.i32(1);  // a union follows
  writer.i32(0);  // its first member
  if (dialect != Dialect::kAndroid16) {
    put_service(writer, *name, dialect);
    return reply_of(writer);
  }
  constexpr std::int32_t kServiceWithMetadataBytes = 4 + 24 + 4 + 4;
  const RegisteredService* found = names_.find(*name);
  writer.i32(1);
  writer.i32(kServiceWithMetadataBytes);
  put_service(writer, *name, dialect);
  writer.i32(found != nullptr && (found->dump_priority & kLazyService) != 0 ? 1 : 0);
  return reply_of(writer);
}

std::optional<OutgoingReply> ServiceManager::add_service(const IncomingCall& call,
                                                         ParcelReader& request) {
  const auto name = request.string16();
  const auto handle = service_in(request);
  const auto stability = request.i32();
  if (!name || !handle || !stability) return exception_reply(kIllegalArgument, "no service");
  RegisteredService service{
      .host = own_host_, .handle = *handle, .pid = call.sender_pid, .uid = call.sender_euid};
  service.allow_isolated = request.i32().value_or(0) != 0;
  service.dump_priority =
      static_cast<std::uint32_t>(request.i32().value_or(static_cast<int>(kDumpDefault)));
  service.stability = stability_level(static_cast<std::uint32_t>(*stability));
  return add(call, *name, service, RegistrationForm::kAidl);
}

OutgoingReply ServiceManager::list_services(const IncomingCall& call, ParcelReader& request) {
  const Caller caller = process_->caller_of(call);
  const auto mask = static_cast<std::uint32_t>(request.i32().value_or(0));
  std::vector<std::string> names;
  for (const auto& [name, services] : names_.names()) {
    const bool wanted = std::any_of(
        services.begin(), services.end(),
        [mask](const RegisteredService& service) { return (service.dump_priority & mask) != 0; });
    if (wanted && access_.sees(caller, name)) names.push_back(name);
  }
  if ((kDumpDefault & mask) != 0) {
    names.insert(std::upper_bound(names.begin(), names.end(), kManagerName), kManagerName);
  }
  ParcelWriter writer;
  writer.i32(kNoException);
  writer.i32(static_cast<std::int32_t>(names.size()));
  for (const std::string& name : names) writer.string16(name);
  return reply_of(writer);
}

OutgoingReply ServiceManager::register_for_notifications(const IncomingCall& call,
                                                         ParcelReader& request,
                                                         std::uint32_t header, Dialect dialect) {
  const auto name = request.string16();
  const auto callback = request.handle();
  if (!name || !callback) return exception_reply(kIllegalArgument, "no callback");
  if (!NameTable::valid_name(*name)) {
    return exception_reply(kIllegalArgument, "invalid service name");
  }
  if (!may_find(call, *name)) return exception_reply(kSecurityException, kNotToFind);
  if (!quota_.room_for(call.sender_pid)) {
    return exception_reply(kIllegalState, "too many callbacks");
  }
  const Listener listener{.callback = *callback,
                          .caller = process_->caller_of(call),
                          .pid = call.sender_pid,
                          .header = header,
                          .dialect = dialect};
  listeners_.add(*name, listener);
  if (RegisteredService* found = names_.find(*name)) {
    lazy_.handed_out(*name, *found);
    listeners_.tell(*name, listener, *found);
  }
  return empty_reply();
}

OutgoingReply ServiceManager::unregister_for_notifications(ParcelReader& request) {
  const auto name = request.string16();
  const auto callback = request.handle();
  if (!name || !callback) return exception_reply(kIllegalArgument, "no callback");
  if (!listeners_.remove(*name, *callback)) {
    return exception_reply(kIllegalState, "no such callback");
  }
  return empty_reply();
}

void ServiceManager::put_service(ParcelWriter& reply, const std::string& name, Dialect dialect) {
  if (name == kManagerName) {
    reply.binder(kNodePtr, 0);
    reply.u32(stability_word(dialect, kStabilitySystem));
  } else if (RegisteredService* found = names_.find(name)) {
    lazy_.handed_out(name, *found);
    put_handle(reply, *found, dialect);
  } else {
    reply.null_binder();
    reply.u32(null_stability_word(dialect));
  }
}

}  // namespace netbinder
