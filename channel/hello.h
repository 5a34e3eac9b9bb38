// SPDX-License-Identifier: Apache-2.0
//
// Setting a channel up; there is one for each open of a binder device. The program connects a
// SOCK_SEQPACKET Unix socket to the agent and sends Hello. The agent answers HelloReply and, on
// success, four descriptors (HelloDescriptor). The connected socket is the program's binder
// descriptor:
//   - it is readable while work waits for the process: the agent sends a one-byte message when that
//     becomes true, and says in a response (`drain`) when the program is to take it back;
//   - it is closed by whichever side ends first; the last close ends the binder process.
// Hello also carries the connected socket itself (SCM_RIGHTS). By it the agent recognises the
// descriptor when another process, which inherited or received it, asks to attach to its channel.
// Some Hellos ask for something other than an open, see HelloPurpose; their connection ends with
// the reply.
//
// Versions (channel/version.h): both messages begin with `magic` and `version` in all of them, and
// what a version adds stands at the end. Hello says the newest version that the program speaks, and
// the reply is in the newest that both speak, which is the channel's. If there is none, the reply's
// `version` is the agent's newest and its error -EPROTO.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "channel/version.h"

namespace netbinder {

enum HelloFlags : std::uint32_t {
  kHelloDialectDetected = 2,  // `dialect` was guessed from the program's libbinder
};

enum HelloPurpose : std::uint32_t {
  kHelloOpen = 0,       // open the device `name`; descriptors of the reply: HelloDescriptor
  kHelloDebugFile = 1,  // read the debug file `name` ("state", "proc/PID", …); one read-only memfd
  kHelloFindDevice = 2,  // does a device `name` exist? none
  kHelloAddDevice = 3,   // BINDER_CTL_ADD: make the device `name`; none
  kHelloAttach = 4,      // use the binder descriptor sent along; all but the arena's
  kHelloRemoveDevice = 5,  // unlink the device `name`; none
};

struct Hello {
  std::uint32_t magic = kChannelMagic;
  std::uint32_t version = kChannelVersion;
  std::uint32_t flags = 0;
  HelloPurpose purpose = kHelloOpen;
  char name[64] = {};     // "binder" for /dev/binder; zero-terminated
  char dialect[32] = {};  // service manager dialect wanted or detected; may be empty
  std::int32_t nice = 0;  // of the thread that opens
  // The process that gets the channel if it is not the sender: a supervisor opens it for a process
  // that descends from it and belongs to the same user. 0: the sender itself.
  std::int32_t subject = 0;
  // ---- since version 10 ----
  std::uint32_t oldest_version = kOldestChannelVersion;
};
static_assert(sizeof(Hello) == 124 && std::is_trivially_copyable_v<Hello>);
static_assert(offsetof(Hello, name) == 16 && offsetof(Hello, nice) == 112);
inline constexpr std::size_t kHelloBytesOf9 = offsetof(Hello, oldest_version);
static_assert(kHelloBytesOf9 == 120);
// A Hello of a version that is not known here is not longer either.
inline constexpr std::size_t kMaxHelloBytes = 512;

// Descriptors of a successful HelloReply, in this order.
enum HelloDescriptor : std::uint32_t {
  kHelloChannelMemory,  // memfd, mapped shared and writable
  kHelloDoorbell,       // eventfd
  kHelloSideSocket,     // SOCK_SEQPACKET
  kHelloArenaMemory,    // memfd, a read-only descriptor of kMaxMapBytes
  kHelloDescriptors,
};

struct HelloReply {
  std::uint32_t magic = kChannelMagic;
  std::uint32_t version = kChannelVersion;
  std::int32_t error = 0;         // negative errno: -ENXIO no such device, -ENOENT no such file,
                                  // -EEXIST, -EMFILE, -EPROTO
  std::uint32_t descriptors = 0;  // sent along
  std::uint64_t channel_bytes = 0;
  char device[64] = {};  // kHelloAttach: the name of the device
  std::uint64_t pid_namespace = 0;   // kHelloOpen: the agent's, by their inodes
  std::uint64_t user_namespace = 0;
  // ---- since version 10: what the agent speaks ----
  std::uint32_t newest_version = kChannelVersion;
  std::uint32_t oldest_version = kOldestChannelVersion;
};
static_assert(sizeof(HelloReply) == 112 && std::is_trivially_copyable_v<HelloReply>);
static_assert(offsetof(HelloReply, channel_bytes) == 16 && offsetof(HelloReply, device) == 24);
inline constexpr std::size_t kHelloReplyBytesOf9 = offsetof(HelloReply, newest_version);
static_assert(kHelloReplyBytesOf9 == 104);

}  // namespace netbinder
