// SPDX-License-Identifier: Apache-2.0
#include "tools/calls/ring_reader.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <stdexcept>
#include <utility>

#include "node-agent/clock.h"
#include "node-agent/program_name.h"
#include "tools/admin_client.h"
#include "tools/calls/call_record.h"

namespace netbinder::tools {

namespace {

constexpr int kSecondsAtATime = 5;

// Text that another program wrote: its characters that show, up to the final zero.
std::string shown_text(std::span<const char> bytes) {
  std::string text;
  for (const char each : bytes) {
    if (each == '\0') break;
    text += each >= ' ' && each <= '~' ? each : '?';
  }
  return text;
}

template <typename T>
T load_shared(const T& shared, std::memory_order order) {
  return std::atomic_ref<T>(const_cast<T&>(shared)).load(order);
}

// A whole one; nothing if it is being written all the time.
template <typename Place>
std::optional<Place> copy_of(const Place& shared) {
  for (int attempt = 0; attempt < 8; ++attempt) {
    const std::uint32_t before = load_shared(shared.version, std::memory_order_acquire);
    Place copy;
    std::memcpy(&copy, &shared, sizeof copy);
    std::atomic_thread_fence(std::memory_order_acquire);
    if (before % 2 == 0 && load_shared(shared.version, std::memory_order_relaxed) == before) {
      return copy;
    }
  }
  return std::nullopt;
}

}  // namespace

RingReader::RingReader(std::string agent_socket) : agent_socket_(std::move(agent_socket)) {
  map(ask());
  read_ = load_shared(ring_->header.written, std::memory_order_acquire);
  host_ = ring_->header.host;
  host_name_ = shown_text(ring_->header.host_name);
  boot_ = shown_text(ring_->header.boot);
}

RingReader::~RingReader() {
  if (ring_ != nullptr) ::munmap(const_cast<call_ring::Ring*>(ring_), sizeof(call_ring::Ring));
}

void RingReader::prolong() {
  prolonged_ = std::chrono::steady_clock::now();
  UniqueFd fd = ask();
  struct stat file {};
  if (::fstat(fd.get(), &file) == 0 && file.st_ino == inode_) return;
  // It had ceased to record in between: another ring has begun.
  ::munmap(const_cast<call_ring::Ring*>(std::exchange(ring_, nullptr)), sizeof(call_ring::Ring));
  map(std::move(fd));
  read_ = 0;
}

UniqueFd RingReader::ask() {
  UniqueFd fd;
  const nlohmann::json answer = ask_agent(
      agent_socket_, {{"command", "record_calls"}, {"seconds", kSecondsAtATime}}, 5, &fd);
  if (answer.value("ring_version", 0U) != call_ring::kVersion ||
      answer.value("ring_bytes", std::size_t{0}) != sizeof(call_ring::Ring) || !fd) {
    throw std::runtime_error("the agent at " + agent_socket_ +
                             " is of another version and records calls in another form");
  }
  agent_pid_ = answer.value("agent_pid", 0);
  const nlohmann::json hosts = answer.value("hosts", nlohmann::json::object());
  for (const auto& [number, name] : hosts.items()) {
    std::uint32_t host = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), host);
    if (error == std::errc{} && name.is_string()) host_names_[host] = name;
  }
  return fd;
}

void RingReader::map(UniqueFd fd) {
  struct stat file {};
  const int seals = ::fcntl(fd.get(), F_GET_SEALS);
  if (::fstat(fd.get(), &file) != 0 || file.st_size < static_cast<off_t>(sizeof(call_ring::Ring)) ||
      seals < 0 || (seals & F_SEAL_SHRINK) == 0) {
    throw std::runtime_error("what the agent at " + agent_socket_ + " gave is no ring of calls");
  }
  void* const mapped = ::mmap(nullptr, sizeof(call_ring::Ring), PROT_READ, MAP_SHARED, fd.get(), 0);
  inode_ = file.st_ino;
  if (mapped == MAP_FAILED) throw std::runtime_error("the ring of calls cannot be mapped");
  ring_ = static_cast<const call_ring::Ring*>(mapped);
  if (ring_->header.magic != call_ring::kMagic || ring_->header.version != call_ring::kVersion) {
    throw std::runtime_error("what the agent at " + agent_socket_ + " gave is no ring of calls");
  }
}

void RingReader::drain(std::vector<call_ring::Entry>& into) {
  const std::uint64_t written = load_shared(ring_->header.written, std::memory_order_acquire);
  if (written - read_ > call_ring::kEntries) {
    lost_ += written - read_ - call_ring::kEntries;
    read_ = written - call_ring::kEntries;
  }
  for (; read_ != written; ++read_) {
    const call_ring::Entry& shared = ring_->entries[read_ % call_ring::kEntries];
    const std::uint64_t before = load_shared(shared.number, std::memory_order_acquire);
    call_ring::Entry copy;
    std::memcpy(&copy, &shared, sizeof copy);
    std::atomic_thread_fence(std::memory_order_acquire);
    const std::uint64_t after = load_shared(shared.number, std::memory_order_relaxed);
    if (before != read_ + 1 || after != before) {
      ++lost_;
    } else if (is_sound(copy)) {
      into.push_back(copy);
    }
  }
  if (std::chrono::steady_clock::now() - prolonged_ >= std::chrono::seconds(1)) prolong();
}

std::int64_t RingReader::wall_ns() const { return wall_ahead_ns(); }

std::string RingReader::interface_of(std::uint32_t node) const {
  const auto name = copy_of(ring_->names[node % call_ring::kNames]);
  return node != 0 && name && name->node == node ? shown_text(name->text) : "";
}

std::string RingReader::program_of(std::int32_t pid) const {
  if (pid <= 0) return "";
  const auto program =
      copy_of(ring_->programs[static_cast<std::size_t>(pid) % call_ring::kPrograms]);
  if (program && program->pid == pid) return shown_text(program->text);
  return std::string(ProgramName::of(pid).text());
}

std::string RingReader::reason(std::uint16_t number) const {
  return number == 0 || number > call_ring::kReasons ? ""
                                                     : shown_text(ring_->reasons[number - 1].text);
}

}  // namespace netbinder::tools
