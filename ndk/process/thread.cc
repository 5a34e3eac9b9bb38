// SPDX-License-Identifier: Apache-2.0
#include "ndk/process/thread.h"

#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <span>

#include "ndk/base/log.h"
#include "ndk/process/local_binder.h"
#include "ndk/process/process.h"
#include "ndk/process/remote_binder.h"
#include "ndk/process/uapi.h"
#include "parcel/commands.h"

namespace netbinder::ndk {
namespace {

// A thread that calls no more would keep its last answers: so much of them is given back with the
// next call, more at once.
constexpr std::size_t kMostUnwrittenFrees = 16384;
constexpr std::size_t kFirstOutBytes = 256;

// This is no thread_local object, as others of those, and static ones, may need it at their end.
pthread_key_t key() {
  static const pthread_key_t made = [] {
    pthread_key_t fresh = 0;
    const auto end = [](void* thread) { delete static_cast<Thread*>(thread); };
    if (::pthread_key_create(&fresh, end) != 0) fatal("there are no more keys for threads' data");
    return fresh;
  }();
  return made;
}

template <typename Target>
Target* pointer(binder_uintptr_t address) {
  return reinterpret_cast<Target*>(address);
}

void receive(Parcel& parcel, const binder_transaction_data& data, BufferOwner& owner) {
  const ParcelView view = parcel_of(data);
  parcel.receive(view.data.data(), view.data.size(), view.offsets.data(), view.offsets.size(),
                 owner);
}

}  // namespace

Thread* Thread::self() {
  const pthread_key_t place = key();
  if (void* const known = ::pthread_getspecific(place)) return static_cast<Thread*>(known);
  Process* const process = Process::get();
  if (process == nullptr) return nullptr;
  auto* const thread = new Thread(*process);
  ::pthread_setspecific(place, thread);
  return thread;
}

const Thread* Thread::existing() {
  return static_cast<const Thread*>(::pthread_getspecific(key()));
}

void Thread::forget_in_child() {
  // Its commands are the parent's.
  ::pthread_setspecific(key(), nullptr);
}

Thread::Thread(Process& process) : process_(process) { out_.reserve(kFirstOutBytes); }

Thread::~Thread() {
  // Whatever is still let go of here must not make another one.
  (void)flush();
  (void)process_.device().control(BINDER_THREAD_EXIT, nullptr);
}

// ---- commands ----

void Thread::acquire(std::uint32_t handle) { put_command(out_, BC_ACQUIRE, handle); }
void Thread::release(std::uint32_t handle) { put_command(out_, BC_RELEASE, handle); }

void Thread::request_death(std::uint32_t handle, const RemoteBinder* proxy) {
  put_command(out_, BC_REQUEST_DEATH_NOTIFICATION,
              binder_handle_cookie{handle, reinterpret_cast<binder_uintptr_t>(proxy)});
}

void Thread::clear_death(std::uint32_t handle, const RemoteBinder* proxy) {
  put_command(out_, BC_CLEAR_DEATH_NOTIFICATION,
              binder_handle_cookie{handle, reinterpret_cast<binder_uintptr_t>(proxy)});
}

void Thread::request_freeze(std::uint32_t handle, const RemoteBinder* proxy) {
  put_command(out_, kBcRequestFreezeNotification,
              binder_handle_cookie{handle, reinterpret_cast<binder_uintptr_t>(proxy)});
}

void Thread::clear_freeze(std::uint32_t handle, const RemoteBinder* proxy) {
  put_command(out_, kBcClearFreezeNotification,
              binder_handle_cookie{handle, reinterpret_cast<binder_uintptr_t>(proxy)});
}

void Thread::free_buffer(const void* data, std::size_t size, bool with_objects) {
  // A parcel may end on another thread than the one it came to.
  Thread* const here = self();
  if (here == nullptr) return;
  put_command(here->out_, BC_FREE_BUFFER, reinterpret_cast<binder_uintptr_t>(data));
  here->unwritten_frees_ += size;
  // Objects in a buffer keep others alive for as long as the buffer is there.
  if (with_objects || here->unwritten_frees_ > kMostUnwrittenFrees) here->flush_unless_serving();
}

// Writes of one thread before its exchange may be seen by another thread after its own exchange:
// the driver orders them, which the sanitizer cannot see.
#if defined(__SANITIZE_THREAD__)
extern "C" void __tsan_acquire(void* address);
extern "C" void __tsan_release(void* address);
static char driver_order;
static void order_before_exchange() { __tsan_release(&driver_order); }
static void order_after_exchange() { __tsan_acquire(&driver_order); }
#else
static void order_before_exchange() {}
static void order_after_exchange() {}
#endif

int Thread::exchange(bool read) {
  binder_write_read io{};
  io.write_buffer = reinterpret_cast<binder_uintptr_t>(out_.data());
  io.write_size = out_.size();
  io.read_buffer = reinterpret_cast<binder_uintptr_t>(in_.data());
  io.read_size = read ? in_.size() : 0;
  order_before_exchange();
  const int error = process_.device().control(BINDER_WRITE_READ, &io);
  order_after_exchange();
  if (error != 0 && error != -EAGAIN) {
    // Commands that the driver does not understand are not for another time.
    out_.clear();
    unwritten_frees_ = 0;
    return error;
  }
  if (io.write_consumed >= out_.size()) {
    out_.clear();
    unwritten_frees_ = 0;
  } else {
    // It stops behind a call that fails.
    out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(io.write_consumed));
  }
  if (read) {
    returns_ = Returns(std::span(in_).first(io.read_consumed));
  }
  return error;
}

