// SPDX-License-Identifier: Apache-2.0
//
// UCX's active messages (UCP), over shared memory on one host and over TCP between two. Both sides
// progress their worker again and again, and give the processor away when there was nothing to do.
// Clients find the server by its worker's address, in a file of the turn's folder. A UCX_… variable
// that is set already stands.
#include <sched.h>
#include <stdlib.h>
#include <ucp/api/ucp.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>

#include "bench/peers/peer.h"

namespace netbinder::bench {

namespace {

enum MessageId : unsigned { kRequest = 0, kAnswer = 1 };

void check(ucs_status_t status, const char* what) {
  if (status == UCS_OK) return;
  throw std::runtime_error(std::string(what) + ": " + ::ucs_status_string(status));
}

class Worker {
 public:
  explicit Worker(const Turn& turn) {
    const Mode mode = turn.point.mode;
    ::setenv("UCX_TLS", mode == Mode::kLocal ? "shm,self" : "tcp,self", 0);
    if (mode == Mode::kTcp) ::setenv("UCX_NET_DEVICES", "lo", 0);
    ucp_params_t wanted{};
    wanted.field_mask = UCP_PARAM_FIELD_FEATURES;
    wanted.features = UCP_FEATURE_AM;
    check(::ucp_init(&wanted, nullptr, &context_), "cannot start UCX");
    const ucp_worker_params_t one_thread{};
    check(::ucp_worker_create(context_, &one_thread, &worker_), "no worker");
  }
  ~Worker() {
    if (worker_ != nullptr) ::ucp_worker_destroy(worker_);
    if (context_ != nullptr) ::ucp_cleanup(context_);
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  [[nodiscard]] ucp_worker_h get() const { return worker_; }
  void progress() const {
    if (::ucp_worker_progress(worker_) == 0) ::sched_yield();
  }
  void handle(MessageId id, ucp_am_recv_callback_t handler, void* argument) const {
    ucp_am_handler_param_t parameters{};
    parameters.field_mask = UCP_AM_HANDLER_PARAM_FIELD_ID | UCP_AM_HANDLER_PARAM_FIELD_CB |
                            UCP_AM_HANDLER_PARAM_FIELD_ARG;
    parameters.id = id;
    parameters.cb = handler;
    parameters.arg = argument;
    check(::ucp_worker_set_am_recv_handler(worker_, &parameters), "no handler");
  }
  [[nodiscard]] std::string address() const {
    ucp_address_t* address = nullptr;
    std::size_t size = 0;
    check(::ucp_worker_get_address(worker_, &address, &size), "no address");
    std::string bytes(reinterpret_cast<const char*>(address), size);
    ::ucp_worker_release_address(worker_, address);
    return bytes;
  }
  [[nodiscard]] ucp_ep_h connect(const std::string& address) const {
    ucp_ep_params_t parameters{};
    parameters.field_mask = UCP_EP_PARAM_FIELD_REMOTE_ADDRESS;
    parameters.address = reinterpret_cast<const ucp_address_t*>(address.data());
    ucp_ep_h endpoint = nullptr;
    check(::ucp_ep_create(worker_, &parameters, &endpoint), "cannot connect");
    return endpoint;
  }

 private:
  ucp_context_h context_ = nullptr;
  ucp_worker_h worker_ = nullptr;
};

void sent(void* request, ucs_status_t, void*) { ::ucp_request_free(request); }

// The message's bytes must stay until it is sent.
void send(ucp_ep_h endpoint, MessageId id, const std::vector<char>& bytes, std::uint32_t flags) {
  ucp_request_param_t parameters{};
  parameters.op_attr_mask = UCP_OP_ATTR_FIELD_CALLBACK | UCP_OP_ATTR_FIELD_FLAGS;
  parameters.cb.send = sent;
  parameters.flags = flags;
  const ucs_status_ptr_t request =
      ::ucp_am_send_nbx(endpoint, id, nullptr, 0, bytes.data(), bytes.size(), &parameters);
  if (UCS_PTR_IS_ERR(request)) check(UCS_PTR_STATUS(request), "cannot send");
}

class Server {
 public:
  explicit Server(const Turn& turn) : worker_(turn) {
    worker_.handle(kRequest, &Server::request_arrived, this);
  }
  [[nodiscard]] const Worker& worker() const { return worker_; }

