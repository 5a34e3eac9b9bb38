// SPDX-License-Identifier: Apache-2.0
//
// The memory in which an agent leaves what it reports of calls, for administrators: a ring of
// entries of one size, the latest over the oldest; the names of interfaces and programs; the
// reasons of failures. The agent alone writes it, readers have it read-only, and it tells them
// nothing that they may rely on: they copy an entry, then see from its number whether it was whole.
//
// A contract of the agent and tools of the same build (kVersion). Everything is in shared memory,
// and plain; what both sides touch at a time is accessed by std::atomic_ref.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace netbinder::call_ring {

inline constexpr std::uint64_t kMagic = 0x676E69526C6C6143;  // "CallRing"
inline constexpr std::uint32_t kVersion = 2;
inline constexpr std::uint64_t kEntries = 1U << 16;
inline constexpr std::size_t kNames = 1024;
inline constexpr std::size_t kPrograms = 4096;
inline constexpr std::size_t kReasons = 64;

// One point of one call. Hosts are 0 for the one whose ring it is.
struct Entry {
  std::uint64_t number = 0;  // from 1 on, written last; 0: it is being written
  std::uint64_t time_ns = 0;
  std::uint64_t trace = 0, span = 0, parent = 0;
  std::uint64_t began_ns = 0;  // 0: not known
  std::uint64_t data_size = 0;
  std::uint64_t arena_used = 0;
  std::uint32_t outstanding = 0;
  std::uint32_t debug_id = 0, node = 0, code = 0, flags = 0;
  std::uint32_t caller_host = 0, caller_tid = 0;
  std::int32_t caller_pid = 0;
  std::uint32_t handler_host = 0, handler_tid = 0;
  std::int32_t handler_pid = 0;
  std::uint32_t handler_process = 0;
  std::uint32_t failed_command = 0;
  std::int32_t failed_error = 0;
  std::uint32_t failed_line = 0;
  std::uint16_t reason = 0;  // from 1 on; 0: none
  std::uint8_t point = 0;    // CallPoint
  std::uint8_t oneway = 0;
};
static_assert(sizeof(Entry) == 128 && alignof(Entry) == 8 && std::is_trivially_copyable_v<Entry>);

// The interface of the node with that debug id, as the last call of it began. Nodes share places.
struct Name {
  std::uint32_t version = 0;  // odd: it is being written
  std::uint32_t node = 0;
  char text[120] = {};  // with a final zero
};
static_assert(sizeof(Name) == 128 && std::is_trivially_copyable_v<Name>);

// The program with that pid on this host, which may have ended since. Pids share places.
struct Program {
  std::uint32_t version = 0;  // odd: it is being written
  std::int32_t pid = 0;
  char text[24] = {};  // with a final zero
};
static_assert(sizeof(Program) == 32 && std::is_trivially_copyable_v<Program>);

struct Reason {
  char text[128] = {};  // with a final zero
};
static_assert(sizeof(Reason) == 128);

struct alignas(64) Header {
  std::uint64_t magic = kMagic;
  std::uint32_t version = kVersion;
  std::uint32_t host = 0;
  std::uint64_t incarnation = 0;
  char host_name[64] = {};  // with a final zero
  char boot[40] = {};       // which run of which kernel the clock is of, with a final zero
  alignas(64) std::uint64_t written = 0;  // entries, ever
};
static_assert(sizeof(Header) == 192 && std::is_trivially_copyable_v<Header>);

struct Ring {
  Header header;
  Reason reasons[kReasons];
  Name names[kNames];
  Program programs[kPrograms];
  Entry entries[kEntries];
};
static_assert(std::is_trivially_copyable_v<Ring>);
static_assert(std::atomic_ref<std::uint64_t>::is_always_lock_free &&
              std::atomic_ref<std::uint32_t>::is_always_lock_free);

}  // namespace netbinder::call_ring
