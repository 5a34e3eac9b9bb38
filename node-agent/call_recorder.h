// SPDX-License-Identifier: Apache-2.0
//
// Writes what is heard of calls into a ring (node-agent/call_ring.h). No allocation, no formatting,
// no system call. Owned by CallTracing, for as long as anybody follows calls. Thread: the
// data-plane thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/base/ids.h"
#include "host/call_listeners.h"
#include "node-agent/call_ring.h"
#include "node-agent/interface_search.h"
#include "node-agent/name_of_process.h"
#include "node-agent/shared_memory.h"

namespace netbinder {

struct RecordingHost {
  HostId host;
  Incarnation incarnation;
  std::string name;
  std::string boot;  // which run of which kernel this is
};

class CallRecorder final : public CallListener {
 public:
  // `memory` has room for a Ring, and nothing in it yet.
  CallRecorder(SharedMemory memory, const RecordingHost& host, NameOfProcess name_of);

  void heard(const CallReport& report, std::uint64_t now_ns) override;
  // Read-only, for who may see everybody's calls.
  [[nodiscard]] int readers_fd() const { return memory_.program_fd(); }
  // The same, on this thread: whole, between two events.
  [[nodiscard]] const call_ring::Ring& ring() const { return ring_; }

 private:
  // The reason's number; the reason is added if there is room.
  std::uint16_t number_of(const char* reason);
  void note_interface(std::uint32_t node, std::span<const std::byte> parcel);
  [[nodiscard]] static std::size_t place_of_program(std::int32_t pid) {
    return static_cast<std::uint32_t>(pid) % call_ring::kPrograms;
  }
  [[nodiscard]] bool is_noted(const CallEnd& end) const {
    return noted_programs_[place_of_program(end.pid)] == end.pid;
  }
  void note_program(const CallEnd& end);
  void prefetch_entry(std::uint64_t number) const;

  NameOfProcess name_of_;
  SharedMemory memory_;
  call_ring::Ring& ring_;
  std::uint64_t written_ = 0;
  std::array<const char*, call_ring::kReasons> reasons_{};
  InterfaceSearch<call_ring::kNames> interfaces_;
  std::array<std::int32_t, call_ring::kPrograms> noted_programs_{};  // the pid in each place
};

}  // namespace netbinder
