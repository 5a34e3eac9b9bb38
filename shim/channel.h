// SPDX-License-Identifier: Apache-2.0
//
// The channel between a program (shim) and its host's agent: everything both sides of it share.
// One channel per open of a binder device.
//
// SET-UP. The program connects a SOCK_SEQPACKET Unix socket to the agent and sends Hello; the agent
// answers HelloReply with, on success, four descriptors (kHello… below). The connected socket is
// the program's binder descriptor:
//   - it is readable while work waits for the process: the agent sends a one-byte message when that
//     becomes true, and says in a response (`drain`) when the program is to take it back;
//   - it is closed by whoever ends first; the last close ends the binder process.
// Descriptors travel on the side socket (SOCK_SEQPACKET), so that the binder descriptor's readiness
// stays exact.
// Hello also carries the connected socket itself (SCM_RIGHTS), by which the agent knows the
// descriptor again when another process, which inherited or received it, asks to attach to its
// channel. Some Hellos ask for something else than an open, see HelloPurpose; their connection ends
// with the reply.
//
// SHARED MEMORY. The channel memory, made and sealed by the agent (no growing, no shrinking), holds
// a ChannelHeader, kMailboxes mailboxes and behind them a staging area for each mailbox. A thread
// of the program owns one mailbox while it lives (claimed in the program by `owner`) and has at
// most one request outstanding in it.
//
// STATES of a mailbox, and who makes the step:
//   kIdle      -> kRequested  program: the request is complete; rings the doorbell
//   kRequested -> kDone       agent: the response is complete
//   kRequested -> kCancelled  program: a signal arrived; rings the doorbell, goes on waiting
//   kCancelled -> kDone       agent: with what had happened already, or -EINTR
//   kRequested, kCancelled -> kInstall   agent: descriptors are waiting on the side socket
//   kInstall   -> kInstalled  program: their numbers are in `fds`; rings the doorbell
//   kInstalled -> kDone       agent
//   kInstalled -> kRequested  agent: they could not be installed, and the read goes on
//   kDone      -> kIdle       program: it has taken the response
//
// POSTED READS. While a mailbox's `may_post` is 1, its thread need not ring the doorbell for a
// BINDER_WRITE_READ without commands, which blocks and has room for kPostedReadBytes at the start
// of its buffer: the agent looks for it when there is something to be read. The agent sets
// `may_post` with a response. To end it, it stores 0, full fence, and looks for the read; the
// program stores kRequested, full fence, and rings if `may_post` is not 1. Any other request ends
// it as well.
//
// WAKING. Program to agent: set the mailbox's bit in `pending` (after the state), the word's in
// `pending_words`, full fence, then if `agent_armed` was 1 exchange it to 0 and write to the
// doorbell (an eventfd). The agent sets `agent_armed`, full fence, looks at `pending_words` again,
// and only then sleeps. It takes the word's bit before the word.
// Agent to program: store the state, full fence, then if `sleeping` was 1 exchange it to 0 and
// FUTEX_WAKE the state word (shared futex). The program sets `sleeping`, full fence, looks at the
// state again, and only then sleeps (FUTEX_WAIT on the value it saw).
//
// TRUST. The agent copies a request before it looks at it and believes nothing in it; whatever a
// program writes here can only harm the program itself. The program trusts its agent.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace netbinder {

inline constexpr std::uint32_t kChannelMagic = 0x6e627368;  // "nbsh"
inline constexpr std::uint32_t kChannelVersion = 6;
inline constexpr const char* kDefaultAgentSocket = "/run/netbinder/agent.sock";

inline constexpr std::uint32_t kMailboxes = 512;
inline constexpr std::uint32_t kMailboxBytes = 16 * 1024;
inline constexpr std::uint32_t kInlineCommandBytes = 1024;  // larger ones are read from memory
inline constexpr std::uint32_t kInlineStagingBytes = 1024;  // small payloads ride along
inline constexpr std::uint32_t kArgumentBytes = 64;         // of ioctls other than WRITE_READ
inline constexpr std::uint32_t kReadBytes = 8 * 1024;       // most of one read
inline constexpr std::uint32_t kPostedReadBytes = 128;      // least of a posted one
inline constexpr std::uint32_t kMaxStagedRanges = 64;
inline constexpr std::uint32_t kMaxInstalledFds = 253;                    // SCM_MAX_FD
inline constexpr std::uint64_t kStagingBytes = (4U << 20) + (64U << 10);  // for each mailbox
inline constexpr std::uint64_t kMaxMapBytes = 4U << 20;
inline constexpr std::uint64_t kMaxCommandBytes = 1U << 20;  // of one write buffer

