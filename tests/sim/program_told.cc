// SPDX-License-Identifier: Apache-2.0
//
// A program's reading: notes and checks the results. Called inside events of the core, so it makes
// no calls to it.
#include <algorithm>
#include <cerrno>

#include "tests/sim/program.h"
#include "tests/sim/world.h"

namespace netbinder::sim {

void Program::fail(const std::string& what) {
  world_.oracle().fail("program " + std::to_string(serial_) + " on host " +
                       std::to_string(host_.value()) + ": " + what);
}

void Program::ioctl_done(ThreadId tid, const IoctlResult& result) {
  if (tid.value() == kFreezer) freeze_error_ = result.error;
  const auto found = threads_.find(tid.value());
  if (found == threads_.end() || !alive_) return;
  Thread& thread = found->second;
  if (world_.sabotages(Sabotage::kLoseIoctl)) return;
  thread.in_ioctl = false;
  thread.may_post = result.may_post_read;
  const std::uint64_t think = world_.settings().think_ms;
  if (const auto control = std::exchange(thread.control, Thread::Control::kNone);
      control != Thread::Control::kNone) {
    if (control == Thread::Control::kClaiming && result.error == 0) {
      manages_ = nodes_[0].unlisted = true;  // its owner is not asked to hold it
      world_.trace().note("manager is", {serial_});
      world_.managed_by(serial_);
    }
    schedule(thread, world_.random().below(think));
    return;
  }
  if (result.error != 0 && result.error != -EAGAIN && result.error != -EINTR) {
    fail("an ioctl ended with " + std::to_string(result.error));
  }

  std::uint64_t end = 0;
  std::deque<Command> again;
  for (Command& command : thread.batch) {
    end += command.bytes.size();
    if (end <= result.write_consumed) continue;
    if (!command.expected) {
      again.push_back(std::move(command));
      continue;
    }
    if (command.expected->kind != Expected::Kind::kOneway) {
      fail("a call or reply was not consumed");
    } else {
      world_.oracle().not_issued(command.expected->number);
    }
    thread.expected.pop_back();  // there are none behind them
  }
  pending_.insert(pending_.begin(), std::make_move_iterator(again.begin()),
                  std::make_move_iterator(again.end()));
  thread.batch.clear();
  thread.staging.clear();
  for (const int fd : std::exchange(thread.lent, {})) fds_.erase(fd);
  closed_by_driver(result.close_fds);
  for (const std::uint32_t handle : std::exchange(thread.pinned, {})) {
    Held& held = held_.at(handle);
    --held.pins;
    if (held.freeze) freezes_.at(*held.freeze).requested = true;
  }
  if (result.error == 0) {
    told(thread, std::span<const std::byte>(thread.read).first(result.read_consumed));
  }
  thread.delayed = false;
  std::uint64_t delay = world_.random().below(winding_down_ ? 3 : think);
  if (!winding_down_ && !thread.stack.empty() && mix(thread.stack.back().number) % 25 == 0) {
    delay += world_.random().below(400);  // a slow one
  }
  schedule(thread, delay);
}

void Program::told(Thread& thread, std::span<const std::byte> commands) {
  Returns returns(commands);
  while (!returns.empty()) {
    const auto got = returns.next();
    if (!got) {
      fail("a command without its payload");
      return;
    }
    const std::uint32_t command = got->name;
    if (command != BR_NOOP) {
      world_.trace().note("told", {serial_, thread.tid, _IOC_NR(command)});
    }
    switch (command) {
      case BR_NOOP:
        break;
      case BR_TRANSACTION_COMPLETE:
      case kBrTransactionPendingFrozen:
        if (thread.expected.empty()) {
          fail("BR_TRANSACTION_COMPLETE for nothing");
          return;
        }
        if (const Expected done = thread.expected.front();
            done.kind == Expected::Kind::kCall || done.kind == Expected::Kind::kOneway) {
          world_.oracle().accepted(done.number);
        }
        thread.expected.pop_front();
        break;
      case BR_DEAD_REPLY:
      case BR_FAILED_REPLY:
      case BR_FROZEN_REPLY:
        told_error(thread, command);
        break;
      case BR_ERROR:
        told_deposed(got->as<std::int32_t>());
        break;
      case BR_TRANSACTION:
        told_call(thread, got->as<binder_transaction_data>());
        break;
      case BR_REPLY:
        told_reply(thread, got->as<binder_transaction_data>());
        break;
      case BR_INCREFS:
      case BR_ACQUIRE:
      case BR_RELEASE:
      case BR_DECREFS:
        told_reference(thread, command, got->as<binder_ptr_cookie>());
        break;
      case BR_DEAD_BINDER:
        told_death(got->as<binder_uintptr_t>());
        break;
      case BR_CLEAR_DEATH_NOTIFICATION_DONE:
        told_cleared(got->as<binder_uintptr_t>());
        break;
      case kBrFrozenBinder:
        told_frozen(got->as<binder_frozen_state>());
        break;
      case kBrClearFreezeNotificationDone:
        told_freeze_cleared(got->as<binder_uintptr_t>());
        break;
      default:
        fail("command " + std::to_string(_IOC_NR(command)) + " was not asked for");
        return;
    }
  }
}

// Another host's program manages the context.
void Program::told_deposed(std::int32_t error) {
  if (error != -ESTALE || !manages_ || !world_.oracle().troubled_since(0)) {
    fail("an error that is none of its own: " + std::to_string(error));
  }
  ++world_.oracle().statistics.deposed;
  manages_ = false;
  told_deposed_ = true;
}

bool Program::deposed() const {
  SimHost& host = *world_.host(host_);
  return told_deposed_ ||
         (manages_ && !host.driver().contexts().front().manager.starts_with("pid "));
}

void Program::told_error(Thread& thread, std::uint32_t command) {
  world_.find_revoked();
  const bool of_command = !thread.expected.empty();
  if (of_command) {
    const Expected expected = thread.expected.front();
    thread.expected.pop_front();
    if (expected.kind == Expected::Kind::kOneway) {
      world_.oracle().call_failed(expected.number, command);
      return;
    }
    // libbinder would take it for the end of the reply, and wait for the end of the call for ever.
    if (expected.kind == Expected::Kind::kReply) {
      fail("an error where the completion of a reply was due");
      return;
    }
  }
  if (thread.stack.empty() || thread.stack.back().kind == Frame::Kind::kIncoming) {
    fail("an error of no call");
    return;
  }
  const Frame frame = std::move(thread.stack.back());
  thread.stack.pop_back();
  if (frame.kind == Frame::Kind::kOutgoing) {
    world_.oracle().call_failed(frame.number, command);
  } else {
    manager_call_failed(frame);
    if (world_.settings().roomy && !world_.oracle().troubled_since(0)) {
      fail("a call of the built-in manager failed");
    }
  }
}

Program::Buffer& Program::take_buffer(const binder_transaction_data& data,
                                      std::vector<Thing>& things,
                                      std::optional<Envelope>& envelope) {
  Buffer buffer;
  buffer.address = data.data.ptr.buffer;
  buffer.offset = buffer.address - user_base_;
  const std::uint64_t offsets_at = data.data.ptr.offsets - user_base_;
  if (buffer.address < user_base_ || buffer.offset + data.data_size > arena_bytes_ ||
      offsets_at + data.offsets_size > arena_bytes_) {
    fail("a buffer outside its arena");
    return buffers_.emplace_back();
  }
  buffer.size = data.data_size;
  const std::span<const std::byte> bytes(arena_.get() + buffer.offset, data.data_size);
  for (const std::byte byte : bytes) {
    buffer.hash = buffer.hash * 31 + static_cast<std::uint64_t>(byte);
  }
  for (const Buffer& other : buffers_) {
    if (other.offset < buffer.offset + buffer.size && buffer.offset < other.offset + other.size) {
      fail("a buffer inside another one that is held");
    }
  }
  std::vector<binder_size_t> offsets(data.offsets_size / sizeof(binder_size_t));
  if (!offsets.empty()) {
    std::memcpy(offsets.data(), arena_.get() + offsets_at, data.offsets_size);
  }
  std::string wrong;
  std::span<const std::byte> objects;
  envelope = unpack(bytes, offsets, things, objects, wrong);
  if (!envelope && thread_reads_envelopes_) fail(wrong);
  Buffer& taken = buffers_.emplace_back(std::move(buffer));
  if (envelope && envelope->scattered > 0) {
    take_block(taken, data, objects, envelope->scattered, envelope->things,
               {.call = envelope->number, .of_reply = envelope->is_reply != 0});
  }
  return taken;
}

void Program::take_things(Buffer& buffer, const std::vector<Thing>& things, Errand errand) {
  for (const Thing& thing : things) {
    const flat_binder_object& object = thing.object;
    if (thing.kind == ThingKind::kFile) {
      take_file_thing(thing, errand);
      continue;
    }
    const bool ours = program_of(thing.uid) == serial_;
    const bool weak = thing.kind == ThingKind::kWeak;
    if (object.hdr.type == (weak ? BINDER_TYPE_WEAK_HANDLE : BINDER_TYPE_HANDLE)) {
      // The node of a deposed manager has died for other hosts, and comes home as a dead one.
      if (ours && !world_.oracle().troubled_since(thing.since_ms) && !world_.revoked(thing.uid)) {
        fail("a node of its own came as a handle");
      }
      take_handle(buffer, object.handle, thing);
    } else if (object.hdr.type == (weak ? BINDER_TYPE_WEAK_BINDER : BINDER_TYPE_BINDER)) {
      if (!ours || object.cookie != thing.uid ||
          object.binder != ptr_of(thing.uid % kNodesOfProgram - 1)) {
        fail("node " + std::to_string(thing.uid) + " came as node " +
             std::to_string(object.cookie));
      }
    } else {
      fail("an object of a type that was not sent");
    }
  }
}

void Program::take_handle(Buffer& buffer, std::uint32_t handle, const Thing& thing) {
  const auto [at, fresh] = held_.try_emplace(handle);
  Held& held = at->second;
  if (fresh) {
    for (const auto& [other, its] : held_) {
      if (other != handle && its.uid == thing.uid &&
          !world_.oracle().troubled_since(std::min(its.since_ms, thing.since_ms)) &&
          world_.oracle().alive(program_of(thing.uid)) && !world_.revoked(thing.uid)) {
        fail("node " + std::to_string(thing.uid) + " has two handles, " + std::to_string(other) +
             " and " + std::to_string(handle));
      }
    }
    held.uid = thing.uid;
    held.since_ms = thing.since_ms;
  } else if (held.uid != thing.uid) {
    fail("handle " + std::to_string(handle) + " is node " + std::to_string(held.uid) +
         " and came as node " + std::to_string(thing.uid));
  }
  held.since_ms = std::min(held.since_ms, thing.since_ms);
  const bool weak = thing.kind == ThingKind::kWeak;
  ++(weak ? held.weak_buffers : held.buffers);
  buffer.handles.push_back({.handle = handle, .weak = weak});
  if (handle == 0 || winding_down_ || world_.random().one_in(2)) return;
  ++(weak ? held.weak_acquired : held.acquired);
  later(weak ? BC_INCREFS : BC_ACQUIRE, handle);
}

void Program::told_call(Thread& thread, const binder_transaction_data& data) {
  if (lazy_ && data.cookie == uid_of(kCallbackNode)) {
    told_clients(data);
    return;
  }
  if (data.sender_euid == kLiarEuid) {
    if (world_.settings().liar == HostId{}) fail("a call of nobody");
    later(BC_FREE_BUFFER, binder_uintptr_t{data.data.ptr.buffer});
    return;
  }
  std::vector<Thing> things;
  std::optional<Envelope> envelope;
  Buffer& buffer = take_buffer(data, things, envelope);
  if (!envelope) return;
  const bool oneway = (data.flags & TF_ONE_WAY) != 0;
  const Uid node = data.cookie;
  const std::uint64_t index = node % kNodesOfProgram - 1;
  if (program_of(node) != serial_ || index >= nodes_.size() || data.target.ptr != ptr_of(index)) {
    fail("a call of a node that is not its own");
    return;
  }
  world_.trace().note("called", {serial_, thread.tid, envelope->number, node});
  world_.oracle().delivered(envelope->number, node, envelope->order, oneway);
  if (oneway) {
    if (nodes_[index].oneway != 0) {
      fail("oneway call " + std::to_string(envelope->number) + " before the end of " +
           std::to_string(nodes_[index].oneway) + " of the same node");
    }
    nodes_[index].oneway = envelope->number;
    buffer.oneway_node = static_cast<std::uint32_t>(index + 1);
  }
  take_things(buffer, things, {.call = envelope->number});
  if (oneway) return;
  std::vector<std::uint32_t> offered;
  for (const BufferHandle& each : buffer.handles) {
    if (!each.weak) offered.push_back(each.handle);
  }
  if (!thread.stack.empty() && thread.stack.back().kind == Frame::Kind::kIncoming) {
    fail("a call for a thread that handles one");
  }
  const std::uint64_t plan = mix(envelope->number ^ ~world_.settings().seed) % 100;
  thread.stack.push_back({.kind = Frame::Kind::kIncoming,
                          .number = envelope->number,
                          .offered = std::move(offered),
                          .steps = plan < 70   ? 0U
                                   : plan < 90 ? 1U
                                               : 2U});
}

void Program::told_reply(Thread& thread, const binder_transaction_data& data) {
  if (!thread.expected.empty() || thread.stack.empty() ||
      thread.stack.back().kind == Frame::Kind::kIncoming) {
    fail("a reply to no call");
    return;
  }
  Frame frame = std::move(thread.stack.back());
  thread.stack.pop_back();
  if (frame.kind == Frame::Kind::kManager) {
    told_by_manager(frame, data);
    return;
  }
  std::vector<Thing> things;
  std::optional<Envelope> envelope;
  Buffer& buffer = take_buffer(data, things, envelope);
  if (!envelope) return;
  world_.trace().note("answered", {serial_, thread.tid, envelope->number});
  if (envelope->number != frame.number || envelope->is_reply != 1) {
    fail("call " + std::to_string(frame.number) + " got the answer to call " +
         std::to_string(envelope->number));
  }
  world_.oracle().reply_read(frame.number);
  take_things(buffer, things, {.call = frame.number, .of_reply = true});
}

void Program::told_reference(const Thread& thread, std::uint32_t command,
                             const binder_ptr_cookie& who) {
  const std::uint64_t index = who.cookie % kNodesOfProgram - 1;
  if (program_of(who.cookie) != serial_ || index >= nodes_.size() || who.ptr != ptr_of(index)) {
    fail("told of a node that is not its own");
    return;
  }
  world_.trace().note("reference", {serial_, _IOC_NR(command), who.cookie});
  Node& node = nodes_[index];
  if (command == BR_INCREFS) later(BC_INCREFS_DONE, who);
  if (command == BR_ACQUIRE) later(BC_ACQUIRE_DONE, who);
  const bool strong = command == BR_ACQUIRE || command == BR_RELEASE;
  const bool more = command == BR_ACQUIRE || command == BR_INCREFS;
  int& told = strong ? node.strong_told : node.weak_told;
  told += more ? 1 : -1;
  const bool in_order = !thread.delayed && installing_.empty();
  if (!node.unlisted && in_order && told != (more ? 1 : 0)) {
    fail("node " + std::to_string(who.cookie) + (more ? " taken" : " released") + " twice");
  }
  if (more) return;
  ++world_.oracle().statistics.releases;
  if (in_order) world_.check_unheld(who.cookie, !strong);
}

void Program::told_death(std::uint64_t cookie) {
  const auto found = watches_.find(cookie);
  if (found == watches_.end()) {
    fail("a death that was not asked for");
    return;
  }
  Watch& watch = found->second;
  if (watch.state == Watch::State::kArmed && world_.sabotages(Sabotage::kLoseDeath)) return;
  ++world_.oracle().statistics.deaths_told;
  const std::string name = "the death of node " + std::to_string(watch.uid);
  switch (watch.state) {
    case Watch::State::kArmed:
      watch.state = Watch::State::kTold;
      break;
    case Watch::State::kClearing:
      watch.state = Watch::State::kClearingTold;
      break;
    case Watch::State::kGivenUp:
      break;
    default:
      fail(name + " was told twice");
  }
  if (world_.oracle().alive(program_of(watch.uid)) &&
      !world_.oracle().troubled_since(watch.since_ms) && !world_.revoked(watch.uid)) {
    fail(name + " was told, and it lives");
  }
  later(BC_DEAD_BINDER_DONE, binder_uintptr_t{cookie});
}

void Program::told_cleared(std::uint64_t cookie) {
  const auto found = watches_.find(cookie);
  if (found == watches_.end()) {
    fail("told that what was not asked for is cleared");
    return;
  }
  const Watch watch = found->second;
  watches_.erase(found);
  if (watch.state != Watch::State::kClearing && watch.state != Watch::State::kClearingTold &&
      watch.state != Watch::State::kGivenUp) {
    fail("a death notification was cleared unasked");
  }
  if (const auto held = held_.find(watch.handle);
      held != held_.end() && held->second.watch == cookie) {
    held->second.watch.reset();
  }
}

}  // namespace netbinder::sim