binder_status_t Thread::flush() {
  while (!out_.empty()) {
    const int error = exchange(false);
    if (error != 0) return error;
  }
  return STATUS_OK;
}

void Thread::flush_unless_serving() {
  if (!looper_ && serving_ == nullptr) (void)flush();
}

int Thread::read_if_empty() {
  while (returns_.empty()) {
    const int error = exchange(true);
    if (error != 0) return error;
  }
  return 0;
}

Return Thread::next_return() {
  const auto next = returns_.next();
  if (!next) fatal("the driver's returns are cut off");
  return *next;
}

// ---- calls that this thread makes ----

binder_status_t Thread::transact(std::uint32_t handle, std::uint32_t code, const Parcel& request,
                                 Parcel* answer, std::uint32_t flags) {
  binder_transaction_data data = transaction_of(request.view());
  data.target.handle = handle;
  data.code = code;
  data.flags = flags | TF_ACCEPT_FDS;
  put_command(out_, BC_TRANSACTION, data);
  const binder_status_t status =
      wait((flags & TF_ONE_WAY) != 0 ? Wait::kForCompletion : Wait::kForReply, answer);
  if (!looper_ && serving_ == nullptr) let_go();
  return status;
}

binder_status_t Thread::wait(Wait until, Parcel* answer) {
  for (;;) {
    const int error = read_if_empty();
    if (error != 0) {
      // An agent that is gone has taken everything with it.
      const bool gone = error == -EIO || error == -EBADF || error == -ENODEV;
      if (gone) process_.note_driver_gone(error);
      return gone ? STATUS_DEAD_OBJECT : error;
    }
    const Return got = next_return();
    switch (got.name) {
      case kOnewaySpamSuspect:
        log_line("another process is flooded with oneway calls by this one");
        [[fallthrough]];
      case BR_TRANSACTION_COMPLETE:
      case kBrTransactionPendingFrozen:
        if (until == Wait::kForCompletion) return STATUS_OK;
        continue;
      case BR_DEAD_REPLY:
        return STATUS_DEAD_OBJECT;
      case BR_FAILED_REPLY:
        return why_failed();
      case kFrozenReply:
        log_line("a call fails because the process that it is for is frozen");
        return STATUS_FAILED_TRANSACTION;
      case BR_REPLY:
        return take_answer(got.as<binder_transaction_data>(), answer);
      default: {
        const binder_status_t status = handle(got);
        if (status != STATUS_OK) return status;
      }
    }
  }
}

