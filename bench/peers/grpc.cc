// SPDX-License-Identifier: Apache-2.0
//
// gRPC's synchronous C++ interface, without TLS.
#include <grpcpp/grpcpp.h>

#include <stdexcept>

#include "bench/peers/peer.h"
#include "echo.grpc.pb.h"

namespace netbinder::bench {

namespace {

class EchoServer final : public proto::Echo::Service {
 public:
  grpc::Status Take(grpc::ServerContext*, const proto::Request*, proto::Answer*) override {
    return grpc::Status::OK;
  }
};

class GrpcConnection final : public Connection {
 public:
  GrpcConnection(const std::string& address, std::size_t bytes)
      : stub_(proto::Echo::NewStub(
            grpc::CreateChannel(address, grpc::InsecureChannelCredentials()))) {
    request_.set_payload(std::string(bytes, 'x'));
  }
  void call() override {
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    proto::Answer answer;
    const grpc::Status status = stub_->Take(&context, request_, &answer);
    if (!status.ok()) throw std::runtime_error("a call failed: " + status.error_message());
  }

 private:
  std::unique_ptr<proto::Echo::Stub> stub_;
  proto::Request request_;
};

class GrpcPeer final : public Peer {
 public:
  [[nodiscard]] std::string name() const override { return "grpc"; }
  [[nodiscard]] std::string what() const override { return "gRPC, synchronous interface, no TLS"; }
  [[nodiscard]] bool has(Mode) const override { return true; }
  void serve(const Turn& turn,
             const std::function<void(const std::string&)>& ready) const override {
    const bool local = turn.point.mode == Mode::kLocal;
    const std::string path = "unix:" + turn.folder + "/socket";
    EchoServer service;
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort(local ? path : turn.server.host + ":0",
                             grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service);
    const auto server = builder.BuildAndStart();
    if (!server) throw std::runtime_error("the server does not start");
    ready(local ? path : turn.server.host + ":" + std::to_string(port));
    server->Wait();
  }
  [[nodiscard]] std::unique_ptr<Connection> connect(const Turn& turn,
                                                    const std::string& address) const override {
    return std::make_unique<GrpcConnection>(address, turn.point.bytes);
  }
};

}  // namespace

std::vector<const Peer*> peers() {
  static const GrpcPeer peer;
  return {&peer};
}

void prepare(char**) {}

}  // namespace netbinder::bench
