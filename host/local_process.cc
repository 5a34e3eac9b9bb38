// SPDX-License-Identifier: Apache-2.0
#include "host/local_process.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <stdexcept>

#include "core/base/check.h"
#include "core/base/uapi.h"
#include "host/data_plane.h"
#include "parcel/commands.h"

namespace netbinder {

namespace {

std::vector<Handle> handles_in(const ParcelBytes& parcel) {
  std::vector<Handle> handles;
  for (const binder_size_t offset : parcel.offsets) {
    flat_binder_object object;
    NB_CHECK(offset <= parcel.data.size() && parcel.data.size() - offset >= sizeof object);
    std::memcpy(&object, parcel.data.data() + offset, sizeof object);
    if (object.hdr.type == BINDER_TYPE_HANDLE) handles.emplace_back(object.handle);
  }
  return handles;
}

}  // namespace

LocalProcess::LocalProcess(Driver& driver, const std::string& context, LocalService& service,
                           bool& has_work)
    : driver_(driver),
      service_(service),
      has_work_(has_work),
      arena_(std::make_shared<std::vector<std::byte>>(kArenaBytes)),
      read_(kReadBytes) {
  const auto opened =
      driver_.open(context, Credentials{.pid = ::getpid(),
                                        .euid = ::geteuid(),
                                        .security_context = "u:r:netbinder_servicemanager:s0"});
  if (!opened) throw std::runtime_error("no binder context named " + context);
  id_ = *opened;
}

LocalProcess::~LocalProcess() { driver_.close(id_); }

void LocalProcess::start() {
  NB_CHECK(driver_.map_arena(id_, reinterpret_cast<std::uint64_t>(arena_->data()), *arena_) == 0);
  put_command(commands_, BC_ENTER_LOOPER);
  submit();
}

template <typename T>
void LocalProcess::command(std::uint32_t command, const T& payload) {
  has_work_ = true;
  put_command(commands_, command, payload);
}

void LocalProcess::acquire(Handle handle) { command(BC_ACQUIRE, handle.value()); }
void LocalProcess::release(Handle handle) { command(BC_RELEASE, handle.value()); }

void LocalProcess::link_to_death(Handle handle, std::uint64_t cookie) {
  command(BC_REQUEST_DEATH_NOTIFICATION,
          binder_handle_cookie{.handle = handle.value(), .cookie = cookie});
}

void LocalProcess::unlink_death(Handle handle, std::uint64_t cookie) {
  command(BC_CLEAR_DEATH_NOTIFICATION,
          binder_handle_cookie{.handle = handle.value(), .cookie = cookie});
}

std::optional<HostId> LocalProcess::home_of(Handle handle) const {
  return driver_.home_of(id_, handle);
}

void LocalProcess::call_oneway(Handle handle, std::uint32_t code, ParcelBytes parcel) {
  const auto home = home_of(handle);
  if (!home) return;  // the node is dead, and its death is reported separately.
  auto& sender = senders_[kFirstSender + home->value()];
  if (!sender) sender = std::make_unique<Sender>(ThreadId{kFirstSender + home->value()});
  OnewayCall& call = sender->queue.emplace_back();
  call.handle = handle;
  call.code = code;
  // The handles are held until the call is sent, even if the service releases them in the meantime:
  // a free handle would soon lead to something else.
  call.held = handles_in(parcel);
  call.held.push_back(handle);
  for (const Handle each : call.held) acquire(each);
  call.parcel = std::move(parcel);
  if (!sender->busy && sender->queue.size() == 1) {
    ready_.push_back(sender.get());
    has_work_ = true;
  }
}

void LocalProcess::ask(ReplyTo thread, Handle handle, std::uint32_t code, ParcelBytes parcel,
                       Heard heard) {
  auto question = std::make_unique<Question>();
  question->parcel = std::move(parcel);
  question->heard = std::move(heard);
  binder_transaction_data data = transaction_of(question->parcel.view());
  data.target.handle = handle.value();
  data.code = code;
  put_transaction(question->commands, Direction::kCall, data, question->parcel);
  acquire(handle);
  question->handle = handle;
  questions_.emplace(thread.value(), std::move(question));
  asking_.push_back(thread);
  has_work_ = true;
}

// The thread of a question has read something.
void LocalProcess::question_went_on(ThreadId thread) {
  Question& question = *questions_.at(thread.value());
  bool over = question.failed;
  std::optional<binder_transaction_data> reply;
  Returns returns(question.got);
  while (const auto got = returns.next()) {
    if (got->name == BR_REPLY) reply = got->as<binder_transaction_data>();
    over = over || reply || failure_of_call(*got) != nullptr;
  }
  if (!over) {
    question.commands.clear();
    driver_.write_read(id_, thread,
                       {.commands = question.commands,
                        .reads = true,
                        .fresh_read = true,
                        .nonblocking = false,
                        .read_buffer = question.read});
    return;
  }
  const std::unique_ptr<Question> ended = std::move(questions_.at(thread.value()));
  questions_.erase(thread.value());
  if (reply && (reply->flags & TF_STATUS_CODE) == 0) {
    ended->heard(parcel_of(*reply, *arena_));
  } else {
    ended->heard(std::nullopt);
  }
  if (reply) command(BC_FREE_BUFFER, binder_uintptr_t{reply->data.ptr.buffer});
  release(ended->handle);
}

void LocalProcess::freeze(std::uint32_t pid, std::uint32_t enable, std::uint32_t timeout_ms,
                          Done done) {
  Freezing& made = freezing_[next_freezer_++];
  made.info = {.pid = pid, .enable = enable, .timeout_ms = timeout_ms};
  made.done = std::move(done);
  has_work_ = true;
}

void LocalProcess::go_on_freezing() {
  std::vector<std::uint32_t> threads;
  for (const auto& [thread, freezing] : freezing_) threads.push_back(thread);
  for (const std::uint32_t thread : threads) {
    Freezing& each = freezing_.at(thread);
    if (!std::exchange(each.begun, true)) {
      driver_.control(id_, ThreadId{thread}, BINDER_FREEZE,
                      std::as_writable_bytes(std::span(&each.info, 1)));
    }
    if (!each.result) continue;
    const Freezing ended = std::move(each);
    freezing_.erase(thread);
    driver_.control(id_, ThreadId{thread}, BINDER_THREAD_EXIT, {});
    ended.done(*ended.result);
  }
}

bool LocalProcess::run() {
  NB_ON_DATA_PLANE();
  for (int round = 0; round < kReadsAtOnce; ++round) {
    bool more = false;
    while (!finished_.empty()) {
      std::vector<std::vector<std::byte>> finished;
      std::swap(finished, finished_);
      for (const auto& commands : finished) handle_read(commands);
      more = true;
    }
    if (!commands_.empty() || !reading_) {
      submit();
      more = true;
    }
    if (!late_replies_.empty()) {
      send_deferred();
      more = true;
    }
    for (const ThreadId thread : std::exchange(asking_, {})) {
      Question& question = *questions_.at(thread.value());
      driver_.write_read(id_, thread,
                         {.commands = question.commands,
                          .reads = true,
                          .fresh_read = true,
                          .nonblocking = false,
                          .read_buffer = question.read});
      more = true;
    }
    for (const ThreadId thread : std::exchange(heard_, {})) {
      question_went_on(thread);
      more = true;
    }
    if (!freezing_.empty()) go_on_freezing();
    for (Sender* sender : std::exchange(ready_, {})) {
      send_next(*sender);
      more = true;
    }
    if (!more) return round > 0;
  }
  has_work_ = true;
  return true;
}

void LocalProcess::submit() {
  // If the serving thread waits, its read is interrupted so that it can write.
  if (reading_) driver_.interrupt(id_, serving_);
  written_ = std::exchange(commands_, {});
  written_replies_ = std::exchange(replies_, {});
  reading_ = true;
  driver_.write_read(id_, serving_,
                     {.commands = written_,
                      .reads = true,
                      .fresh_read = true,
                      .nonblocking = false,
                      .read_buffer = read_});
}

void LocalProcess::ioctl_done(ThreadId thread, const IoctlResult& result) {
  has_work_ = true;
  if (const auto question = questions_.find(thread.value()); question != questions_.end()) {
    Question& asked = *question->second;
    asked.failed = result.error != 0;
    asked.got.assign(asked.read.begin(),
                     asked.read.begin() + static_cast<std::ptrdiff_t>(result.read_consumed));
    heard_.push_back(thread);
    return;
  }
  if (const auto freezing = freezing_.find(thread.value()); freezing != freezing_.end()) {
    freezing->second.result = result.error;
    return;
  }
  if (thread.value() >= kFirstFreezer) return;  // the thread ends
  if (thread.value() < kFirstSender) {
    if (thread != serving_) return;  // it has answered a call that was deferred, or begun
    reading_ = false;
    write_rest_again(result);
    if (result.error == 0) {
      finished_.emplace_back(read_.begin(),
                             read_.begin() + static_cast<std::ptrdiff_t>(result.read_consumed));
    }
    return;
  }
  Sender& sender = *senders_.at(thread.value());
  sender.busy = false;
  for (const Handle each : sender.queue.front().held) release(each);
  sender.queue.pop_front();
  if (!sender.queue.empty()) ready_.push_back(&sender);
}

// The driver stops after a reply that fails, or where an earlier failure must be read first. The
// commands after that point are written once more, before those that came since.
void LocalProcess::write_rest_again(const IoctlResult& result) {
  const bool resumes = result.error == 0 || result.error == -EINTR;
  if (resumes && result.write_consumed < written_.size()) {
    commands_.insert(commands_.begin(),
                     written_.begin() + static_cast<std::ptrdiff_t>(result.write_consumed),
                     written_.end());
    replies_.insert(replies_.begin(), std::make_move_iterator(written_replies_.begin()),
                    std::make_move_iterator(written_replies_.end()));
  }
  written_.clear();
  written_replies_.clear();
}

void LocalProcess::reply(ReplyTo to, OutgoingReply reply) {
  late_replies_.emplace_back(to, std::move(reply));
  has_work_ = true;
}

Caller LocalProcess::caller_of(const IncomingCall& call) const {
  if ((call.flags & TF_ONE_WAY) != 0) return {};
  const auto caller = driver_.caller_of(id_, call.reply_to);
  return caller ? Caller(caller->subject, caller->pid) : Caller();
}

void LocalProcess::send_deferred() {
  for (const auto& [thread, reply] : std::exchange(late_replies_, {})) {
    NB_CHECK(deferred_ > 0);
    --deferred_;
    binder_transaction_data answer = transaction_of(reply.parcel.view());
    answer.flags = reply.flags;
    std::vector<std::byte> commands;
    put_transaction(commands, Direction::kReply, answer, reply.parcel);
    // The outcome is read, and ignored, when the thread serves again.
    driver_.write_read(id_, thread, {.commands = commands, .read_buffer = {}});
    idle_servers_.push_back(thread);
  }
}

void LocalProcess::send_next(Sender& sender) {
  const OnewayCall& call = sender.queue.front();
  binder_transaction_data data = transaction_of(call.parcel.view());
  data.target.handle = call.handle.value();
  data.code = call.code;
  data.flags = TF_ONE_WAY;
  sender.commands.clear();
  put_transaction(sender.commands, Direction::kCall, data, call.parcel);
  sender.busy = true;
  // The outcome is read and ignored: a receiver that cannot take the call is not notified, as
  // always with oneway calls, and if it is dead, its death is reported separately.
  driver_.write_read(id_, sender.thread,
                     {.commands = sender.commands,
                      .reads = true,
                      .fresh_read = true,
                      .nonblocking = false,
                      .read_buffer = sender.read});
}

void LocalProcess::handle_read(std::span<const std::byte> commands) {
  Returns returns(commands);
  while (!returns.empty()) {
    const auto got = returns.next();
    NB_CHECK(got);
    switch (got->name) {
      case BR_TRANSACTION:
        handle_call(got->as<binder_transaction_data>());
        break;
      case BR_TRANSACTION_SEC_CTX:
        handle_call(got->as<binder_transaction_data_secctx>().transaction_data);
        break;
      case BR_INCREFS:
      case BR_ACQUIRE:
        has_work_ = true;
        (void)acknowledge_reference(*got, commands_);
        break;
      case BR_DEAD_BINDER: {
        const auto cookie = got->as<binder_uintptr_t>();
        service_.died(cookie);
        command(BC_DEAD_BINDER_DONE, cookie);
        break;
      }
      default:
        // No other return needs an answer.
        break;
    }
  }
}

void LocalProcess::handle_call(const binder_transaction_data& data) {
  IncomingCall call;
  call.target = data.target.ptr;
  call.code = data.code;
  call.flags = data.flags;
  call.sender_pid = data.sender_pid;
  call.sender_euid = data.sender_euid;
  call.parcel = parcel_of(data, *arena_);
  call.reply_to = serving_;
  std::optional<OutgoingReply> reply = service_.call(call);
  command(BC_FREE_BUFFER, data.data.ptr.buffer);
  if ((data.flags & TF_ONE_WAY) != 0) return;
  if (!reply) {
    // Only the thread that took the call can answer it. Another thread reads in the meantime.
    NB_CHECK(!reading_ && can_defer());
    ++deferred_;
    if (idle_servers_.empty()) {
      const ThreadId made{kFirstServing + serving_threads_++};
      std::vector<std::byte> enter;
      put_command(enter, BC_ENTER_LOOPER);
      driver_.write_read(id_, made, {.commands = enter, .read_buffer = {}});
      serving_ = made;
    } else {
      serving_ = idle_servers_.back();
      idle_servers_.pop_back();
    }
    return;
  }
  replies_.push_back(std::move(*reply));
  binder_transaction_data answer = transaction_of(replies_.back().parcel.view());
  answer.flags = replies_.back().flags;
  has_work_ = true;
  put_transaction(commands_, Direction::kReply, answer, replies_.back().parcel);
}

int LocalProcess::read_memory(ThreadId /*thread*/, std::uint64_t address,
                              std::span<std::byte> into) {
  std::memcpy(into.data(), reinterpret_cast<const void*>(address), into.size());
  return 0;
}

std::expected<FileToken, int> LocalProcess::take_file(ThreadId /*thread*/, int /*fd*/) {
  return std::unexpected(-EBADF);  // this process sends no descriptors
}

void LocalProcess::install_files(ThreadId /*thread*/, std::span<const FileToken> /*files*/) {
  NB_UNREACHABLE();  // its nodes accept no descriptors
}

}  // namespace netbinder
