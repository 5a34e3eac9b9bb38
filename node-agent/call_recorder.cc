// SPDX-License-Identifier: Apache-2.0
#include "node-agent/call_recorder.h"

#include <algorithm>
#include <new>
#include <span>
#include <utility>

#include "core/base/check.h"

namespace netbinder {

namespace {

template <std::size_t size>
void copy_truncated(char (&into)[size], std::string_view text) {
  const std::size_t count = std::min(text.size(), size - 1);
  std::memcpy(into, text.data(), count);
  into[count] = '\0';
}

// Readers see from the version whether what they have copied is whole.
template <typename Place, typename Write>
void write_whole(Place& place, Write&& write) {
  const std::atomic_ref<std::uint32_t> version(place.version);
  const std::uint32_t before = version.load(std::memory_order_relaxed);
  version.store(before + 1, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
  write();
  version.store(before + 2, std::memory_order_release);
}

call_ring::Ring& ring_of(std::span<std::byte> memory) {
  NB_CHECK(memory.size() >= sizeof(call_ring::Ring));
  // Not initialised: the memory is zero, and pages that nobody has touched cost nothing.
  return *reinterpret_cast<call_ring::Ring*>(memory.data());
}

}  // namespace

CallRecorder::CallRecorder(SharedMemory memory, const RecordingHost& host, NameOfProcess name_of)
    : name_of_(std::move(name_of)), memory_(std::move(memory)), ring_(ring_of(memory_.memory())) {
  call_ring::Header& header = *new (&ring_.header) call_ring::Header;
  header.host = host.host.value();
  header.incarnation = host.incarnation.value();
  copy_truncated(header.host_name, host.name);
  copy_truncated(header.boot, host.boot);
}

void CallRecorder::heard(const CallReport& report, std::uint64_t now_ns) {
  if (!report.data.empty()) note_interface(report.node, report.data);
  // For a call from this host it says no more than that the call fails next.
  if (report.point == CallPoint::kPlaced && report.caller.host == HostId{}) return;
  if (!is_noted(report.caller)) note_program(report.caller);
  if (!is_noted(report.handler)) note_program(report.handler);
  call_ring::Entry& entry = ring_.entries[written_ % call_ring::kEntries];
  std::atomic_ref<std::uint64_t>(entry.number).store(0, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
  entry.time_ns = now_ns;
  entry.trace = report.trace.value();
  entry.span = report.span.value();
  entry.parent = report.parent.value();
  entry.began_ns = report.began;
  entry.data_size = report.data_size;
  entry.arena_used = report.arena_used;
  entry.outstanding = static_cast<std::uint32_t>(report.outstanding);
  entry.debug_id = report.debug_id;
  entry.node = report.node;
  entry.code = report.code;
  entry.flags = report.flags.bits();
  entry.caller_host = report.caller.host.value();
  entry.caller_pid = report.caller.pid;
  entry.caller_tid = report.caller.tid;
  entry.handler_host = report.handler.host.value();
  entry.handler_pid = report.handler.pid;
  entry.handler_tid = report.handler.tid;
  entry.handler_process = static_cast<std::uint32_t>(report.handler.process.value());
  entry.point = static_cast<std::uint8_t>(report.point);
  entry.oneway = report.oneway ? 1 : 0;
  entry.failed_command = 0;
  entry.failed_error = 0;
  entry.failed_line = 0;
  entry.reason = 0;
  if (report.error != nullptr) {
    entry.failed_command = report.error->command();
    entry.failed_error = report.error->error();
    entry.failed_line = report.error->line();
    entry.reason = number_of(report.error->reason());
  }
  ++written_;
  std::atomic_ref<std::uint64_t>(entry.number).store(written_, std::memory_order_release);
  std::atomic_ref<std::uint64_t>(ring_.header.written).store(written_, std::memory_order_release);
  prefetch_entry(written_ + 1);
}

// The ring is larger than a processor's own cache, so an entry's lines come from far away. Those of
// the entry after the next one are fetched while the core goes on.
void CallRecorder::prefetch_entry(std::uint64_t number) const {
  constexpr std::size_t kLineBytes = 64;
  static_assert(offsetof(call_ring::Ring, entries) % kLineBytes == 0 &&
                sizeof(call_ring::Entry) % kLineBytes == 0);
  const auto* const entry =
      reinterpret_cast<const char*>(&ring_.entries[number % call_ring::kEntries]);
  for (std::size_t at = 0; at < sizeof(call_ring::Entry); at += kLineBytes) {
    __builtin_prefetch(entry + at, 1);
  }
}

std::uint16_t CallRecorder::number_of(const char* reason) {
  if (reason == nullptr) return 0;
  for (std::size_t i = 0; i < reasons_.size(); ++i) {
    if (reasons_[i] == nullptr) {
      reasons_[i] = reason;
      copy_truncated(ring_.reasons[i].text, reason);
    }
    if (reasons_[i] == reason) return static_cast<std::uint16_t>(i + 1);
  }
  return 0;
}

void CallRecorder::note_interface(std::uint32_t node, std::span<const std::byte> parcel) {
  if (node == 0) return;
  if (!interfaces_.holds_place(node)) interfaces_.take_place(node);
  std::array<char, sizeof call_ring::Name::text - 1> text;
  const std::size_t length = interfaces_.look(node, parcel, text);
  if (length == 0) return;
  call_ring::Name& name = ring_.names[interfaces_.place_of(node)];
  write_whole(name, [&] {
    name.node = node;
    copy_truncated(name.text, {text.data(), length});
  });
}

void CallRecorder::note_program(const CallEnd& end) {
  if (end.host != HostId{} || end.process == ProcessId{} || end.pid <= 0) return;
  const std::size_t place = place_of_program(end.pid);
  noted_programs_[place] = end.pid;
  const std::string_view name = name_of_(end.process);
  if (name.empty()) return;
  call_ring::Program& program = ring_.programs[place];
  write_whole(program, [&] {
    program.pid = end.pid;
    copy_truncated(program.text, name);
  });
}

}  // namespace netbinder