 private:
  // A request that its sender holds until we have fetched it.
  struct Fetching {
    Server* server;
    ucp_ep_h from;
    std::vector<char> into;
  };

  void answer(ucp_ep_h to) { send(to, kAnswer, nothing_, 0); }

  static ucs_status_t request_arrived(void* argument, const void*, std::size_t, void* data,
                                      std::size_t size, const ucp_am_recv_param_t* parameters) {
    auto& server = *static_cast<Server*>(argument);
    if ((parameters->recv_attr & UCP_AM_RECV_ATTR_FLAG_RNDV) == 0) {
      server.answer(parameters->reply_ep);
      return UCS_OK;
    }
    auto fetching =
        server.idle_.empty() ? std::make_unique<Fetching>() : std::move(server.idle_.back());
    if (!server.idle_.empty()) server.idle_.pop_back();
    *fetching = {&server, parameters->reply_ep, std::move(fetching->into)};
    fetching->into.resize(size);
    ucp_request_param_t how{};
    how.op_attr_mask = UCP_OP_ATTR_FIELD_CALLBACK | UCP_OP_ATTR_FIELD_USER_DATA;
    how.cb.recv_am = &Server::fetched;
    how.user_data = fetching.get();
    const ucs_status_ptr_t request =
        ::ucp_am_recv_data_nbx(server.worker_.get(), data, fetching->into.data(), size, &how);
    if (UCS_PTR_IS_ERR(request)) check(UCS_PTR_STATUS(request), "cannot fetch");
    Fetching* const under_way = fetching.release();
    if (request == nullptr) fetched(nullptr, UCS_OK, size, under_way);
    return UCS_INPROGRESS;
  }

  static void fetched(void* request, ucs_status_t status, std::size_t, void* argument) {
    std::unique_ptr<Fetching> fetching(static_cast<Fetching*>(argument));
    check(status, "cannot fetch");
    if (request != nullptr) ::ucp_request_free(request);
    Server& server = *fetching->server;
    server.answer(fetching->from);
    server.idle_.push_back(std::move(fetching));
  }

  Worker worker_;
  std::vector<std::unique_ptr<Fetching>> idle_;
  const std::vector<char> nothing_;
};

class UcxConnection final : public Connection {
 public:
  UcxConnection(const Turn& turn, const std::string& server_address)
      : worker_(turn), payload_(turn.point.bytes, 'x') {
    worker_.handle(kAnswer, &UcxConnection::answer_arrived, this);
    endpoint_ = worker_.connect(server_address);
  }
  void call() override {
    answered_ = false;
    send(endpoint_, kRequest, payload_, UCP_AM_SEND_FLAG_REPLY);
    while (!answered_) worker_.progress();
  }

 private:
  static ucs_status_t answer_arrived(void* argument, const void*, std::size_t, void*, std::size_t,
                                     const ucp_am_recv_param_t*) {
    static_cast<UcxConnection*>(argument)->answered_ = true;
    return UCS_OK;
  }

  Worker worker_;
  ucp_ep_h endpoint_ = nullptr;
  std::vector<char> payload_;
  bool answered_ = false;
};

class UcxPeer final : public Peer {
 public:
  [[nodiscard]] std::string name() const override { return "ucx"; }
  [[nodiscard]] std::string what() const override {
    return "UCX active messages, which both sides poll; shared memory on one host, else TCP";
  }
  [[nodiscard]] bool has(Mode mode) const override { return mode != Mode::kTls; }
  void serve(const Turn& turn,
             const std::function<void(const std::string&)>& ready) const override {
    const Server server(turn);
    const std::string path = turn.folder + "/worker";
    std::ofstream(path, std::ios::binary) << server.worker().address();
    ready(path);
    for (;;) server.worker().progress();
  }
  [[nodiscard]] std::unique_ptr<Connection> connect(const Turn& turn,
                                                    const std::string& address) const override {
    std::ifstream file(address, std::ios::binary);
    const std::string server((std::istreambuf_iterator<char>(file)), {});
    return std::make_unique<UcxConnection>(turn, server);
  }
};

}  // namespace

std::vector<const Peer*> peers() {
  static const UcxPeer peer;
  return {&peer};
}

void prepare(char**) { ::setenv("UCX_WARN_UNUSED_ENV_VARS", "n", 0); }

}  // namespace netbinder::bench
