// SPDX-License-Identifier: Apache-2.0
//
// Frames over one Stream. Reads ahead into a buffer. Payloads go straight to their destination: the
// bytes that were read ahead are copied, the system call that reads the rest puts them there.
// Writes gather frames from where the session keeps them.
//
// Arrivals are found in one of two ways: the stream's wait, which the event loop ends; or, while the
// owner says that it looks by itself, poll().
//
// Owned by shared_ptr: by its owner until that closes it, and by the waits in progress.
//
// States: open ── close() ──→ closed. A closed connection no longer calls its owner.
//
// Thread: the data-plane thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "transport/session.h"
#include "transport/tcp/stream.h"

namespace netbinder::tcp {

class Connection;

class ConnectionOwner {
 public:
  virtual ~ConnectionOwner() = default;
  // The stream can be used.
  virtual void opened(Connection& connection) = 0;
  // Some bytes have arrived; calls for what they complete follow.
  virtual void heard(Connection& connection) = 0;
  // Whether the owner calls poll() again and again from now on, until it calls watch().
  [[nodiscard]] virtual bool polls(Connection& /*connection*/) { return false; }
  virtual FrameOutcome frame_arrived(Connection& connection, Frame frame,
                                     std::uint64_t payload_bytes) = 0;
  virtual FrameOutcome payload_arrived(Connection& connection) = 0;
  // Everything that was read has been handed over.
  virtual void settle(Connection& connection) = 0;
  virtual std::shared_ptr<const OutgoingFrame> next_frame(Connection& connection) = 0;
  // The connection cannot be used any more; the owner closes it. `broke_protocol`: the bytes that
  // arrived were not a frame.
  virtual void failed(Connection& connection, const std::string& reason, bool broke_protocol) = 0;
};

struct ConnectionCounters {
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
};

class Connection : public StreamEvents, public std::enable_shared_from_this<Connection> {
 public:
  Connection(boost::asio::any_io_executor executor, std::unique_ptr<Stream> stream,
             ConnectionOwner& owner, std::string remote);

  // Begins; opened() or failed() of the owner follows.
  void start();
  // Changes the owner, even from inside one of the owner's functions.
  void set_owner(ConnectionOwner& owner) { owner_ = &owner; }
  // From now on frames may be as long as those of a session.
  void allow_session_frames() { max_message_bytes_ = limits::kMaxMessageBytes; }
  // Writes the owner's frames. Failures are reported from the event loop.
  void pump();
  // Writes this frame before the owner's next one.
  void write(std::shared_ptr<const OutgoingFrame> frame);
  // Reads what has arrived. Whether there was anything.
  bool poll();
  // From here on the event loop tells of arrivals.
  void watch();
  void close();

  [[nodiscard]] bool closed() const { return closed_; }
  // Whether the stream's own handshake is done.
  [[nodiscard]] bool opened() const { return open_; }
  [[nodiscard]] StreamFacts facts() const { return closed_ ? StreamFacts{} : stream_->facts(); }
  [[nodiscard]] bool peer_is(const std::string& host_name) const {
    return stream_->peer_is(host_name);
  }
  [[nodiscard]] const std::string& remote() const { return remote_; }
  [[nodiscard]] const ConnectionCounters& counters() const { return counters_; }

 private:
  void ready(const boost::system::error_code& error) override;
  void readable() override;
  void writable() override;

  // Whether there may be more.
  bool read();
  // The first `direct` of them went to the payload's final place, the rest into the buffer.
  void read_bytes(std::size_t bytes, std::size_t direct);
  void process();
  bool process_payload();
  bool process_frame();
  void apply(FrameOutcome outcome, std::uint64_t payload_bytes);
  void make_space(std::size_t bytes);
  void fill_batch();
  void written(std::size_t bytes);
  void fail_later(std::string reason);

  [[nodiscard]] std::size_t available() const { return end_ - begin_; }

  boost::asio::any_io_executor executor_;
  std::unique_ptr<Stream> stream_;
  ConnectionOwner* owner_;
  const std::string remote_;
  ConnectionCounters counters_;
  bool open_ = false;
  bool closed_ = false;

  // Reading. The bytes [begin_, end_) of buffer_ were read and are not used yet.
  std::vector<std::byte> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint32_t max_message_bytes_ = limits::kMaxHandshakeMessageBytes;
  bool stopped_ = false;                 // the owner wants nothing more
  std::uint64_t payload_remaining_ = 0;  // bytes of the payload still to come
  PayloadDestination destination_;       // of that payload
  bool watching_ = false;                // for arrivals

  // Writing. The frames of batch_ are being written; batch_offset_ bytes of them have been.
  std::vector<std::shared_ptr<const OutgoingFrame>> batch_;
  std::vector<boost::asio::const_buffer> batch_buffers_;
  std::size_t batch_offset_ = 0;
  bool writing_ = false;  // the stream takes nothing at the moment
};

}  // namespace netbinder::tcp
