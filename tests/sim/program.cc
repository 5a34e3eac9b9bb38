// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/program.h"

#include <algorithm>
#include <cerrno>

#include "tests/sim/world.h"

namespace netbinder::sim {

namespace {

constexpr std::size_t kReadBytes = 1024;

}  // namespace

Program::Program(World& world, SimHost& host, std::uint64_t serial)
    : world_(world),
      host_(host.id()),
      life_(host.life()),
      serial_(serial),
      service_name_("service" + std::to_string(serial)),
      user_base_(0x7000'0000'0000 + serial * 0x1000'0000),
      arena_bytes_(world.settings().arena_bytes),
      nodes_(4) {
  lazy_ = world.settings().lazy && serial % 2 == 0;
  arena_ = std::shared_ptr<std::byte[]>(new std::byte[arena_bytes_]());
  const auto pid = static_cast<std::int32_t>(100'000'000 + serial);  // no pid of this machine
  const auto opened = host.driver().open(
      "binder", Credentials{.pid = pid, .euid = 1000, .security_context = "u:r:sim:s0"});
  id_ = opened.value();
  host.add_process(id_, *this);
  (void)host.driver().map_arena(id_, user_base_, {arena_.get(), arena_bytes_});
}

Program::~Program() = default;

void Program::start() {
  world_.oracle().program_started(serial_, host_);
  world_.trace().note("program", {serial_, host_.value()});
  const std::uint64_t threads = world_.random().between(1, 3);
  for (std::uint64_t i = 0; i < threads; ++i) {
    Thread& thread = threads_[next_tid_];
    thread.tid = next_tid_++;
    thread.looper = i > 0;
    schedule(thread, world_.random().below(10));
  }
}

void Program::end(bool with_agent) {
  if (!alive_) return;
  alive_ = false;
  world_.trace().note("killed", {serial_, with_agent ? 1ULL : 0});
  world_.oracle().program_gone(serial_);
  fds_.clear();
  installing_.clear();
  if (with_agent) return;
  SimHost& host = *world_.host(host_);
  host.close_process(id_, {arena_.get(), arena_bytes_});
  arena_.reset();  // nobody touches it any more
}

void Program::wind_down() {
  winding_down_ = true;
  // One more thread, so that programs whose threads all wait for each other can go on.
  Thread& thread = threads_[next_tid_];
  thread.tid = next_tid_++;
  thread.looper = true;
  for (auto& [tid, each] : threads_) schedule(each, world_.random().below(5));
}

void Program::let_go() {
  letting_go_ = true;
  let_go_of_everything();
  interrupt(0);
  for (auto& [tid, each] : threads_) schedule(each, world_.random().below(5));
}

void Program::schedule(Thread& thread, std::uint64_t delay_ms) {
  if (thread.scheduled || !alive_) return;
  thread.scheduled = true;
  world_.clock().after(delay_ms, [&world = world_, serial = serial_, tid = thread.tid] {
    if (Program* program = world.program(serial)) program->act(tid);
  });
}

// Any thread will do: its read is interrupted, and it goes on by itself.
void Program::interrupt(std::uint64_t which) {
  if (!alive_ || threads_.empty()) return;
  auto at = threads_.begin();
  std::advance(at, which % threads_.size());
  SimHost& host = *world_.host(host_);
  host.before_event();
  if (at->second.posted) bring_read(at->second);
  host.driver().interrupt(id_, ThreadId{at->second.tid});
  host.after_event();
  world_.flush(host_);
}

void Program::flush() {
  if (!alive_) return;
  SimHost& host = *world_.host(host_);
  host.before_event();
  host.driver().flush(id_);
  host.after_event();
  world_.flush(host_);
}

// ---- a thread's turn ----

void Program::act(std::uint32_t tid) {
  const auto found = threads_.find(tid);
  if (!alive_ || found == threads_.end()) return;
  Thread& thread = found->second;
  thread.scheduled = false;
  if (thread.in_ioctl) return;
  SimHost& host = *world_.host(host_);
  if (host.stalled() || frozen_) {
    schedule(thread, 20);
    return;
  }
  if (!thread.greeted) {
    greet(thread);
  } else if (!thread.expected.empty() ||
             (!thread.stack.empty() && thread.stack.back().kind != Frame::Kind::kIncoming)) {
    keep_house();
    submit(thread, false);  // waits for what it has begun
  } else if (!thread.stack.empty()) {
    serve(thread);
  } else {
    act_idle(thread);
  }
  world_.flush(host_);
}

void Program::greet(Thread& thread) {
  thread.greeted = true;
  binder_version version{};
  thread.in_ioctl = true;
  thread.control = Thread::Control::kGreeting;
  SimHost& host = *world_.host(host_);
  host.before_event();
  host.driver().control(id_, ThreadId{thread.tid}, BINDER_VERSION,
                        {reinterpret_cast<std::byte*>(&version), sizeof version});
  if (thread.looper) {
    Command& enter = pending_.emplace_back();
    put_command(enter.bytes, BC_ENTER_LOOPER);
  }
  host.after_event();
}

void Program::claim_manager(Thread& thread) {
  flat_binder_object object{};
  object.flags = FLAT_BINDER_FLAG_ACCEPTS_FDS;
  object.binder = ptr_of(0);
  object.cookie = uid_of(0);
  thread.in_ioctl = true;
  thread.control = Thread::Control::kClaiming;
  SimHost& host = *world_.host(host_);
  host.before_event();
  host.driver().control(id_, ThreadId{thread.tid}, BINDER_SET_CONTEXT_MGR_EXT,
                        {reinterpret_cast<std::byte*>(&object), sizeof object});
  host.after_event();
}

void Program::exit_thread(Thread& thread) {
  for (const Frame& frame : thread.stack) {
    if (frame.kind == Frame::Kind::kIncoming) world_.oracle().abandoned(frame.number);
  }
  // Work queued for this thread to read is lost with it, as in the kernel.
  for (auto& [cookie, watch] : watches_) {
    if (watch.state != Watch::State::kClearing && watch.state != Watch::State::kClearingTold) {
      continue;
    }
    watch.state = Watch::State::kGivenUp;
    if (const auto held = held_.find(watch.handle);
        held != held_.end() && held->second.watch == cookie) {
      held->second.watch.reset();
    }
  }
  const std::uint32_t tid = thread.tid;
  const bool looper = thread.looper;
  world_.oracle().thread_gone(serial_, tid);
  world_.trace().note("thread exits", {serial_, tid});
  SimHost& host = *world_.host(host_);
  threads_.erase(tid);
  host.before_event();
  host.driver().control(id_, ThreadId{tid}, BINDER_THREAD_EXIT, {});
  host.after_event();
  if (!alive_) return;
  Thread& next = threads_[next_tid_];
  next.tid = next_tid_++;
  next.looper = looper;
  schedule(next, world_.random().below(10));
}

void Program::act_idle(Thread& thread) {
  Random& random = world_.random();
  keep_house();
  if (letting_go_) let_go_of_everything();
  if (winding_down_ || (thread.looper && !random.one_in(4))) {
    submit(thread, false);
    return;
  }
  if (!world_.settings().builtin && !manages_ && world_.wants_manager() && random.one_in(3)) {
    claim_manager(thread);
    return;
  }
  if (world_.settings().kills && random.one_in(200)) {
    exit_thread(thread);
    return;
  }
  switch (random.below(12)) {
    case 0:
    case 1:
    case 2:
    case 3:
      if (const auto handle = some_handle()) call(thread, *handle, false);
      break;
    case 4:
    case 5:
    case 6:
      if (const auto handle = some_handle()) call(thread, *handle, true, random.between(1, 3));
      break;
    case 7:
    case 8:
      if (world_.settings().builtin) {
        ask_manager(thread);
      } else if (!manages_) {
        call(thread, 0, random.one_in(4));
      }
      break;
    case 9:
      if (world_.settings().freezes) watch_freezing(thread);
      break;
    default:
      break;
  }
  submit(thread, !thread.looper);
}

// Takes the next step of the call that is being handled.
void Program::serve(Thread& thread) {
  Random& random = world_.random();
  Frame& frame = thread.stack.back();
  const std::uint64_t plan = mix(frame.number ^ world_.settings().seed) % 100;
  keep_house();
  if (!winding_down_ && world_.settings().kills && plan >= 97) {
    if (plan == 99) {
      exit_thread(thread);
    } else {
      world_.kill(serial_);
    }
    return;
  }
  if (!winding_down_ && frame.steps > 0 && thread.stack.size() < 5) {
    --frame.steps;
    std::optional<std::uint32_t> handle = some_handle();
    if (!frame.offered.empty() && random.one_in(2)) {
      const std::uint32_t offered = frame.offered[random.below(frame.offered.size())];
      if (held_.contains(offered) && held_.at(offered).strong() && !(offered == 0 && manages_)) {
        handle = offered;  // a call back, most of the time
      }
    }
    if (handle) {
      const bool oneway = random.one_in(4);
      if (!oneway) ++world_.oracle().statistics.nested;
      call(thread, *handle, oneway);
      submit(thread, false);
      return;
    }
  }
  reply(thread);
  submit(thread, false);
}

// ---- ioctls ----

void Program::submit(Thread& thread, bool nonblocking) {
  std::vector<Command> batch = std::exchange(thread.batch, {});
  // Mostly writes all commands that wait, otherwise only the first of them.
  std::size_t count = pending_.size();
  if (!winding_down_ && world_.random().one_in(3)) count = world_.random().below(count + 1);
  for (std::size_t i = 0; i < count; ++i) {
    thread.batch.push_back(std::move(pending_.front()));
    pending_.pop_front();
  }
  for (Command& command : batch) {
    if (command.expected) thread.expected.push_back(*command.expected);
    thread.batch.push_back(std::move(command));
  }
  thread.commands.clear();
  for (const Command& command : thread.batch) {
    thread.commands.insert(thread.commands.end(), command.bytes.begin(), command.bytes.end());
  }
  thread.read.assign(kReadBytes, std::byte{0});
  thread.in_ioctl = true;
  if (thread.may_post && thread.commands.empty() && !nonblocking && world_.random().one_in(2)) {
    thread.posted = true;
    return;
  }
  const std::uint32_t tid = thread.tid;
  thread.may_post = false;
  SimHost& host = *world_.host(host_);
  host.before_event();
  host.driver().write_read(id_, ThreadId{tid},
                           {.commands = thread.commands,
                            .reads = true,
                            .fresh_read = true,
                            .nonblocking = nonblocking && batch.empty(),
                            .read_buffer = thread.read});
  host.after_event();
}

// A signal arrives before the driver asks for the read.
void Program::bring_read(Thread& thread) {
  thread.may_post = thread.posted = false;
  world_.host(host_)->driver().write_read(id_, ThreadId{thread.tid},
                                          {.commands = {},
                                           .reads = true,
                                           .fresh_read = true,
                                           .nonblocking = false,
                                           .read_buffer = thread.read});
}

std::optional<PostedRead> Program::take_posted_read(ThreadId tid) {
  const auto found = threads_.find(tid.value());
  if (!alive_ || found == threads_.end()) return std::nullopt;
  Thread& thread = found->second;
  thread.may_post = false;
  if (!std::exchange(thread.posted, false)) return std::nullopt;
  ++world_.oracle().statistics.posted_reads;
  return PostedRead{.nice = 0, .read_buffer = thread.read};
}

int Program::read_memory(ThreadId thread, std::uint64_t address, std::span<std::byte> into) {
  const auto found = threads_.find(thread.value());
  const std::uint64_t base = kStagingStride * thread.value();
  if (found == threads_.end() || address < base) return -EFAULT;
  const std::vector<std::byte>& staging = found->second.staging;
  const std::uint64_t offset = address - base;
  if (offset > staging.size() || staging.size() - offset < into.size()) return -EFAULT;
  std::copy_n(staging.begin() + static_cast<std::ptrdiff_t>(offset), into.size(), into.begin());
  return 0;
}

}  // namespace netbinder::sim
