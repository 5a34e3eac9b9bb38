// SPDX-License-Identifier: Apache-2.0
#include "ndk/process/local_binder.h"

#include <android/binder_ibinder_platform.h>
#include <sched.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "ndk/base/log.h"
#include "ndk/process/binder_class.h"
#include "ndk/process/codes.h"
#include "ndk/process/thread.h"

namespace netbinder::ndk {
namespace {

constexpr int kLeastNice = 19;
constexpr std::uint32_t kPriorityMask = 0xff;
constexpr int kPolicyShift = 9;  // FLAT_BINDER_FLAG_SCHED_POLICY_SHIFT, which the kernel reserves
constexpr std::uint32_t kPolicyMask = 3U << kPolicyShift;
constexpr std::uint32_t kInheritRt = 0x800;
constexpr std::uint32_t kSecurityContext = 0x1000;  // FLAT_BINDER_FLAG_TXN_SECURITY_CTX

constexpr std::string_view kResultReceiver = "com.android.internal.os.IResultReceiver";
constexpr std::uint32_t kCodeSend = 1;

std::uint32_t priority_flags(int policy, int priority) {
  return (static_cast<std::uint32_t>(priority) & kPriorityMask) |
         ((static_cast<std::uint32_t>(policy) << kPolicyShift) & kPolicyMask);
}

// Arguments of a command, as C has them.
class Arguments {
 public:
  [[nodiscard]] binder_status_t read(const Parcel& in) {
    std::int32_t count = 0;
    binder_status_t status = in.read(count);
    if (status != STATUS_OK) return status;
    if (count < 0) return STATUS_BAD_VALUE;
    for (std::int32_t i = 0; i < count; ++i) {
      std::string& text = texts_.emplace_back();
      status = in.read_string16(text);
      if (status != STATUS_OK) return status;
    }
    for (const std::string& text : texts_) pointers_.push_back(text.c_str());
    return STATUS_OK;
  }
  [[nodiscard]] const char** data() { return pointers_.data(); }
  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(pointers_.size()); }

 private:
  std::vector<std::string> texts_;
  std::vector<const char*> pointers_;
};

// They are for those who administer the service.
bool may_command() {
  const Thread* const thread = Thread::existing();
  const Serving* const call = thread != nullptr ? thread->serving() : nullptr;
  return call == nullptr || call->uid == 0 || call->uid == ::geteuid();
}

void send_result(AIBinder* receiver, binder_status_t result) {
  if (receiver == nullptr) return;
  AParcel answer;
  if (answer.write_interface_token(dialect_of_process(), kResultReceiver) != STATUS_OK ||
      answer.write<std::int32_t>(result) != STATUS_OK ||
      receiver->transact(kCodeSend, answer, nullptr, FLAG_ONEWAY) != STATUS_OK) {
    log_line("the result of a shell command has reached nobody");
  }
}

}  // namespace

LocalBinder::LocalBinder(const AIBinder_Class* clazz, void* user_data)
    : AIBinder(clazz, Stability::kSystem),
      user_data_(user_data),
      priority_flags_(priority_flags(SCHED_OTHER, kLeastNice)) {}

void LocalBinder::die() {
  clazz()->on_destroy(user_data_);
  extension_ = StrongBinder();
}

void LocalBinder::driver_takes(DriverReference kind) {
  of_driver_[static_cast<std::size_t>(kind)].fetch_add(1, std::memory_order_relaxed);
}

void LocalBinder::driver_gives_back(DriverReference kind) {
  if (of_driver_[static_cast<std::size_t>(kind)].fetch_sub(1, std::memory_order_relaxed) <= 0) {
    fatal("the driver gives back a reference to %s that it does not have",
          clazz()->descriptor.c_str());
  }
}

void LocalBinder::set_least_priority(int policy, int priority) {
  priority_flags_ = priority_flags(policy, priority);
}

void LocalBinder::downgrade(Stability level) {
  set_stability(level);
  downgraded_ = true;
}

