// SPDX-License-Identifier: Apache-2.0
//
// Cap'n Proto RPC with its two-party vat network, as EzRpc sets it up.
#include <capnp/ez-rpc.h>

#include <exception>

#include "bench/peers/echo.capnp.h"
#include "bench/peers/peer.h"

namespace netbinder::bench {

namespace {

class EchoServer final : public schema::Echo::Server {
 protected:
  kj::Promise<void> take(TakeContext context) override {
    (void)context.getParams().getPayload();
    return kj::READY_NOW;
  }
};

class CapnpConnection final : public Connection {
 public:
  CapnpConnection(const std::string& address, std::size_t bytes)
      : client_(address), echo_(client_.getMain<schema::Echo>()), payload_(bytes, std::byte{'x'}) {}
  // Those of Cap'n Proto may throw, which ends the process here.
  ~CapnpConnection() noexcept override {}
  void call() override {
    auto request = echo_.takeRequest(capnp::MessageSize{payload_.size() / 8 + 16, 1});
    request.setPayload({reinterpret_cast<const capnp::byte*>(payload_.data()), payload_.size()});
    (void)request.send().wait(client_.getWaitScope());
  }

 private:
  capnp::EzRpcClient client_;
  schema::Echo::Client echo_;
  std::vector<std::byte> payload_;
};

class CapnpPeer final : public Peer {
 public:
  [[nodiscard]] std::string name() const override { return "capnp"; }
  [[nodiscard]] std::string what() const override {
    return "Cap'n Proto RPC (EzRpc), a server with one thread";
  }
  [[nodiscard]] bool has(Mode mode) const override { return mode != Mode::kTls; }
  void serve(const Turn& turn,
             const std::function<void(const std::string&)>& ready) const override {
    const bool local = turn.point.mode == Mode::kLocal;
    const std::string path = "unix:" + turn.folder + "/socket";
    capnp::EzRpcServer server(kj::heap<EchoServer>(), local ? path : turn.server.host);
    if (local) {
      (void)server.getPort().wait(server.getWaitScope());  // it listens
      ready(path);
    } else {
      const auto port = server.getPort().wait(server.getWaitScope());
      ready(turn.server.host + ":" + std::to_string(port));
    }
    kj::NEVER_DONE.wait(server.getWaitScope());
  }
  [[nodiscard]] std::unique_ptr<Connection> connect(const Turn& turn,
                                                    const std::string& address) const override {
    return std::make_unique<CapnpConnection>(address, turn.point.bytes);
  }
};

}  // namespace

std::vector<const Peer*> peers() {
  static const CapnpPeer peer;
  return {&peer};
}

void prepare(char**) {}

}  // namespace netbinder::bench
