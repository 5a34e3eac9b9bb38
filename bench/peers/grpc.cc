// SPDX-License-Identifier: Apache-2.0
//
// gRPC's synchronous C++ interface, without TLS: generated stubs, once with empty answers as others
// have them, and once as an echo.
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
  grpc::Status EchoText(grpc::ServerContext*, const proto::Text* request,
                        proto::Text* answer) override {
    answer->set_text(request->text());
    return grpc::Status::OK;
  }
  grpc::Status EchoBytes(grpc::ServerContext*, const proto::Request* request,
                         proto::Request* answer) override {
    answer->set_payload(request->payload());
    return grpc::Status::OK;
  }
};

class GrpcConnection : public Connection {
 public:
  explicit GrpcConnection(const std::string& address)
      : stub_(proto::Echo::NewStub(
            grpc::CreateChannel(address, grpc::InsecureChannelCredentials()))) {}

 protected:
  // One of the stub's methods.
  template <typename Method, typename Request, typename Answer>
  void call_method(const Method& method, const Request& request, Answer& answer) {
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    const grpc::Status status = (stub_.get()->*method)(&context, request, &answer);
    if (!status.ok()) throw std::runtime_error("a call failed: " + status.error_message());
  }

 private:
  std::unique_ptr<proto::Echo::Stub> stub_;
};

class TakeConnection final : public GrpcConnection {
 public:
  TakeConnection(const std::string& address, std::size_t bytes) : GrpcConnection(address) {
    request_.set_payload(std::string(bytes, 'x'));
  }
  void call() override {
    proto::Answer answer;
    call_method(&proto::Echo::Stub::Take, request_, answer);
  }

 private:
  proto::Request request_;
};

class EchoConnection final : public GrpcConnection {
 public:
  EchoConnection(const std::string& address, std::size_t bytes)
      : GrpcConnection(address), is_text_(bytes <= kMostTextBytes) {
    if (is_text_) text_.set_text(std::string(bytes, 'x'));
    if (!is_text_) bytes_.set_payload(std::string(bytes, 'x'));
  }
  void call() override {
    if (is_text_) call_method(&proto::Echo::Stub::EchoText, text_, text_back_);
    if (!is_text_) call_method(&proto::Echo::Stub::EchoBytes, bytes_, bytes_back_);
    if (text_back_.text().size() != text_.text().size() ||
        bytes_back_.payload().size() != bytes_.payload().size()) {
      throw std::runtime_error("an answer is not what the request was");
    }
  }

 private:
  const bool is_text_;
  proto::Text text_, text_back_;
  proto::Request bytes_, bytes_back_;
};

class GrpcPeer final : public Peer {
 public:
  explicit GrpcPeer(Kind kind) : kind_(kind) {}

  [[nodiscard]] Kind kind() const override { return kind_; }
  [[nodiscard]] std::string name() const override {
    return kind_ == Kind::kEcho ? "grpc-echo" : "grpc";
  }
  [[nodiscard]] std::string what() const override {
    return kind_ == Kind::kEcho ? "an echo by gRPC's generated stubs, synchronous, no TLS"
                                : "gRPC, synchronous interface, no TLS";
  }
  [[nodiscard]] bool has(Mode mode) const override { return mode != Mode::kTls; }
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
    if (kind_ == Kind::kEcho) return std::make_unique<EchoConnection>(address, turn.point.bytes);
    return std::make_unique<TakeConnection>(address, turn.point.bytes);
  }

 private:
  const Kind kind_;
};

}  // namespace

std::vector<const Peer*> peers() {
  static const GrpcPeer takes(Kind::kPeer);
  static const GrpcPeer echoes(Kind::kEcho);
  return {&takes, &echoes};
}

void prepare(char**) {}

}  // namespace netbinder::bench
