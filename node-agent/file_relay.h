// SPDX-License-Identifier: Apache-2.0
//
// One end of a pipe or socket that has travelled to another host; the other end is a FileRelay of
// that host's agent. At the end that offered it, the descriptor is a copy of the program's own. At
// the other end it is one side of a fresh pipe or socketpair, whose other side the program has.
//
// There are two directions, each of which ends at its own time:
//
//   sending   bytes read here go to the peer. Over when the end has been read, or the peer takes no
//             more.
//   taking    bytes from the peer are written here. Over when the peer's last byte is written, or
//             nobody here reads any more.
//
// Nothing here blocks, and O_NONBLOCK is never set on a description shared with a program: sockets
// are used with MSG_DONTWAIT, and a pipe is opened anew. A direction holds kFileWindowBytes at
// most, so a program that reads slowly stops the writer, as with a single pipe.
//
// Whatever is done with the descriptor can wait, once a program has its other side: a pipe's lock is
// held while a page of the program's faults. So from then on a FileWorker has the relay; until then
// the data plane has it. What the peer sends has been checked (RelayProtocol).
//
// Thread: its owner's. It calls back only through `send`.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "core/wire/peer_message.h"
#include "node-agent/unique_fd.h"
#include "transport/limits.h"

namespace netbinder {

using FileContent = decltype(peer::FileMessage::content);

// Between a relay and the data plane: a file that comes home is the original again, if nothing is
// taken from it meanwhile. Any thread.
class RelayGate {
 public:
  // The relay takes bytes out of the file; false if it may not now.
  [[nodiscard]] bool begin_reading() { return change(State::kOpen, State::kReading); }
  void end_reading() { (void)change(State::kReading, State::kOpen); }
  // The data plane. False while something is read: then what was read is about to be sent.
  [[nodiscard]] bool close() { return change(State::kOpen, State::kClosed); }
  void open() { (void)change(State::kClosed, State::kOpen); }

  // Bytes have been sent that are still in the file.
  void set_ahead(bool ahead) { ahead_.store(ahead, std::memory_order_release); }
  [[nodiscard]] bool ahead() const { return ahead_.load(std::memory_order_acquire); }

 private:
  enum class State : std::uint8_t { kOpen, kReading, kClosed };
  bool change(State from, State to) {
    return state_.compare_exchange_strong(from, to, std::memory_order_acq_rel);
  }
  std::atomic<State> state_ = State::kOpen;
  std::atomic<bool> ahead_ = false;
};

class FileRelay {
 public:
  struct Setup {
    ForeignFd fd;
    // The file that the program has at this end, for the data plane, which duplicates it.
    std::shared_ptr<const ForeignFd> original = {};
    std::shared_ptr<RelayGate> gate = {};
    bool socket = false;
    bool packets = false;
    bool sends = false;
    bool takes = false;
    bool offered_here = false;  // fd is a copy of a program's
  };
  using Send = std::function<void(FileContent)>;

  FileRelay(Setup setup, Send send);

  // Another thread has it from now on.
  void set_send(Send send) { send_ = std::move(send); }

  [[nodiscard]] int fd() const { return setup_.fd ? setup_.fd.get() : setup_.original->get(); }
  [[nodiscard]] bool over() const { return sending_ == Sending::kOver && taking_ == Taking::kOver; }

  // At the end that did not offer it: whether all that has come was read by a program here.
  [[nodiscard]] bool nothing_unread() const;
  // The other side of the descriptor here is closed.
  [[nodiscard]] bool hung_up() const;

  // At the end that offers: a copy of that many bytes has been sent, which stay in the file until
  // the other end has given its first credit.
  void went_ahead(std::size_t bytes);
  // The program has its side now: the credit for it has been given. May be repeated.
  void program_has_it() { given_ = true; }
  // The gate is open again.
  void go_on() { run(); }
  // Takes edge-triggered events of epoll.
  void ready(std::uint32_t events);
  // Takes messages of the peer.
  void arrived(peer::FileData data);
  void arrived(const peer::FileCredit& credit);
  void arrived(const peer::FileEnd& end);
  // Reports to the peer that this end is closed.
  void close();

 private:
  enum class Sending { kOpen, kOver };
  enum class Taking { kOpen, kEnding, kOver };

  [[nodiscard]] std::uint64_t cost(std::size_t bytes) const {
    return bytes + (setup_.packets ? limits::kPacketCost : 0);
  }
  void take_what_went_ahead();
  void end_if_hung_up();
  void run();
  void read_all();
  // Each does one piece; false if none can be done now.
  bool send_piece();
  bool send_packet();
  bool write_piece();
  void end_read();
  void write_failed(int error);
  void last_piece_written();
  void give_credit();
  void tell(peer::FileEnd::What what) { send_(peer::FileEnd{what}); }

  Setup setup_;
  Send send_;
  Sending sending_;
  Taking taking_;
  bool may_read_ = false;  // whoever watches it is told at once if there is something
  bool may_write_ = true;
  bool may_have_hung_up_ = false;
  bool given_ = false;                          // a program has it (not at the end that offered it)
  std::uint64_t credit_;                        // the bytes that may be sent
  std::uint64_t owed_ = 0;                      // credit to be given
  // At the end that offered it: bytes that were sent and are still in the file. At the other end:
  // bytes that came ahead and are not written yet; no credit is given for them.
  std::uint64_t ahead_ = 0;
  bool closes_ = false;                         // the peer's side is closed, not only shut down
  std::deque<std::vector<std::byte>> waiting_;  // to be written
  std::size_t written_ = 0;                     // of the first
};

}  // namespace netbinder
