// SPDX-License-Identifier: Apache-2.0
//
// The configuration of a transport, given when it is made. Plain data; whoever fills it in has
// validated names and numbers against transport/limits.h.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/ids.h"
#include "core/wire/version.h"
#include "transport/limits.h"

namespace netbinder {

struct SessionTiming {
  std::uint32_t timeout_ms = 5000;    // a session without a link for this long is given up
  std::uint32_t heartbeat_ms = 500;   // silence of ours after which a heartbeat is sent
  std::uint32_t suspect_ms = 2000;    // silence of the peer after which the link is closed
  std::uint32_t handshake_ms = 3000;  // connecting, and each handshake, takes no longer
  std::uint32_t ack_delay_ms = 250;   // an acknowledgement waits this long for a message to ride on

  // The time at which to do what is due at `due_ms`: not earlier, and later by at most an eighth of
  // a heartbeat and a quarter of the acknowledgement delay. All sessions share these times, so a
  // host with many of them wakes once for all; otherwise each would wake it at times of its own.
  [[nodiscard]] std::uint64_t common_time_ms(std::uint64_t due_ms) const {
    const std::uint64_t step_ms = std::min(heartbeat_ms / 8, ack_delay_ms / 4);
    if (step_ms == 0 || due_ms > UINT64_MAX - step_ms) return due_ms;
    return (due_ms + step_ms - 1) / step_ms * step_ms;
  }
};

struct SessionLimits {
  std::uint64_t in_flight_bytes = limits::kMaxInFlightBytes;
  std::uint64_t in_flight_messages = limits::kMaxInFlightMessages;
  std::uint64_t backlog_bytes = limits::kMaxBacklogBytes;
  std::uint64_t backlog_messages = limits::kMaxBacklogMessages;
};

struct PeerConfig {
  HostId id;
  std::string name;
  std::string address;  // "ip:port", "[ipv6]:port" or "name:port"
};

// PEM files: either the first three are given or none.
struct TlsConfig {
  std::string certificate;  // ours, for our host name, with the chain up to the ca
  std::string key;
  std::string ca;  // who signs the certificates of the cluster
  std::string crl = {};  // optional: which of them it has revoked

  [[nodiscard]] bool enabled() const { return !certificate.empty(); }
};

// Whether messages go over RDMA to hosts that have a device as well.
enum class RdmaUse {
  kNever,
  kIfPossible,  // there is a device, and without TLS
  kRequired,    // here: without a device the transport cannot be made. With TLS, too.
};

struct RdmaConfig {
  RdmaUse use = RdmaUse::kIfPossible;
  std::string device;      // empty: the first one with an active port
  std::uint32_t port = 0;  // 0: its first active one
  int gid_index = -1;      // -1: an IPv4 address of RoCE v2, or the best there is
  // Memory for payloads on their way to one host.
  std::uint64_t staging_bytes = 8ULL << 20;
  // Bounds arenas, staging and segments together. Payloads beyond it take other ways.
  std::uint64_t max_registered_bytes = 1ULL << 30;
  std::uint32_t retry_min_ms = 1000;  // first wait after a queue pair has failed; doubles up to …
  std::uint32_t retry_max_ms = 60'000;
};

struct TransportConfig {
  HostId host;
  std::string host_name;
  Incarnation incarnation;
  WireVersion newest_version = kNewestVersion;  // that it speaks; for tests, as an older agent's
  std::string cluster = "default";
  std::string listen_address;  // as in PeerConfig; empty: accepts nobody
  std::vector<PeerConfig> peers;
  // Whether there may be peers later: it listens although there are none yet.
  bool peers_come = false;
  SessionTiming timing;
  SessionLimits limits;
  std::uint32_t reconnect_min_ms = 50;  // first wait after a link is lost; doubles up to …
  std::uint32_t reconnect_max_ms = 1000;
  // Unless this is set, only a loopback address is accepted without certificates, and nobody at all
  // without either certificates or a key.
  bool insecure = false;
  std::string cluster_key;  // the secret itself; empty: none
  TlsConfig tls;
  RdmaConfig rdma;
};

}  // namespace netbinder
