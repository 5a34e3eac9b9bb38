// SPDX-License-Identifier: Apache-2.0
//
// The plainest peers: a ping-pong over a stream socket, with a thread of the server for each
// connection. One blocks in recv, the other looks again and again and gives the processor away
// between looks.
#include <sched.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <thread>

#include "bench/peers/peer.h"
#include "bench/peers/stream_socket.h"

namespace netbinder::bench {

namespace {

enum class Waiting : std::uint8_t { kBlocking, kPolling };

class Stream {
 public:
  Stream(Socket socket, Waiting waiting)
      : socket_(std::move(socket)), flags_(waiting == Waiting::kPolling ? MSG_DONTWAIT : 0) {}

  // As much as has arrived, up to `size`; 0 at the end of the stream.
  std::size_t receive_some(char* into, std::size_t size) const {
    for (;;) {
      const ssize_t got = ::recv(socket_.fd(), into, size, flags_);
      if (got >= 0) return static_cast<std::size_t>(got);
      look_again("cannot receive");
    }
  }

  void send(const char* from, std::size_t size) const {
    while (size > 0) {
      const ssize_t put = ::send(socket_.fd(), from, size, flags_ | MSG_NOSIGNAL);
      if (put < 0) {
        look_again("cannot send");
        continue;
      }
      from += put;
      size -= static_cast<std::size_t>(put);
    }
  }

 private:
  static void look_again(const char* what) {
    if (errno != EAGAIN && errno != EINTR) fail(what);
    ::sched_yield();
  }

  Socket socket_;
  int flags_;
};

// A request is its length and so many bytes. An answer is one length, which is 0.
using Length = std::uint32_t;

void serve_connection(const Stream& stream, std::size_t most) {
  std::vector<char> buffer(sizeof(Length) + most);
  for (;;) {
    std::size_t got = 0;
    std::size_t wanted = sizeof(Length);
    while (got < wanted) {
      const std::size_t more = stream.receive_some(buffer.data() + got, buffer.size() - got);
      if (more == 0) return;
      got += more;
      if (got < sizeof(Length)) continue;
      Length length = 0;
      std::memcpy(&length, buffer.data(), sizeof length);
      wanted = sizeof length + length;
      if (wanted > buffer.size()) throw std::runtime_error("a request is too long");
    }
    const Length nothing = 0;
    stream.send(reinterpret_cast<const char*>(&nothing), sizeof nothing);
  }
}

class SocketConnection final : public Connection {
 public:
  SocketConnection(Stream stream, std::size_t bytes)
      : stream_(std::move(stream)), request_(sizeof(Length) + bytes, 'x') {
    const auto length = static_cast<Length>(bytes);
    std::memcpy(request_.data(), &length, sizeof length);
  }
  void call() override {
    stream_.send(request_.data(), request_.size());
    Length answer = 0;
    for (std::size_t got = 0; got < sizeof answer;) {
      const std::size_t more =
          stream_.receive_some(reinterpret_cast<char*>(&answer) + got, sizeof answer - got);
      if (more == 0) throw std::runtime_error("the server has hung up");
      got += more;
    }
  }

 private:
  Stream stream_;
  std::vector<char> request_;
};

class SocketPeer final : public Peer {
 public:
  explicit SocketPeer(Waiting waiting) : waiting_(waiting) {}
  [[nodiscard]] std::string name() const override {
    return waiting_ == Waiting::kPolling ? "socket-polled" : "socket";
  }
  [[nodiscard]] std::string what() const override {
    return waiting_ == Waiting::kPolling
               ? "ping-pong over a stream socket, which both sides poll (recv with MSG_DONTWAIT, "
                 "sched_yield)"
               : "ping-pong over a stream socket, both sides block in recv";
  }
  [[nodiscard]] bool has(Mode mode) const override { return mode != Mode::kTls; }
  void serve(const Turn& turn,
             const std::function<void(const std::string&)>& ready) const override {
    const bool local = turn.point.mode == Mode::kLocal;
    const Socket listening = Socket::listen(turn.folder, local ? "" : turn.server.host);
    ready(listening.address());
    for (;;) {
      std::thread([this, bytes = turn.point.bytes, stream = Stream(listening.accept(), waiting_)] {
        try {
          serve_connection(stream, bytes);
        } catch (const std::exception& error) {
          std::fprintf(stderr, "%s\n", error.what());
        }
      }).detach();
    }
  }
  [[nodiscard]] std::unique_ptr<Connection> connect(const Turn& turn,
                                                    const std::string& address) const override {
    return std::make_unique<SocketConnection>(Stream(Socket::connect(address), waiting_),
                                              turn.point.bytes);
  }

 private:
  Waiting waiting_;
};

}  // namespace

std::vector<const Peer*> peers() {
  static const SocketPeer blocking(Waiting::kBlocking);
  static const SocketPeer polling(Waiting::kPolling);
  return {&blocking, &polling};
}

void prepare(char**) {}

}  // namespace netbinder::bench