bool LocalBinder::associate(const AIBinder_Class* wanted) {
  if (wanted == clazz()) return true;
  if (wanted->descriptor == clazz()->descriptor) {
    log_line("there are two classes of %s in this process, and a local object is of the other",
             wanted->descriptor.c_str());
  }
  return false;
}

void LocalBinder::describe(flat_binder_object& object) const {
  object.hdr.type = BINDER_TYPE_BINDER;
  object.flags = priority_flags_ | FLAT_BINDER_FLAG_ACCEPTS_FDS;
  if (inherits_rt_) object.flags |= kInheritRt;
  if (wants_security_context_) object.flags |= kSecurityContext;
  object.binder = reinterpret_cast<binder_uintptr_t>(this);
  object.cookie = reinterpret_cast<binder_uintptr_t>(this);
}

binder_status_t LocalBinder::transact(transaction_code_t code, const AParcel& in, AParcel* out,
                                      binder_flags_t flags) {
  AParcel answer(this);
  if ((flags & FLAG_CLEAR_BUF) != 0) {
    in.mark_sensitive();
    answer.mark_sensitive();
    if (out != nullptr) out->mark_sensitive();
  }
  in.set_position(0);
  const binder_status_t status = call(code, in, out != nullptr ? *out : answer);
  if (out != nullptr) out->set_position(0);
  return status;
}

binder_status_t LocalBinder::call(transaction_code_t code, const AParcel& in, AParcel& out) {
  if (code >= FIRST_CALL_TRANSACTION && code <= LAST_CALL_TRANSACTION) {
    if (clazz()->has_token && !in.take_interface_token(clazz()->descriptor)) {
      log_line("a call of %s is not for this interface", clazz()->descriptor.c_str());
      return STATUS_BAD_TYPE;
    }
    return clazz()->on_transact(this, code, &in, &out);
  }
  switch (code) {
    case kCodePing:
    case kCodeSystemProperties:
      return STATUS_OK;
    case kCodeInterface:
      return out.write_string16(clazz()->descriptor);
    case kCodeDump:
      return dump(in);
    case kCodeShellCommand:
      return shell_command(in);
    case kCodeExtension:
      return out.write_binder(extension_.get());
    case kCodeDebugPid:
      return out.write<std::int32_t>(::getpid());
    default:
      return STATUS_UNKNOWN_TRANSACTION;
  }
}

binder_status_t LocalBinder::dump(const Parcel& in) {
  int fd = -1;
  binder_status_t status = in.read_fd(fd);
  if (status != STATUS_OK) return status;
  Arguments arguments;
  status = arguments.read(in);
  if (status != STATUS_OK || clazz()->on_dump == nullptr) return status;
  return clazz()->on_dump(this, fd, arguments.data(), arguments.size());
}

binder_status_t LocalBinder::shell_command(const Parcel& in) {
  if (!may_command()) return STATUS_PERMISSION_DENIED;
  int fds[3] = {-1, -1, -1};
  for (int& fd : fds) {
    const binder_status_t status = in.read_fd(fd);
    if (status != STATUS_OK) return status;
  }
  Arguments arguments;
  binder_status_t status = arguments.read(in);
  if (status != STATUS_OK) return status;
  // The first one opens files of the caller's side, which the C API has no way to ask for.
  AIBinder* callback = nullptr;
  status = in.read_binder(callback);
  const StrongBinder held_callback(callback);
  if (status != STATUS_OK) return status;
  AIBinder* receiver = nullptr;
  status = in.read_binder(receiver);
  const StrongBinder held_receiver(receiver);
  if (status != STATUS_OK) return status;
  send_result(receiver, clazz()->on_shell_command == nullptr
                            ? STATUS_INVALID_OPERATION
                            : clazz()->on_shell_command(this, fds[0], fds[1], fds[2],
                                                        arguments.data(), arguments.size()));
  return STATUS_OK;
}

}  // namespace netbinder::ndk
