// SPDX-License-Identifier: Apache-2.0
#include "host/service-manager/hidl_calls.h"

#include <algorithm>
#include <cstring>

#include "host/local_process.h"
#include "host/service-manager/replies.h"
#include "parcel/hidl.h"

namespace netbinder {

namespace {

constexpr const char* kManagers[] = {"android.hidl.manager@1.2::IServiceManager",
                                     "android.hidl.manager@1.1::IServiceManager",
                                     "android.hidl.manager@1.0::IServiceManager"};
constexpr const char* kBase = "android.hidl.base@1.0::IBase";

enum Code : std::uint32_t {
  kGet = 1,
  kAdd = 2,
  kGetTransport = 3,
  kList = 4,
  kListByInterface = 5,
  kRegisterForNotifications = 6,
  kDebugDump = 7,
  kRegisterPassthroughClient = 8,
  kUnregisterForNotifications = 9,
  kRegisterClientCallback = 10,
  kUnregisterClientCallback = 11,
  kAddWithChain = 12,
  kListManifestByInterface = 13,
  kTryUnregister = 14,
  // These methods are part of every HIDL interface.
  kPingBase = 0x0f504e47,
  kDescriptorBase = 0x0f445343,
  kChainBase = 0x0f43484e,
};

constexpr std::size_t kMaxHidlName = 255;
constexpr std::int32_t kOk = 0;
constexpr std::int32_t kUnknownTransaction = -74;  // -EBADMSG, as libhwbinder has it
constexpr std::int32_t kBadType = -2147483647;
constexpr std::int32_t kTransportEmpty = 0;
constexpr std::int32_t kTransportHwbinder = 1;

OutgoingReply refusal(std::int32_t status) {
  HidlWriter writer;
  writer.i32(status);
  return {.flags = TF_STATUS_CODE, .parcel = writer.take()};
}

OutgoingReply truth(bool value) {
  HidlWriter writer;
  writer.i32(kOk);
  writer.i32(value ? 1 : 0);
  return {.flags = 0, .parcel = writer.take()};
}

OutgoingReply strings(const std::vector<std::string>& texts) {
  HidlWriter writer;
  writer.i32(kOk);
  writer.strings(texts);
  return {.flags = 0, .parcel = writer.take()};
}

// INTERFACE of INTERFACE/INSTANCE; empty if it is no such name.
std::string interface_of(const std::string& name) {
  const std::size_t colons = name.find("::");
  const std::size_t slash = name.find('/');
  return colons == std::string::npos || slash == std::string::npos || slash < colons
             ? std::string()
             : name.substr(0, slash);
}

// struct InstanceDebugInfo of IServiceManager 1.0.
constexpr std::size_t kDebugInfoBytes = 64;
constexpr std::size_t kInterfaceName = 0;
constexpr std::size_t kInstanceName = 16;
constexpr std::size_t kPid = 32;
constexpr std::int32_t kNoPid = -1;

}  // namespace

bool is_hidl_name(const std::string& name) {
  const std::string interface = interface_of(name);
  const auto good = [](char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9') || std::strchr("_.-/@:", letter) != nullptr;
  };
  return !interface.empty() && interface.find('@') != std::string::npos &&
         name.size() <= kMaxHidlName && name.size() > interface.size() + 1 &&
         std::all_of(name.begin(), name.end(), good);
}

bool is_hidl_token(ParcelView parcel) {
  constexpr std::string_view kPrefix = "android.hidl.";
  return parcel.data.size() > kPrefix.size() &&
         std::memcmp(parcel.data.data(), kPrefix.data(), kPrefix.size()) == 0;
}

bool HidlCalls::add(const std::string& instance, const std::vector<std::string>& chain,
                    const RegisteredService& service, const Caller& caller) {
  std::vector<std::string> names;
  for (const std::string& interface : chain) {
    const std::string name = interface + "/" + instance;
    if (interface == kBase || !is_hidl_name(name)) continue;
    if (names_.is_of_another(name, service.uid) || !access_.may_add(caller, name)) return false;
    names.push_back(name);
  }
  for (const std::string& name : names) {
    if (names_.refusal(name, service) != nullptr) return false;
    put_(name, service);
    managers_.publish(name, service);
  }
  return !names.empty();
}

// Only the service itself knows which interfaces it has. It is asked, and its program waits until
// it has answered.
std::optional<OutgoingReply> HidlCalls::add_by_asking(const IncomingCall& call,
                                                      const std::string& instance, Handle handle) {
  if (!process_->can_defer()) return truth(false);
  HidlWriter question;
  question.text(kBase);
  const RegisteredService service{.host = names_.own_host(),
                                  .handle = handle,
                                  .pid = call.sender_pid,
                                  .uid = call.sender_euid,
                                  .dump_priority = kDumpDefault,
                                  .stability = kStabilityVintf};
  process_->ask(call.reply_to, handle, kChainBase, question.take(),
                [this, to = call.reply_to, instance, service,
                 caller = process_->caller_of(call)](std::optional<ParcelView> answer) {
                  std::optional<std::vector<std::string>> chain;
                  if (answer) {
                    HidlReader reader(*answer);
                    if (reader.i32() == kOk) chain = reader.strings();
                  }
                  process_->reply(to, truth(chain && add(instance, *chain, service, caller)));
                });
  return std::nullopt;
}

std::optional<OutgoingReply> HidlCalls::call(const IncomingCall& call) {
  HidlReader request(call.parcel);
  const auto interface = request.text();
  if (!interface) return refusal(kBadType);
  HidlWriter writer;
  writer.i32(kOk);
  switch (call.code) {
    case kPingBase:
      return OutgoingReply{.flags = 0, .parcel = writer.take()};
    case kDescriptorBase:
      writer.string(kManagers[0]);
      return OutgoingReply{.flags = 0, .parcel = writer.take()};
    case kChainBase:
      return strings({kManagers[0], kManagers[1], kManagers[2], kBase});
    default:
      break;
  }
  if (std::none_of(std::begin(kManagers), std::end(kManagers),
                   [&](const char* each) { return *interface == each; })) {
    return refusal(kBadType);
  }
  switch (call.code) {
    case kGet:
    case kGetTransport: {
      const auto fq_name = request.string();
      const auto instance = request.string();
      if (!fq_name || !instance) return refusal(kBadType);
      const std::string name = *fq_name + "/" + *instance;
      const bool may = access_.may_find(process_->caller_of(call), names_.looked_up(name));
      const RegisteredService* const found = may ? names_.find(name) : nullptr;
      if (call.code == kGetTransport) {
        writer.i32(found == nullptr ? kTransportEmpty : kTransportHwbinder);
      } else if (found == nullptr) {
        writer.null_binder();
      } else {
        writer.handle(found->handle);
      }
      return OutgoingReply{.flags = 0, .parcel = writer.take()};
    }
    case kAdd: {
      const auto instance = request.string();
      const auto handle = request.handle();
      // Nobody awaits the answer to a oneway call, and none can be given later.
      if (!instance || !handle || (call.flags & TF_ONE_WAY) != 0) return truth(false);
      return add_by_asking(call, *instance, *handle);
    }
    case kAddWithChain: {
      const auto instance = request.string();
      const auto handle = request.handle();
      const auto chain = request.strings();
      if (!instance || !handle || !chain) return truth(false);
      return truth(add(*instance, *chain,
                       {.host = names_.own_host(),
                        .handle = *handle,
                        .pid = call.sender_pid,
                        .uid = call.sender_euid,
                        .dump_priority = kDumpDefault,
                        .stability = kStabilityVintf},
                       process_->caller_of(call)));
    }
    case kList:
    case kListByInterface: {
      const auto wanted = call.code == kListByInterface ? request.string() : std::nullopt;
      std::vector<std::string> found;
      const Caller caller = process_->caller_of(call);
      for (const auto& [name, services] : names_.names()) {
        const std::string of = interface_of(name);
        if (of.empty() || (wanted && of != *wanted) || !access_.sees(caller, name)) continue;
        found.push_back(wanted ? name.substr(of.size() + 1) : name);
      }
      return strings(found);
    }
    case kRegisterForNotifications: {
      const auto fq_name = request.string();
      const auto instance = request.string();
      const auto callback = request.handle();
      if (!fq_name || !instance || !callback || !quota_.room_for(call.sender_pid)) {
        return truth(false);
      }
      const HidlListeners::Listener listener{.interface = *fq_name,
                                             .instance = *instance,
                                             .callback = *callback,
                                             .caller = process_->caller_of(call),
                                             .pid = call.sender_pid};
      // A listener for any instance hears of those that it may find.
      if (!instance->empty() && !access_.may_find(listener.caller, *fq_name + "/" + *instance)) {
        return truth(false);
      }
      listeners_.add(listener);
      for (const auto& [name, services] : names_.names()) {
        if (interface_of(name) != *fq_name) continue;
        const std::string there = name.substr(fq_name->size() + 1);
        if (instance->empty() || there == *instance) listeners_.tell_of_old(listener, there);
      }
      return truth(true);
    }
    case kUnregisterForNotifications: {
      const auto fq_name = request.string();
      const auto instance = request.string();
      const auto callback = request.handle();
      return truth(fq_name && instance && callback &&
                   listeners_.remove(*fq_name, *instance, *callback));
    }
    case kDebugDump: {
      std::vector<HidlWriter::Record> records;
      const Caller caller = process_->caller_of(call);
      for (const auto& [name, services] : names_.names()) {
        const std::string of = interface_of(name);
        if (of.empty() || !access_.sees(caller, name)) continue;
        HidlWriter::Record record{.bytes = std::vector<std::byte>(kDebugInfoBytes), .strings = {}};
        const std::int32_t pid = services.front().pid != 0 ? services.front().pid : kNoPid;
        std::memcpy(record.bytes.data() + kPid, &pid, sizeof pid);
        record.strings = {{kInterfaceName, of}, {kInstanceName, name.substr(of.size() + 1)}};
        records.push_back(std::move(record));
      }
      writer.records(std::move(records), kDebugInfoBytes);
      return OutgoingReply{.flags = 0, .parcel = writer.take()};
    }
    case kRegisterPassthroughClient:
      return OutgoingReply{.flags = 0, .parcel = writer.take()};
    case kRegisterClientCallback:
    case kUnregisterClientCallback:
    case kTryUnregister:
      return truth(false);
    case kListManifestByInterface:
      return strings({});
    default:
      return refusal(kUnknownTransaction);
  }
}

}  // namespace netbinder