binder_status_t Thread::take_answer(const binder_transaction_data& data, Parcel* answer) {
  if ((data.flags & TF_STATUS_CODE) == 0 && answer != nullptr) {
    receive(*answer, data, *this);
    return STATUS_OK;
  }
  Parcel other;
  receive(other, data, *this);
  if ((data.flags & TF_STATUS_CODE) == 0) return STATUS_OK;
  std::int32_t status = 0;
  if (other.read(status) != STATUS_OK) return STATUS_FAILED_TRANSACTION;
  return status;
}

binder_status_t Thread::why_failed() {
  ExtendedError error{};
  if (process_.device().control(kGetExtendedError, &error) == 0 && error.param != 0) {
    log_line("a call fails: %s", std::strerror(-error.param));
  }
  return STATUS_FAILED_TRANSACTION;
}

// ---- calls that this thread serves ----

binder_status_t Thread::handle(const Return& got) {
  switch (got.name) {
    case BR_NOOP:
    case BR_OK:
      return STATUS_OK;
    case BR_ERROR:
      return got.as<std::int32_t>();
    case BR_FINISHED:
      return STATUS_TIMED_OUT;
    case BR_SPAWN_LOOPER:
      process_.add_thread();
      return STATUS_OK;
    case BR_INCREFS: {
      const auto node = got.as<binder_ptr_cookie>();
      auto* const object = pointer<LocalBinder>(node.cookie);
      object->inc_weak();
      object->driver_takes(LocalBinder::DriverReference::kWeak);
      put_command(out_, BC_INCREFS_DONE, node);
      return STATUS_OK;
    }
    case BR_ACQUIRE: {
      const auto node = got.as<binder_ptr_cookie>();
      auto* const object = pointer<LocalBinder>(node.cookie);
      object->inc_strong();
      object->driver_takes(LocalBinder::DriverReference::kStrong);
      put_command(out_, BC_ACQUIRE_DONE, node);
      return STATUS_OK;
    }
    case BR_RELEASE: {
      auto* const object = pointer<LocalBinder>(got.as<binder_ptr_cookie>().cookie);
      object->driver_gives_back(LocalBinder::DriverReference::kStrong);
      given_back_strong_.push_back(object);
      return STATUS_OK;
    }
    case BR_DECREFS: {
      auto* const object = pointer<LocalBinder>(got.as<binder_ptr_cookie>().cookie);
      object->driver_gives_back(LocalBinder::DriverReference::kWeak);
      given_back_weak_.push_back(object);
      return STATUS_OK;
    }
    case BR_TRANSACTION:
      serve_call({.transaction_data = got.as<binder_transaction_data>(), .secctx = 0});
      return STATUS_OK;
    case BR_TRANSACTION_SEC_CTX:
      serve_call(got.as<binder_transaction_data_secctx>());
      return STATUS_OK;
    case BR_DEAD_BINDER: {
      const auto cookie = got.as<binder_uintptr_t>();
      pointer<RemoteBinder>(cookie)->note_death();
      put_command(out_, BC_DEAD_BINDER_DONE, cookie);
      return STATUS_OK;
    }
    case kBrFrozenBinder: {
      const auto state = got.as<binder_frozen_state>();
      pointer<RemoteBinder>(state.cookie)->note_frozen(state.is_frozen != 0);
      put_command(out_, kBcFreezeNotificationDone, state.cookie);
      return STATUS_OK;
    }
    case BR_CLEAR_DEATH_NOTIFICATION_DONE:
    case kBrClearFreezeNotificationDone:
      pointer<RemoteBinder>(got.as<binder_uintptr_t>())->dec_weak();
      return STATUS_OK;
    default:
      log_line("the driver's return 0x%08x is not known", got.name);
      return STATUS_OK;
  }
}

