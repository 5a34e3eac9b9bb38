// SPDX-License-Identifier: Apache-2.0
//
// Hosts that have a device: they ask for space in arenas of other hosts, and messages use it, both
// those it was requested for and others. Only the holder touches lent space, and its writes change
// nothing else (Program::check_given).
#include <algorithm>
#include <cstring>

#include "core/base/check.h"
#include "tests/fuzz/report.h"
#include "tests/fuzz/world.h"

namespace netbinder::fuzz {

namespace {

constexpr std::byte kUntouched{0x5C};

}  // namespace

void World::lease_step() {
  const std::uint8_t what = input_.byte();
  const auto hosts = static_cast<std::uint32_t>(hosts_.size());
  const std::uint32_t home = 1 + ((what >> 2) & 3U) % hosts;
  std::uint32_t holder = 1 + (what & 3U) % hosts;
  if (holder == home || (what & 3U) == 3) holder = kStranger;
  if (!connected_.contains({std::min(home, holder), std::max(home, holder)})) {
    holder = 1 + home % hosts;
    if (!connected_.contains({std::min(home, holder), std::max(home, holder)})) return;
  }
  switch (what >> 4) {
    case 0:
    case 1:
      end_some_lease(holder, home);
      break;
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
    case 7:
    case 8:
      ask_for_lease(holder, home);
      break;
    case 9:
    case 10:
    case 11:
      deliver_until_payload(holder, home);
      ask_for_lease(holder, home);
      deliver_by_lease(holder, home);
      break;
    default:
      deliver_by_lease(holder, home);
      break;
  }
}

void World::ask_for_lease(std::uint32_t holder, std::uint32_t home) {
  const std::uint8_t what = input_.byte();
  Host& at = host(home);
  LeaseRequest request;
  request.oneway = (what & 1) != 0;
  request.ahead = (what & 2) != 0;
  const Overheard& heard = at.overheard[holder];
  const PeerMessage* next = nullptr;
  if (real(holder) && !host(holder).outbox[home].empty()) {
    next = &host(holder).outbox[home].front().message;
  }
  const auto* call = next == nullptr ? nullptr : std::get_if<peer::Call>(next);
  const auto* reply = next == nullptr ? nullptr : std::get_if<peer::Reply>(next);
  if ((what & 4) == 0 && call != nullptr) {  // as it is to be
    request.recipient = call->target;
    request.oneway = (call->flags & TF_ONE_WAY) != 0;
    request.bytes = call->shape.image_size();
    request.context_bytes = static_cast<std::uint32_t>(call->security_context.size() + 1);
  } else if ((what & 4) == 0 && reply != nullptr) {
    request.recipient = reply->call;
    request.oneway = false;
    request.bytes = reply->shape.image_size();
  } else {
    if ((what & 8) != 0) {
      request.recipient = NodeNumber{heard.nodes[input_.below(heard.nodes.size())]};
    } else {
      request.recipient = CallId{heard.calls[input_.below(heard.calls.size())]};
    }
    request.bytes = input_.any_size();
  }
  if ((what & 0x30) == 0x30) request.bytes = input_.any_size();
  if ((what & 0xC0) == 0xC0) request.context_bytes = static_cast<std::uint32_t>(input_.any_size());
  const auto lease = at.driver.lease(HostId{holder}, request);
  trace("host %u asks host %u for %llu bytes%s: %llu\n", holder, home, request.bytes + 0ULL,
        request.ahead ? " ahead" : "", lease ? lease->id.value() + 0ULL : 0);
  if (!lease) {
    reach(request.ahead ? "lease: refused ahead" : "lease: refused");
    return;
  }
  reach(request.ahead ? "lease: granted ahead" : "lease: granted");
  NB_CHECK(lease->bytes.size() == request.bytes && request.bytes > 0);
  const Program* program = at.find(lease->process);
  NB_CHECK(program != nullptr && lease->arena.data() == program->arena.get() &&
           lease->arena.size() == program->arena_bytes);
  for (const HeldLease& held : held_) {
    NB_CHECK(held.home != home || held.lease.id != lease->id);
  }
  program->check_given();
  std::ranges::fill(lease->bytes, kUntouched);
  program->check_given();
  held_.push_back({.holder = holder, .home = home, .lease = *lease});
  granted_.push_back(lease->id);
}

// Whatever is in the way of the next call or reply is delivered.
void World::deliver_until_payload(std::uint32_t holder, std::uint32_t home) {
  if (!real(holder) || arriving_.contains({holder, home})) return;
  const auto& outbox = host(holder).outbox[home];
  while (!outbox.empty() && !std::holds_alternative<peer::Call>(outbox.front().message) &&
         !std::holds_alternative<peer::Reply>(outbox.front().message)) {
    deliver(holder, home, 0);
  }
}

LeaseId World::some_lease(std::uint32_t holder, std::uint32_t home) {
  const std::uint8_t which = input_.byte();
  for (auto held = held_.rbegin(); which < 0x80 && held != held_.rend(); ++held) {
    if (held->holder == holder && held->home == home) return held->lease.id;
  }
  if (which >= 0xF8) return LeaseId{input_.any_size()};
  if (which < 0xC0 && !held_.empty()) return held_[which % held_.size()].lease.id;
  return granted_.empty() ? LeaseId{which} : granted_[which % granted_.size()];
}

void World::end_some_lease(std::uint32_t holder, std::uint32_t home) {
  const LeaseId id = some_lease(holder, home);
  trace("host %u ends lease %llu of host %u\n", holder, id.value() + 0ULL, home);
  if (const HeldLease* held = find_lease(holder, home, id)) {
    write_to(*held, {}, 0xEE);
    reach("lease: ended");
    forget(held);
  } else {
    reach("lease: another's, or none, ended");
  }
  host(home).driver.end_lease(HostId{holder}, id);
}

void World::deliver_by_lease(std::uint32_t holder, std::uint32_t home) {
  const std::uint8_t how = input_.byte();
  if (arriving_.contains({holder, home})) {
    finish_arriving(holder, home);
    return;
  }
  const LeaseId id = some_lease(holder, home);
  if (!real(holder)) {
    hostile_peers_ = true;
    Host& victim = host(home);
    Letter letter{
        forge(input_, forger(kStranger, home), victim.overheard[kStranger]), {}, {1, 2, 3, 4, 5}};
    victim.outbox[kStranger].clear();
    arrive(holder, home, std::move(letter), how, id);
    return;
  }
  auto& outbox = host(holder).outbox[home];
  if (outbox.empty()) return;
  Letter letter = std::move(outbox.front());
  outbox.pop_front();
  if ((how & 0xC0) == 0xC0) {
    hostile_peers_ = true;
    tamper(input_, letter.message, forger(holder, home), host(home).overheard[holder]);
  }
  arrive(holder, home, std::move(letter), how, id);
}

void World::write_to(const HeldLease& held, const Payload& payload, std::uint8_t filler) {
  const Program* program = host(held.home).find(held.lease.process);
  if (program == nullptr) {
    reach("lease: of a process that is gone");
    return;
  }
  const auto bytes = held.lease.bytes;
  NB_CHECK(std::ranges::all_of(bytes, [](std::byte byte) { return byte == kUntouched; }));
  std::ranges::fill(bytes, static_cast<std::byte>(filler));
  std::ranges::copy(payload.bytes().first(std::min<std::size_t>(payload.size(), bytes.size())),
                    bytes.begin());
  program->check_given();
}

void World::forget(const HeldLease* held) {
  if (held != nullptr) held_.erase(held_.begin() + (held - held_.data()));
}

World::HeldLease* World::find_lease(std::uint32_t holder, std::uint32_t home, LeaseId id) {
  const auto found = std::ranges::find_if(held_, [&](const HeldLease& held) {
    return held.holder == holder && held.home == home && held.lease.id == id;
  });
  return found == held_.end() ? nullptr : &*found;
}

void World::forget_leases(std::uint32_t holder, std::uint32_t home) {
  std::erase_if(held_, [&](const HeldLease& held) {
    if (held.holder != holder || held.home != home) return false;
    write_to(held, {}, 0xDD);
    return true;
  });
}

}  // namespace netbinder::fuzz
