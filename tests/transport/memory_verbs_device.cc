// SPDX-License-Identifier: Apache-2.0
//
// Devices made of memory, their protection domains and regions.
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "tests/transport/memory_verbs_state.h"

namespace netbinder::rdma {
namespace {

std::size_t take(std::deque<MemoryDevice::Entry>& queue, std::span<Completion> into, auto&& known) {
  const std::size_t count = std::min(queue.size(), into.size());
  for (std::size_t i = 0; i < count; ++i) {
    into[i] = queue.front().completion;
    known(queue.front());
    queue.pop_front();
  }
  return count;
}

}  // namespace

RegisteredMemory::RegisteredMemory(MemoryDomain& domain, std::span<std::byte> memory, Access access,
                                   std::uint32_t key)
    : domain_(domain), memory_(memory), access_(access), key_(key) {
  domain_.regions.emplace(key_, this);
  domain_.device.registered_bytes += memory.size();
  ++domain_.device.fabric->usage.regions;
  domain_.device.fabric->usage.registered_bytes += memory.size();
}

RegisteredMemory::~RegisteredMemory() {
  MemoryFabric& fabric = *domain_.device.fabric;
  if (std::ranges::any_of(fabric.queue_pairs,
                          [&](const MemoryQueuePair* pair) { return pair->uses(*this); })) {
    ++fabric.misuse.unregistered_in_use;
  }
  domain_.regions.erase(key_);
  domain_.device.registered_bytes -= memory_.size();
  --fabric.usage.regions;
  fabric.usage.registered_bytes -= memory_.size();
}

bool RegisteredMemory::covers(std::uintptr_t address, std::uint64_t bytes) const {
  const auto begin = reinterpret_cast<std::uintptr_t>(memory_.data());
  return address >= begin && address - begin <= memory_.size() &&
         bytes <= memory_.size() - (address - begin);
}

MemoryDomain::MemoryDomain(MemoryDevice& device_) : device(device_) {
  ++device.domains;
  ++device.fabric->usage.domains;
}

MemoryDomain::~MemoryDomain() {
  require(regions.empty(), "a region outlives its protection domain");
  require(queue_pairs == 0, "a queue pair outlives its protection domain");
  --device.domains;
  --device.fabric->usage.domains;
}

std::expected<std::unique_ptr<MemoryRegion>, std::string> MemoryDomain::register_memory(
    std::span<std::byte> memory, Access access) {
  if (!device.fail_registration.empty()) {
    return std::unexpected(std::exchange(device.fail_registration, {}));
  }
  if (device.dead) {
    return std::unexpected("the device has failed");
  }
  if (memory.size() >
      device.memory_limit - std::min(device.memory_limit, device.registered_bytes)) {
    return std::unexpected("cannot register " + std::to_string(memory.size()) +
                           " bytes: RLIMIT_MEMLOCK is " + std::to_string(device.memory_limit) +
                           " bytes");
  }
  return std::make_unique<RegisteredMemory>(*this, memory, access, device.fabric->next_key++);
}

std::expected<std::unique_ptr<QueuePair>, std::string> MemoryDomain::create_queue_pair(
    const QueuePairLimits& limits) {
  if (!device.fail_queue_pair.empty()) {
    return std::unexpected(std::exchange(device.fail_queue_pair, {}));
  }
  if (device.dead) {
    return std::unexpected("the device has failed");
  }
  if (limits.sends == 0 || limits.receives == 0 || limits.gather == 0) {
    return std::unexpected("a queue pair without room for requests");
  }
  QueuePairLimits got = limits;
  got.inline_bytes = std::min(limits.inline_bytes, device.fabric->options.max_inline_bytes);
  return std::make_unique<MemoryQueuePair>(*this, got, QueuePairNumber{device.next_number++});
}

bool MemoryDomain::allows(LocalKey key, const std::byte* data, std::uint64_t bytes) const {
  const auto region = regions.find(key.value());
  return region != regions.end() &&
         region->second->covers(reinterpret_cast<std::uintptr_t>(data), bytes);
}

bool MemoryDomain::allows_write(RemoteKey key, std::uint64_t address, std::uint64_t bytes) const {
  return std::ranges::any_of(regions, [&](const auto& item) {
    const RegisteredMemory& region = *item.second;
    return region.remote_key() == key && region.access() == Access::kRemoteWrite &&
           region.covers(address, bytes);
  });
}

MemoryDevice::MemoryDevice(std::shared_ptr<MemoryFabric> fabric_of, std::size_t index_of,
                           std::string name)
    : fabric(std::move(fabric_of)),
      index(index_of),
      name_(std::move(name)),
      event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  require(event_ >= 0, "no eventfd");
  // 10.0.x.y, mapped into IPv6, counted from 1.
  const std::size_t host = index + 1;
  gid = {};
  gid[10] = gid[11] = 0xff;
  gid[12] = 10;
  gid[14] = static_cast<std::uint8_t>(host >> 8);
  gid[15] = static_cast<std::uint8_t>(host);
  ++fabric->usage.devices;
}

MemoryDevice::~MemoryDevice() {
  require(domains == 0, "a protection domain outlives its device");
  fabric->devices[index] = nullptr;
  --fabric->usage.devices;
  close(event_);
}

std::string MemoryDevice::description() const {
  return name_ + " port 1 gid 0 (10.0." + std::to_string(gid[14]) + "." + std::to_string(gid[15]) +
         ")";
}

std::uint64_t MemoryDevice::max_message_bytes() const { return fabric->options.max_message_bytes; }

std::expected<std::unique_ptr<ProtectionDomain>, std::string>
MemoryDevice::create_protection_domain() {
  if (dead) {
    return std::unexpected("the device has failed");
  }
  return std::make_unique<MemoryDomain>(*this);
}

std::size_t MemoryDevice::poll_receives(std::span<Completion> into) {
  fabric->polled();
  return take(receives, into, [](const Entry& entry) { entry.owner->receive_known(); });
}

std::size_t MemoryDevice::poll_sends(std::span<Completion> into) {
  fabric->polled();
  return take(sends, into, [](const Entry& entry) { entry.owner->sends_known(entry.sequence); });
}

int MemoryDevice::arm() {
  armed_ = true;
  return dead ? -EIO : 0;
}

std::optional<std::string> MemoryDevice::take_events() {
  eventfd_t count = 0;
  eventfd_read(event_, &count);
  return failure;
}

void MemoryDevice::push(std::deque<Entry>& queue, const Entry& entry) {
  queue.push_back(entry);
  if (std::exchange(armed_, false)) {
    wake();
  }
}

void MemoryDevice::forget(const MemoryQueuePair* owner) {
  const auto is_of = [&](const Entry& entry) { return entry.owner == owner; };
  std::erase_if(sends, is_of);
  std::erase_if(receives, is_of);
}

void MemoryDevice::wake() { eventfd_write(event_, 1); }

std::optional<MemoryDevice::SendFailure> MemoryDevice::take_send_failure(SendRequest::Kind kind) {
  const auto node = fail_send.extract(kind);
  return node.empty() ? std::nullopt : std::optional(node.mapped());
}

int MemoryDevice::take_post_error() { return std::exchange(fail_post, 0); }

}  // namespace netbinder::rdma
