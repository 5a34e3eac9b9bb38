// SPDX-License-Identifier: Apache-2.0
//
// Constants of the service manager's protocols that are the same in all dialects.
#pragma once

#include <cstddef>
#include <cstdint>

namespace netbinder {

// The name of the manager itself, which nobody else can take, and the node that clients call.
inline constexpr const char* kManagerName = "manager";
inline constexpr std::uint64_t kManagerNode = 0x6e62736d;

// The messages between built-in managers: oneway calls of the node that the
// receiver has for the sender's host, so that no host can send them for
// another. Each begins with a name, except kPeerRefresh and those about
// programs.
inline constexpr std::uint32_t kPeerPublish = 1;   // here is the service
inline constexpr std::uint32_t kPeerAskUse = 2;    // does it have clients there? (number)
inline constexpr std::uint32_t kPeerWithdraw = 3;  // forget it, unless it has clients (number)
inline constexpr std::uint32_t kPeerForget = 6;    // the sender has lost its home: forget it
// About the receiver's services:
inline constexpr std::uint32_t kPeerUse = 4;     // the answer to 2 and 3 (number, whether used)
inline constexpr std::uint32_t kPeerLookup = 5;  // a client got it just now
// About the programs of the receiver: BINDER_FREEZE (number, pid, enable, milliseconds), and the answer
// (number, errno).
inline constexpr std::uint32_t kPeerFreeze = 8;
inline constexpr std::uint32_t kPeerFrozen = 9;
// A question of a user of the sender's host to the receiver's agent (number, uid, text); the next
// part of the answer, please (number, offset); a part (number, offset, size of the whole, text).
inline constexpr std::uint32_t kPeerQuestion = 10;
inline constexpr std::uint32_t kPeerFetch = 11;
inline constexpr std::uint32_t kPeerAnswer = 12;
// The sender can reach that host now (number): publish services with that home again.
inline constexpr std::uint32_t kPeerRefresh = 7;

// Exceptions of an AIDL reply.
inline constexpr std::int32_t kNoException = 0;
inline constexpr std::int32_t kSecurityException = -1;
inline constexpr std::uint32_t kRoot = 0;
inline constexpr std::int32_t kIllegalArgument = -3;
inline constexpr std::int32_t kNullPointer = -4;
inline constexpr std::int32_t kIllegalState = -5;
inline constexpr std::int32_t kUnsupported = -7;

// `dumpsys` selects services by these flags; addService carries them.
inline constexpr std::uint32_t kDumpDefault = 8;
inline constexpr std::uint32_t kLazyService = 1U << 30;  // Android 16: clients do not keep it

inline constexpr const char* kCallbackInterface = "android.os.IServiceCallback";
inline constexpr const char* kClientCallbackInterface = "android.os.IClientCallback";

inline constexpr std::size_t kMaxNameBytes = 127;

}  // namespace netbinder
