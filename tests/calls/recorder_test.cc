// SPDX-License-Identifier: Apache-2.0
//
// The agent's records in the ring, as a reader finds them.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "node-agent/call_recorder.h"

namespace netbinder {
namespace {

class Recorder : public ::testing::Test {
 protected:
  Recorder() {
    auto memory = SharedMemory::create("calls", sizeof(call_ring::Ring), sizeof(call_ring::Ring),
                                       SharedMemory::Access::kProgramReads);
    EXPECT_TRUE(memory.has_value());
    recorder = std::make_unique<CallRecorder>(
        *std::move(memory),
        RecordingHost{.host = HostId{3},
                      .incarnation = Incarnation{9},
                      .name = std::string(100, 'n'),
                      .boot = "boot"},
        [](ProcessId process) { return process == ProcessId{4} ? "short" : ""; });
    void* const mapped =
        ::mmap(nullptr, sizeof(call_ring::Ring), PROT_READ, MAP_SHARED, recorder->readers_fd(), 0);
    EXPECT_NE(mapped, MAP_FAILED);
    ring = static_cast<const call_ring::Ring*>(mapped);
  }
  ~Recorder() override { ::munmap(const_cast<call_ring::Ring*>(ring), sizeof(call_ring::Ring)); }
  static CallReport report(std::uint64_t span) {
    CallReport made;
    made.point = CallPoint::kQueued;
    made.trace = TraceId{span + 1000};
    made.span = SpanId{span};
    made.code = 5;
    made.caller = {.host = HostId{2}, .pid = 10, .tid = 11};
    made.data_size = 64;
    return made;
  }

  std::unique_ptr<CallRecorder> recorder;
  const call_ring::Ring* ring = nullptr;
};

TEST_F(Recorder, TheRingSaysWhoseItIs) {
  EXPECT_EQ(ring->header.magic, call_ring::kMagic);
  EXPECT_EQ(ring->header.host, 3U);
  EXPECT_EQ(std::strlen(ring->header.host_name), sizeof ring->header.host_name - 1);
  EXPECT_STREQ(ring->header.boot, "boot");
}

TEST_F(Recorder, TheLatestEntriesLieOverTheOldest) {
  for (std::uint64_t i = 1; i <= call_ring::kEntries + 2; ++i) recorder->heard(report(i), i);
  EXPECT_EQ(ring->header.written, call_ring::kEntries + 2);
  EXPECT_EQ(ring->entries[0].number, call_ring::kEntries + 1);
  EXPECT_EQ(ring->entries[1].span, call_ring::kEntries + 2);
  EXPECT_EQ(ring->entries[2].number, 3U);
  EXPECT_EQ(ring->entries[2].span, 3U);
  EXPECT_EQ(ring->entries[2].trace, 1003U);
  EXPECT_EQ(ring->entries[2].time_ns, 3U);
  EXPECT_EQ(ring->entries[2].caller_host, 2U);
  EXPECT_EQ(ring->entries[2].caller_tid, 11U);
  EXPECT_EQ(ring->entries[2].data_size, 64U);
}

TEST_F(Recorder, NothingOfAnEarlierEntryIsLeftInItsPlace) {
  const BrError error = BrError::failed(-EPERM, "for a reason");
  CallReport failed = report(1);
  failed.error = &error;
  recorder->heard(failed, 1);
  EXPECT_EQ(ring->entries[0].failed_error, -EPERM);
  ASSERT_EQ(ring->entries[0].reason, 1);
  EXPECT_STREQ(ring->reasons[0].text, "for a reason");
  recorder->heard(failed, 2);
  EXPECT_EQ(ring->entries[1].reason, 1) << "a reason has one place";
  for (std::uint64_t i = 2; i <= call_ring::kEntries; ++i) recorder->heard(report(i), i);
  EXPECT_EQ(ring->entries[0].failed_error, 0);
  EXPECT_EQ(ring->entries[0].failed_command, 0U);
  EXPECT_EQ(ring->entries[0].reason, 0);
}

TEST_F(Recorder, ProgramsAreNamedWithTheirFirstEntry) {
  CallReport begun = report(1);
  begun.caller = {.process = ProcessId{4}, .pid = 70'000, .tid = 1};
  begun.handler = {.process = ProcessId{5}, .pid = 80'000, .tid = 1};
  recorder->heard(begun, 1);
  const call_ring::Program& named = ring->programs[70'000 % call_ring::kPrograms];
  EXPECT_EQ(named.pid, 70'000);
  EXPECT_STREQ(named.text, "short");
  EXPECT_EQ(named.version, 2U);
  EXPECT_EQ(ring->programs[80'000 % call_ring::kPrograms].version, 0U) << "it has no name";
  CallReport elsewhere = report(2);
  elsewhere.caller = {.host = HostId{2}, .process = ProcessId{4}, .pid = 5, .tid = 1};
  recorder->heard(elsewhere, 2);
  EXPECT_EQ(ring->programs[5].version, 0U) << "pids of other hosts mean other programs";
  recorder->heard(begun, 3);
  EXPECT_EQ(named.version, 2U) << "it is written once";
}

TEST_F(Recorder, InterfacesAreKeptByNode) {
  // Strict mode, work source, header, length, "a.b" in 16-bit units, and padding.
  const std::string text{"\0\0\0\0\xff\xff\xff\xffTSYS\3\0\0\0a\0.\0b\0\0\0", 24};
  CallReport placed = report(1);
  placed.node = 7;
  const std::string nothing(24, '\0');
  placed.data = std::as_bytes(std::span(nothing));
  recorder->heard(placed, 1);
  EXPECT_EQ(ring->names[7].node, 0U) << "a call without a name does not take the place";
  placed.data = std::as_bytes(std::span(text));
  recorder->heard(placed, 2);
  EXPECT_EQ(ring->names[7].node, 7U);
  EXPECT_STREQ(ring->names[7].text, "a.b");
  EXPECT_EQ(ring->names[7].version % 2, 0U);
}

TEST_F(Recorder, ReadersCannotWrite) {
  EXPECT_EQ(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, recorder->readers_fd(), 0),
            MAP_FAILED);
}

}  // namespace
}  // namespace netbinder