// ---- set-up ----

enum HelloFlags : std::uint32_t {
  kHelloStagedOnly = 1,       // do not read this program's memory
  kHelloDialectDetected = 2,  // `dialect` is a guess by the program's libbinder, nobody's wish
};

enum HelloPurpose : std::uint32_t {
  kHelloOpen = 0,       // open the device `name`; descriptors of the reply: HelloDescriptor
  kHelloDebugFile = 1,  // read the debug file `name` ("state", "proc/PID", …); one read-only memfd
  kHelloFindDevice = 2,  // is there a device `name`? none
  kHelloAddDevice = 3,   // BINDER_CTL_ADD: make the device `name`; none
  kHelloAttach = 4,      // use the binder descriptor sent along; all but the arena's
};

struct Hello {
  std::uint32_t magic = kChannelMagic;
  std::uint32_t version = kChannelVersion;
  std::uint32_t flags = 0;
  HelloPurpose purpose = kHelloOpen;
  std::uint64_t probe_address = 0;  // of 8 bytes holding `probe_value`, readable until the reply
  std::uint64_t probe_value = 0;
  char name[64] = {};     // "binder" for /dev/binder; zero-terminated
  char dialect[32] = {};  // service manager dialect wanted or detected; may be empty
  std::int32_t nice = 0;  // of the thread that opens
  std::uint32_t reserved = 0;
};
static_assert(sizeof(Hello) == 136 && std::is_trivially_copyable_v<Hello>);

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
  std::uint32_t staged_only = 0;  // the agent cannot read the program's memory: stage everything
  std::uint64_t channel_bytes = 0;
  std::uint32_t descriptors = 0;  // sent along
  std::uint32_t reserved = 0;
  char device[64] = {};  // kHelloAttach: which one it is
};
static_assert(sizeof(HelloReply) == 96 && std::is_trivially_copyable_v<HelloReply>);

// ---- shared memory ----

enum MailboxState : std::uint32_t {
  kIdle = 0,
  kRequested = 1,
  kDone = 2,
  kCancelled = 3,
  kInstall = 4,
  kInstalled = 5,
};

enum RequestOperation : std::uint32_t {
  kOpWriteRead = 1,  // BINDER_WRITE_READ
  kOpControl = 2,    // any other ioctl: `ioctl_command`, `argument`
  kOpMap = 3,        // mmap: `address`, `bytes`
  kOpFlush = 4,      // a descriptor was closed, others remain
  kOpClose = 5,      // the program's last descriptor is about to be closed; no response is awaited
};

enum RequestFlags : std::uint32_t {
  kFlagReads = 1,         // read_size was not 0
  kFlagFreshRead = 2,     // read_consumed was 0
  kFlagNonblocking = 4,   // O_NONBLOCK
  kFlagStaged = 8,        // do not read the program's memory: all there is is staged
  kFlagBadArgument = 16,  // kOpControl: the pointer could not be read
  kFlagPassedFiles = 32,  // descriptors in its payloads wait on the side socket (kFlagStaged only)
};

// Bytes of the program's memory that ride along. `place` counts from the mailbox's inline staging
// (below kInlineStagingBytes) or, with kLargePlace added, from its staging area.
struct StagedRange {
  std::uint64_t address = 0;
  std::uint32_t size = 0;
  std::uint32_t place = 0;
};
inline constexpr std::uint32_t kLargePlace = 1U << 31;
static_assert(sizeof(StagedRange) == 16 && kStagingBytes < kLargePlace);

struct MailboxRequest {
  std::uint32_t operation = 0;
  std::uint32_t flags = 0;
  std::uint32_t tid = 0;
  std::int32_t nice = 0;            // the thread's
  std::uint64_t address = 0;        // of the write buffer, behind write_consumed; or of the mapping
  std::uint64_t bytes = 0;          // there; commands are in `commands` if <= kInlineCommandBytes
  std::uint32_t read_capacity = 0;  // room in the read buffer, behind read_consumed
  std::uint32_t staged_ranges = 0;
  std::uint32_t ioctl_command = 0;  // kOpControl
  std::uint32_t reserved = 0;
};
static_assert(sizeof(MailboxRequest) == 48 && std::is_trivially_copyable_v<MailboxRequest>);

