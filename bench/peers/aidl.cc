// SPDX-License-Identifier: Apache-2.0
//
// netbinder by generated code: AIDL stubs over libbinder_ndk, which is linked and needs no preload,
// with the built-in service manager. An echo.
#include <aidl/netbinder/bench/BnEcho.h>
#include <android/binder_manager.h>
#include <android/binder_process.h>
#include <stdlib.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "bench/peers/agents.h"
#include "bench/peers/peer.h"

namespace netbinder::bench {

namespace {

using aidl::netbinder::bench::IEcho;

constexpr char kName[] = "netbinder.bench.IEcho/default";
constexpr std::uint32_t kServerThreads = 4;

void use_agent(const std::string& socket) {
  ::setenv("NETBINDER_SOCKET", socket.c_str(), 1);
  ::setenv("NETBINDER_QUIET", "1", 1);
}

class EchoServer final : public aidl::netbinder::bench::BnEcho {
 public:
  ::ndk::ScopedAStatus echo(const std::string& text, std::string* out) override {
    *out = text;
    return ::ndk::ScopedAStatus::ok();
  }
  ::ndk::ScopedAStatus bytes(const std::vector<int8_t>& bytes, std::vector<int8_t>* out) override {
    *out = bytes;
    return ::ndk::ScopedAStatus::ok();
  }
};

class AidlConnection final : public Connection {
 public:
  explicit AidlConnection(const Turn& turn) : is_text_(turn.point.bytes <= kMostTextBytes) {
    use_agent(client_agent(turn));
    if (is_text_) {
      text_.assign(turn.point.bytes, 'x');
    } else {
      bytes_.assign(turn.point.bytes, 'x');
    }
    until("the server is not found", [this] {
      echo_ = IEcho::fromBinder(::ndk::SpAIBinder(AServiceManager_checkService(kName)));
      return echo_ != nullptr;
    });
  }
  void call() override {
    const ::ndk::ScopedAStatus status =
        is_text_ ? echo_->echo(text_, &text_back_) : echo_->bytes(bytes_, &bytes_back_);
    if (!status.isOk()) throw std::runtime_error("a call failed: " + status.getDescription());
    if (text_back_.size() != text_.size() || bytes_back_.size() != bytes_.size()) {
      throw std::runtime_error("an answer is not what the request was");
    }
  }

 private:
  const bool is_text_;
  std::string text_, text_back_;
  std::vector<int8_t> bytes_, bytes_back_;
  std::shared_ptr<IEcho> echo_;
};

class AidlPeer final : public Peer {
 public:
  [[nodiscard]] std::string name() const override { return "aidl-echo"; }
  [[nodiscard]] std::string what() const override {
    return "an echo by generated AIDL stubs over libbinder_ndk";
  }
  [[nodiscard]] Kind kind() const override { return Kind::kEcho; }
  [[nodiscard]] bool has(Mode) const override { return true; }
  [[nodiscard]] std::vector<Child> start_helpers(const Turn& turn) const override {
    return start_agents(turn, (own_folder() / "netbinderd").string(), Manager::kBuiltin);
  }
  void serve(const Turn& turn,
             const std::function<void(const std::string&)>& ready) const override {
    use_agent(server_agent(turn));
    (void)ABinderProcess_setThreadPoolMaxThreadCount(kServerThreads - 1);
    const auto service = ::ndk::SharedRefBase::make<EchoServer>();
    until("the server cannot be added",
          [&] { return AServiceManager_addService(service->asBinder().get(), kName) == EX_NONE; });
    ready("-");
    ABinderProcess_startThreadPool();
    ABinderProcess_joinThreadPool();
  }
  [[nodiscard]] std::unique_ptr<Connection> connect(const Turn& turn,
                                                    const std::string&) const override {
    return std::make_unique<AidlConnection>(turn);
  }
};

}  // namespace

std::vector<const Peer*> peers() {
  static const AidlPeer peer;
  return {&peer};
}

void prepare(char**) {}

}  // namespace netbinder::bench