void Thread::serve_call(const binder_transaction_data_secctx& call) {
  const binder_transaction_data& data = call.transaction_data;
  AParcel request;
  receive(request, data, *this);
  const Serving serving{.pid = data.sender_pid,
                        .uid = data.sender_euid,
                        .security_context = pointer<const char>(call.secctx),
                        .outer = serving_};
  serving_ = &serving;
  {
    AParcel answer;
    binder_status_t status = STATUS_UNKNOWN_TRANSACTION;
    auto* const target = data.target.ptr != 0 ? pointer<LocalBinder>(data.cookie) : nullptr;
    if (target != nullptr && target->try_inc_strong()) {
      request.binder = target;
      answer.binder = target;
      status = target->transact(data.code, request, &answer, data.flags & kTfClearBuf);
      target->dec_strong();
    }
    // Before the answer, so that there is room when the caller goes on. Proxies and copies of
    // descriptors that the answer has hold what they are of.
    request.clear();
    if ((data.flags & TF_ONE_WAY) == 0) {
      reply(data, answer, status);
    } else if (status != STATUS_OK) {
      log_line("a oneway call (code %u) fails with status %d, which nobody learns", data.code,
               status);
    }
  }
  serving_ = serving.outer;
}

void Thread::reply(const binder_transaction_data& call, const Parcel& answer,
                   binder_status_t status) {
  binder_transaction_data data = transaction_of(answer.view());
  if (status != STATUS_OK) {
    data = {};
    data.flags = TF_STATUS_CODE;
    data.data_size = sizeof status;
    data.data.ptr.buffer = reinterpret_cast<binder_uintptr_t>(&status);
  }
  data.flags |= call.flags & kTfClearBuf;
  put_command(out_, BC_REPLY, data);
  const binder_status_t sent = wait(Wait::kForCompletion, nullptr);
  if (sent != STATUS_OK && sent != STATUS_DEAD_OBJECT) {
    log_line("an answer of %zu bytes (code %u) cannot be sent", answer.size(), call.code);
  }
}

void Thread::let_go() {
  while (!given_back_strong_.empty() || !given_back_weak_.empty()) {
    while (!given_back_weak_.empty()) {
      LocalBinder* const object = given_back_weak_.back();
      given_back_weak_.pop_back();
      object->dec_weak();
    }
    if (!given_back_strong_.empty()) {
      LocalBinder* const object = given_back_strong_.back();
      given_back_strong_.pop_back();
      object->dec_strong();
    }
  }
}

binder_status_t Thread::serve_once() {
  if (returns_.empty()) let_go();
  const int error = read_if_empty();
  if (error != 0) return error;
  return handle(next_return());
}

void Thread::serve(bool first) {
  put_command(out_, first ? BC_ENTER_LOOPER : BC_REGISTER_LOOPER);
  looper_ = true;
  for (;;) {
    const binder_status_t status = serve_once();
    if (status == STATUS_OK || status == -EAGAIN) continue;
    if (status == STATUS_TIMED_OUT && first) continue;
    if (status != STATUS_TIMED_OUT) process_.note_driver_gone(status);
    break;
  }
  put_command(out_, BC_EXIT_LOOPER);
  looper_ = false;
  (void)flush();
  let_go();
}

binder_status_t Thread::become_polling() {
  put_command(out_, BC_ENTER_LOOPER);
  looper_ = true;
  return flush();
}

binder_status_t Thread::serve_pending() {
  binder_status_t status = STATUS_OK;
  do {
    status = serve_once();
  } while (status == STATUS_OK && !returns_.empty());
  let_go();
  const binder_status_t flushed = flush();
  if (status != STATUS_OK && status != -EAGAIN) {
    process_.note_driver_gone(status);
    return status;
  }
  return flushed;
}

}  // namespace netbinder::ndk
