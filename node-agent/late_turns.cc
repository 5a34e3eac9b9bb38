// SPDX-License-Identifier: Apache-2.0
#include "node-agent/late_turns.h"

#include <fmt/format.h>

#include <utility>

namespace netbinder {

TurnWork operator-(const TurnWork& total, const TurnWork& before) {
  return {.hellos = total.hellos - before.hellos,
          .requests = total.requests - before.requests,
          .request_bytes = total.request_bytes - before.request_bytes,
          .messages_received = total.messages_received - before.messages_received,
          .messages_sent = total.messages_sent - before.messages_sent,
          .payload_bytes = total.payload_bytes - before.payload_bytes};
}

std::string LateTurn::text() const {
  std::string text = fmt::format(
      "a turn of the data plane took {}.{:03} ms: {} hellos, {} requests with {} bytes, {} "
      "messages "
      "received, {} sent, {} bytes of payloads",
      took_ns / 1'000'000, took_ns / 1000 % 1000, work.hellos, work.requests, work.request_bytes,
      work.messages_received, work.messages_sent, work.payload_bytes);
  if (work == TurnWork{})
    text += " (timers, relays of descriptors, the admin socket, or no processor)";
  if (suppressed > 0) text += fmt::format("; {} more were not reported", suppressed);
  return text;
}

std::optional<LateTurn> LateTurns::turn_ended(std::uint64_t begin_ns, std::uint64_t end_ns,
                                              const TurnWork& total) {
  const TurnWork before = std::exchange(before_, total);
  times_.add(end_ns > begin_ns ? end_ns - begin_ns : 0);
  if (end_ns < begin_ns + kLateNs) return std::nullopt;
  ++late_;
  if (reported_ns_ && end_ns < *reported_ns_ + kIntervalNs) {
    ++suppressed_;
    return std::nullopt;
  }
  reported_ns_ = end_ns;
  return LateTurn{.took_ns = end_ns - begin_ns,
                  .work = total - before,
                  .suppressed = std::exchange(suppressed_, 0)};
}

}  // namespace netbinder