// Whether it is a read that may be posted.
inline bool is_waiting_read(const MailboxRequest& request) {
  constexpr std::uint32_t kWaits = kFlagReads | kFlagFreshRead;
  return request.operation == kOpWriteRead && request.bytes == 0 &&
         (request.flags & (kWaits | kFlagNonblocking)) == kWaits &&
         request.read_capacity >= kPostedReadBytes;
}

struct MailboxResponse {
  std::int32_t error = 0;            // 0 or a negative errno
  std::uint32_t drain = 0;           // take this many readiness messages off the binder descriptor
  std::uint64_t write_consumed = 0;  // of the commands
  std::uint64_t read_consumed = 0;   // bytes in `read`
  std::uint32_t install_count = 0;   // kInstall: descriptors on the side socket
  std::uint32_t close_count = 0;     // kDone: the first of `fds` are to be closed
  std::uint32_t sets_nice = 0;       // kDone: the thread's nice value becomes `nice`, if it may
  std::int32_t nice = 0;
  std::uint32_t wants_looper = 0;  // BR_SPAWN_LOOPER goes to the start of the program's buffer
  std::uint32_t reserved = 0;
};
static_assert(sizeof(MailboxResponse) == 48 && std::is_trivially_copyable_v<MailboxResponse>);

// A small call uses few cache lines: both processors have each of them in turn, and both have none
// when the thread has been idle for long.
struct alignas(64) Mailbox {
  // Line 0: what both sides watch, and with it the response.
  std::atomic<std::uint32_t> state;
  std::atomic<std::uint32_t> sleeping;
  std::atomic<std::uint32_t> owner;  // the program's: tid of the thread that has it, 0 is free
  std::atomic<std::uint32_t> may_post;
  MailboxResponse response;
  // Line 1: the request, and the first staged range. Written by the program, as what follows.
  MailboxRequest request;
  StagedRange staged[kMaxStagedRanges];
  alignas(64) std::byte commands[kInlineCommandBytes];
  std::byte staging[kInlineStagingBytes];
  std::byte argument[kArgumentBytes];  // both ways
  // Written by the agent (`fds` both ways).
  alignas(64) std::byte read[kReadBytes];
  std::int32_t fds[kMaxInstalledFds + 3];
};
static_assert(sizeof(Mailbox) <= kMailboxBytes);
static_assert(offsetof(Mailbox, request) == 64 && offsetof(Mailbox, staged) == 112);
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

struct alignas(64) ChannelHeader {
  std::atomic<std::uint32_t> agent_armed;
  std::atomic<std::uint32_t> pending_words;             // a bit for each word of `pending`
  std::atomic<std::uint64_t> pending[kMailboxes / 64];  // a bit for each mailbox
  std::uint64_t reserved[7];
};
static_assert(sizeof(ChannelHeader) == 128 && kMailboxes / 64 <= 32);

// What is used of a small call in mailbox 0 is in one page with the header.
inline constexpr std::uint64_t kMailboxesStart = sizeof(ChannelHeader);
static_assert(kMailboxesStart + offsetof(Mailbox, read) + 128 <= 4096);
inline constexpr std::uint64_t kStagingStart =
    kMailboxesStart + std::uint64_t{kMailboxes} * kMailboxBytes;
inline constexpr std::uint64_t kChannelBytes =
    kStagingStart + std::uint64_t{kMailboxes} * kStagingBytes;

// ---- side socket: program to agent ----

// Sent before a request with kFlagPassedFiles, with `count` descriptors: those that are in the
// program's table under the numbers `fds`.
struct PassMessage {
  std::uint32_t mailbox = 0;
  std::uint32_t count = 0;
  std::int32_t fds[kMaxInstalledFds] = {};
  std::int32_t reserved = 0;
};
static_assert(sizeof(PassMessage) == 8 + 4 * (kMaxInstalledFds + 1));

// ---- side socket: agent to program ----

// Goes with at most kMaxInstalledFds descriptors for the mailbox that is in kInstall.
struct InstallMessage {
  std::uint32_t mailbox = 0;
  std::uint32_t count = 0;
};
static_assert(sizeof(InstallMessage) == 8);

}  // namespace netbinder
