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
// Thread: the data-plane thread. It calls back only through `send`.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "core/wire/peer_message.h"
#include "node-agent/unique_fd.h"
#include "transport/limits.h"

namespace netbinder {

using FileContent = decltype(peer::FileMessage::content);

class FileRelay {
 public:
  struct Setup {
    ForeignFd fd;
    ForeignFd original = {};  // what the program passed, if fd is another open of the same pipe
    bool socket = false;
    bool packets = false;
    bool sends = false;
    bool takes = false;
    bool offered_here = false;  // fd is a copy of a program's
  };
  using Send = std::function<void(FileContent)>;

  FileRelay(Setup setup, Send send);

  [[nodiscard]] int fd() const { return setup_.fd.get(); }
  [[nodiscard]] bool over() const { return sending_ == Sending::kOver && taking_ == Taking::kOver; }

  // The program's own open file, at the end that offered it.
  [[nodiscard]] int original() const {
    return setup_.original ? setup_.original.get() : setup_.fd.get();
  }
  [[nodiscard]] bool socket() const { return setup_.socket; }
  // Whether no bytes were read at the end that offered it and not yet by a program at the other
  // end, as far as this end knows. Only then can the original file be used again.
  [[nodiscard]] bool nothing_between() const;
  // The other side of the descriptor here is closed.
  [[nodiscard]] bool hung_up() const;

  // At the end that offers: sends a copy of what can be read now, which stays in the file until the
  // other end has given its first credit.
  void send_ahead();
  // The program has its side now: the end that offered it may send. May be repeated.
  void program_has_it();
  // Reads nothing more from the file until go_on().
  void pause() { paused_ = true; }
  void go_on() {
    paused_ = false;
    run();
  }
  // Takes edge-triggered events of epoll.
  void ready(std::uint32_t events);
  // Takes messages of the peer. Returns how the peer broke the protocol, or null.
  const char* arrived(peer::FileData data);
  const char* arrived(const peer::FileCredit& credit);
  const char* arrived(const peer::FileEnd& end);
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
  bool may_read_ = true;
  bool may_write_ = true;
  bool may_have_hung_up_ = false;
  bool paused_ = false;
  bool given_ = false;                          // a program has it (not at the end that offered it)
  std::uint64_t credit_;                        // the bytes that may be sent
  std::uint64_t allowed_;                       // the bytes that the peer may send
  std::uint64_t owed_ = 0;                      // credit to be given
  // At the end that offered it: bytes that were sent and are still in the file. At the other end:
  // bytes that came ahead and are not written yet; no credit is given for them.
  std::uint64_t ahead_ = 0;
  bool closes_ = false;                         // the peer's side is closed, not only shut down
  std::deque<std::vector<std::byte>> waiting_;  // to be written
  std::size_t written_ = 0;                     // of the first
};

}  // namespace netbinder
