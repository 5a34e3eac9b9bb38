// SPDX-License-Identifier: Apache-2.0
//
// The messages between the cores of two hosts. Plain data: the transport encodes it (see
// transport/protocol.capnp, which documents who chooses each id and when it dies), the core
// decides. A message from a peer is untrusted input; the core checks every field before use.
//
// Calls and replies carry a payload beside the message: the image of the buffer as it lies in the
// receiver's arena, `PayloadShape::image_size()` bytes. The receiver allocates when the message
// arrives and the transport reads the bytes straight into place.
#pragma once

#include <boost/container/small_vector.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "core/base/ids.h"
#include "core/wire/payload_shape.h"
#include "core/wire/version.h"

namespace netbinder {

// A reference in a message. If the sender is the node's home, it has counted the reference for the
// receiver already and `handoff` is 0. If the receiver is the home, it names a handle that comes
// home. Otherwise a third host is the home, and the sender has told it of the handoff (Introduce),
// with which the receiver claims the reference. A node that the sender knows to be dead is counted
// and introduced nowhere: the receiver holds a dead reference.
struct WireNode {
  NodeIdentity node;
  bool strong = true;
  HandoffId handoff;
  bool dead = false;
  friend bool operator==(const WireNode&, const WireNode&) = default;
};

// A scatter-gather buffer (BINDER_TYPE_PTR): `length` bytes at `extra_offset` in the extra part,
// its address to be stored at `parent_offset` inside the buffer object number `parent_index`.
struct WireBuffer {
  std::uint64_t extra_offset = 0;
  std::uint64_t length = 0;
  bool has_parent = false;
  std::uint64_t parent_index = 0;
  std::uint64_t parent_offset = 0;
  friend bool operator==(const WireBuffer&, const WireBuffer&) = default;
};

// The most descriptors of one call or reply.
inline constexpr std::size_t kMaxFilesOfMessage = 253;

// A descriptor (BINDER_TYPE_FD). The sender has described it in an earlier FileMessage.
struct WireFile {
  FileNumber file;
  friend bool operator==(const WireFile&, const WireFile&) = default;
};

// Descriptors (BINDER_TYPE_FDA) at `parent_offset` inside the buffer object number `parent_index`.
struct WireFileArray {
  std::uint64_t parent_index = 0;
  std::uint64_t parent_offset = 0;
  std::vector<FileNumber> files;
  friend bool operator==(const WireFileArray&, const WireFileArray&) = default;
};

// An object of the parcel, at `offset` in its data.
struct WireObject {
  std::uint64_t offset = 0;
  std::variant<WireNode, WireBuffer, WireFile, WireFileArray> content;
  friend bool operator==(const WireObject&, const WireObject&) = default;
};

// The descriptors that an object brings or takes along.
inline std::span<const FileNumber> files_of(const WireObject& object) {
  if (const auto* one = std::get_if<WireFile>(&object.content)) return {&one->file, 1};
  if (const auto* array = std::get_if<WireFileArray>(&object.content)) return array->files;
  return {};
}

// A synchronous call some thread waits in: the calling host and its number for the call.
struct CallAncestor {
  HostId host;
  CallId call;
  friend bool operator==(const CallAncestor&, const CallAncestor&) = default;
};
// Nearest first. A call that is not nested has one, itself, which needs no allocation.
using CallAncestors = boost::container::small_vector<CallAncestor, 1>;

namespace peer {

// A call of a node whose home is the receiver. Ends with exactly one of Reply or CallFailed
// (synchronous), CallAccepted or CallFailed (oneway), or the end of the session.
struct Call {
  CallId call;
  NodeNumber target;
  ProcessId caller;  // as the sender numbers it; 0: unknown
  std::uint32_t code = 0;
  std::uint32_t flags = 0;  // TF_* of <linux/android/binder.h>
  std::uint32_t sender_euid = 0;
  std::int32_t nice = 0;          // of the calling thread, -20 to 19
  bool wants_acceptance = false;  // of a synchronous call: CallAccepted before its Reply
  std::string security_context;  // empty: made from the user (core/model/security_context.h)
  CallAncestors ancestors;
  PayloadShape shape;
  std::vector<WireObject> objects = {};  // ascending offsets
  // The call's ids, for those who follow calls; nothing else depends on them. 0: not told.
  TraceId trace = {};
  SpanId span = {};
  friend bool operator==(const Call&, const Call&) = default;
};

struct Reply {
  CallId call;
  ProcessId caller;  // as the call had it
  std::uint32_t code = 0;
  std::uint32_t flags = 0;
  std::uint32_t sender_euid = 0;
  PayloadShape shape;
  std::vector<WireObject> objects;
  friend bool operator==(const Reply&, const Reply&) = default;
};

// The call ended without a reply: `command` is BR_FAILED_REPLY, BR_DEAD_REPLY or BR_FROZEN_REPLY,
// `error` the negative errno of the extended error. `queued`: it was in the target's queue before.
struct CallFailed {
  CallId call;
  bool queued = false;
  std::uint32_t command = 0;
  std::int32_t error = 0;
  friend bool operator==(const CallFailed&, const CallFailed&) = default;
};

// The call is in the target's queue: `command` is what the caller reads, BR_TRANSACTION_COMPLETE
// or, of a oneway call, BR_TRANSACTION_PENDING_FROZEN or BR_ONEWAY_SPAM_SUSPECT.
struct CallAccepted {
  CallId call;
  std::uint32_t command = 0;
  friend bool operator==(const CallAccepted&, const CallAccepted&) = default;
};

// Gives back references the sender of this message received for a node of the receiver.
struct ReleaseRefs {
  NodeNumber node;
  std::uint64_t strong = 0;
  std::uint64_t weak = 0;
  friend bool operator==(const ReleaseRefs&, const ReleaseRefs&) = default;
};

// A node of the sender, which the receiver holds references to, has died.
struct NodeDied {
  NodeNumber node;
  friend bool operator==(const NodeDied&, const NodeDied&) = default;
};

// The sender, which holds a reference to a node of the receiver, passes one on to `recipient`, by
// that number. The receiver keeps one in escrow until the recipient claims it.
struct Introduce {
  NodeNumber node;
  bool strong = true;
  HostId recipient;
  HandoffId handoff;
  friend bool operator==(const Introduce&, const Introduce&) = default;
};

// The sender has introduced references to `recipient`, and has lost it since. The recipient will
// claim them soon or never.
struct RecipientLost {
  HostId recipient;
  friend bool operator==(const RecipientLost&, const RecipientLost&) = default;
};

// To an introducer, which a claim names whose introduction has not come: answered with
// IntroductionsSent.
struct AskIntroductions {
  friend bool operator==(const AskIntroductions&, const AskIntroductions&) = default;
};

// Every introduction that the sender had made when it was asked has been sent before this. One that
// has not come was lost with an earlier session.
struct IntroductionsSent {
  friend bool operator==(const IntroductionsSent&, const IntroductionsSent&) = default;
};

// The sender received a reference to a node of the receiver from `introducer`. If that host has
// introduced it, the receiver counts it for the sender. The receiver answers with a ClaimResult
// with the same handoff and introducer once it knows.
struct ClaimRef {
  NodeNumber node;
  bool strong = true;
  HostId introducer;
  HandoffId handoff;
  friend bool operator==(const ClaimRef&, const ClaimRef&) = default;
};

struct ClaimResult {
  NodeNumber node;
  bool strong = true;
  HostId introducer;
  HandoffId handoff;
  bool alive = false;  // false: nothing was counted, the reference is dead
  friend bool operator==(const ClaimResult&, const ClaimResult&) = default;
};

// The sender, which holds references to a node of the receiver, wants to know whether the node's
// owner is frozen: answered by FreezeState, now and at every change, while it holds them.
struct WatchFreeze {
  NodeNumber node;
  friend bool operator==(const WatchFreeze&, const WatchFreeze&) = default;
};

struct FreezeState {
  NodeNumber node;
  bool frozen = false;
  friend bool operator==(const FreezeState&, const FreezeState&) = default;
};

// To the arbiter of context managers (the first host of the configuration): may a process of the
// sender become the manager of the context? Answered by ContextClaimResult.
struct ClaimContext {
  std::string context;
  std::uint32_t euid = 0;  // of the claimant
  ListNumber list = {};    // under which it is claimed; 0: not numbered, or not told
  friend bool operator==(const ClaimContext&, const ClaimContext&) = default;
};

struct ContextClaimResult {
  std::string context;
  bool granted = false;
  bool forbidden = false;  // not granted because the arbiter's policy denies it
  // Not granted because the lists of hosts differ, or may: nothing has been decided.
  bool other_list = false;
  friend bool operator==(const ContextClaimResult&, const ContextClaimResult&) = default;
};

// To the arbiter: the sender's claim of the context is over.
struct ContextReleased {
  std::string context;
  friend bool operator==(const ContextReleased&, const ContextReleased&) = default;
};

// From the arbiter to every other peer: the holder's claim holds, in this incarnation of it, or
// holds no more. Managers of other hosts are used only after this. To the holder itself if the
// arbiter has the claim from an earlier one: the holder releases it if it has no such manager.
struct ContextHolder {
  std::string context;
  HostId holder;
  Incarnation incarnation;
  bool holds = false;
  friend bool operator==(const ContextHolder&, const ContextHolder&) = default;
};

// To every peer: the sender's manager of the context is this node of its own, counted for the
// receiver as one strong reference. Ends with NodeDied.
struct ContextManager {
  std::string context;
  WireNode node;
  std::uint32_t euid = 0;  // of the manager
  friend bool operator==(const ContextManager&, const ContextManager&) = default;
};

// To every peer: the sender's built-in service manager of the context, counted likewise.
struct ServiceManager {
  std::string context;
  WireNode node;
  friend bool operator==(const ServiceManager&, const ServiceManager&) = default;
};

// To every peer, if the sender's list of hosts is numbered: at the beginning of the session, and
// whenever one of the two has changed. A host that has sent a `newest` grants no claim by an older
// list any more, and every grant that it has made before was sent before this.
struct HostList {
  ListNumber number;  // of the sender's list, not 0
  ListNumber newest;  // of all lists that the sender knows of
  friend bool operator==(const HostList&, const HostList&) = default;
};

// ---- Descriptors. These are between the agents: a core never sees one, only the FileNumbers. ----

// The kind of a descriptor that the next Call or Reply of the sender names.
struct FileOffered {
  enum class Kind : std::uint8_t {
    kStream,   // bytes: a pipe's end if it goes one way, a stream socket otherwise
    kPackets,  // a socket that keeps the boundaries of messages
    kContent,  // a file's bytes, which follow at once, all of them
    kCounter,  // an eventfd: data are changes of its count; `position` is the count, `size` 1 for one
               // that is read by ones
  };
  Kind kind = Kind::kStream;
  bool readable = false;  // by the receiver's program; of a stream or packets
  bool writable = false;
  bool nonblocking = false;    // O_NONBLOCK
  std::uint64_t position = 0;  // of the content
  std::uint64_t size = 0;
  // A stream or packets that one of the two has offered the other before, and that may not have
  // ended: it is the same open file. 0: none is known.
  FileNumber same_as = {};
  bool returns = false;  // same_as is the receiver's number: the file comes home
  friend bool operator==(const FileOffered&, const FileOffered&) = default;
};

// Bytes of a stream, one packet, or the next piece of a content.
struct FileData {
  std::vector<std::byte> bytes;
  friend bool operator==(const FileData&, const FileData&) = default;
};

// This much more may be sent: the receiver's program has taken as much.
struct FileCredit {
  std::uint64_t bytes = 0;
  friend bool operator==(const FileCredit&, const FileCredit&) = default;
};

struct FileEnd {
  enum class What : std::uint8_t {
    kNoMoreSent,   // the sender's programs write no more
    kNoMoreTaken,  // the sender's programs read no more: what is sent is thrown away
    kClosed,       // both: the sender's programs have closed it
  };
  What what = What::kClosed;
  friend bool operator==(const FileEnd&, const FileEnd&) = default;
};

struct FileMessage {
  FileNumber file;
  bool of_receiver = false;  // the number is the receiver's, who offered it
  std::variant<FileOffered, FileData, FileCredit, FileEnd> content;
  friend bool operator==(const FileMessage&, const FileMessage&) = default;
};

}  // namespace peer

using PeerMessage =
    std::variant<peer::Call, peer::Reply, peer::CallFailed, peer::CallAccepted, peer::ReleaseRefs,
                 peer::NodeDied, peer::ClaimRef, peer::ClaimResult, peer::Introduce,
                 peer::RecipientLost, peer::AskIntroductions, peer::IntroductionsSent,
                 peer::ClaimContext, peer::ContextClaimResult, peer::ContextReleased,
                 peer::ContextHolder, peer::ContextManager, peer::ServiceManager, peer::WatchFreeze,
                 peer::FreezeState, peer::FileMessage, peer::HostList>;

// The first version that has it. Calls and replies, which nearly all are, come first.
[[nodiscard]] inline WireVersion first_version_of(const PeerMessage& message) {
  if (const auto* call = std::get_if<peer::Call>(&message)) {
    const bool of_5 = call->trace != TraceId{} || call->span != SpanId{};
    return of_5 ? WireVersion{5} : kOldestVersion;
  }
  if (std::holds_alternative<peer::Reply>(message)) return kOldestVersion;
  bool of_6 = std::holds_alternative<peer::HostList>(message);
  if (const auto* claim = std::get_if<peer::ClaimContext>(&message)) {
    of_6 = claim->list != ListNumber{};
  } else if (const auto* result = std::get_if<peer::ContextClaimResult>(&message)) {
    of_6 = result->other_list;
  }
  if (of_6) return WireVersion{6};
  const bool of_5 = std::holds_alternative<peer::AskIntroductions>(message) ||
                    std::holds_alternative<peer::IntroductionsSent>(message);
  return of_5 ? WireVersion{5} : kOldestVersion;
}

}  // namespace netbinder
