// SPDX-License-Identifier: Apache-2.0
//
// One end of a relay as the data plane knows it: what the peer may send, and whether anything is on
// its way. The descriptor itself is used by others (FileRelay, FileCounter), perhaps on another
// thread and perhaps later, so everything of a peer's is checked here before it is passed on: what
// waits for a thread that is stuck is bounded by this.
//
// Thread: the data-plane thread.
#pragma once

#include <cstdint>
#include <utility>

#include "core/wire/peer_message.h"
#include "transport/limits.h"

namespace netbinder {

class RelayProtocol {
 public:
  struct Setup {
    peer::FileOffered::Kind kind = peer::FileOffered::Kind::kStream;
    bool sends = false;  // from here to the peer
    bool takes = false;
    bool offered_here = false;
  };

  RelayProtocol() = default;
  explicit RelayProtocol(const Setup& setup)
      : setup_(setup),
        credit_(setup.offered_here ? 0 : window()),
        allowed_(setup.offered_here ? window()
                 : counter()        ? 0
                                    : limits::kFileAheadBytes) {}

  // Whether data of the peer's are thrown away: it may not know yet that nobody reads here.
  [[nodiscard]] bool throws_data_away() const { return takes_no_more_ && setup_.takes; }

  // ---- messages of the peer: how it broke the protocol, or null ----
  const char* arrives(const peer::FileData& data) {
    if (!setup_.takes || peer_sent_all_) return "data of a descriptor that ended";
    if (counter() ? data.bytes.size() != sizeof(std::uint64_t)
                  : data.bytes.empty() && setup_.kind != peer::FileOffered::Kind::kPackets) {
      return "data of a descriptor that are none";
    }
    const std::uint64_t bytes = cost(data);
    if (bytes > allowed_) return "more data of a descriptor than allowed";
    allowed_ -= bytes;
    return nullptr;
  }
  const char* arrives(const peer::FileCredit& credit) {
    if (!setup_.sends) return "credit for a descriptor that is not read";
    if (credit.bytes == 0 || credit.bytes > window() - credit_) return "too much credit";
    credit_ += credit.bytes;
    return nullptr;
  }
  const char* arrives(const peer::FileEnd& end) {
    if (end.what != peer::FileEnd::What::kNoMoreTaken) peer_sent_all_ = true;
    if (end.what != peer::FileEnd::What::kNoMoreSent) sent_all_ = true;
    const unsigned bit = 1U << static_cast<unsigned>(end.what);
    if ((ends_ & bit) != 0) return "a descriptor that ends twice";
    ends_ |= bit;
    return nullptr;
  }

  // ---- messages to the peer ----
  void sends(const peer::FileOffered& /*offer*/) {}
  void sends(const peer::FileData& data) { credit_ -= cost(data); }
  void sends(const peer::FileCredit& credit) { allowed_ += credit.bytes; }
  void sends(const peer::FileEnd& end) {
    if (end.what != peer::FileEnd::What::kNoMoreTaken) sent_all_ = true;
    if (end.what != peer::FileEnd::What::kNoMoreSent) takes_no_more_ = true;
  }
  // A program here has it, at the end that did not offer it. Returns the credit to send, once.
  std::uint64_t given() {
    if (setup_.offered_here || !setup_.takes || std::exchange(given_, true)) return 0;
    allowed_ = window();
    return takes_no_more_ ? 0 : allowed_;
  }

  // At the end that offered it: whether all that was sent has been taken there.
  [[nodiscard]] bool nothing_sent_waits() const {
    return !setup_.sends || sent_all_ || credit_ == window();
  }

 private:
  [[nodiscard]] bool counter() const { return setup_.kind == peer::FileOffered::Kind::kCounter; }
  [[nodiscard]] std::uint64_t window() const {
    return counter() ? limits::kCounterChanges : limits::kFileWindowBytes;
  }
  [[nodiscard]] std::uint64_t cost(const peer::FileData& data) const {
    if (counter()) return 1;
    const bool packets = setup_.kind == peer::FileOffered::Kind::kPackets;
    return data.bytes.size() + (packets ? limits::kPacketCost : 0);
  }

  Setup setup_;
  std::uint64_t credit_ = 0;   // what may be sent to the peer
  std::uint64_t allowed_ = 0;  // what the peer may send
  bool given_ = false;
  bool sent_all_ = false;  // nothing more goes to the peer
  bool peer_sent_all_ = false;
  bool takes_no_more_ = false;
  unsigned ends_ = 0;  // those that the peer has told, a bit for each
};

}  // namespace netbinder
