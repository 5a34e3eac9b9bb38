// SPDX-License-Identifier: Apache-2.0
//
// netbinder itself, as a plain program sees it: the driver's ioctls on /dev/binder, through the
// preloaded shim. The server is the context's manager, so that handle 0 leads to it.
#include <fcntl.h>
#include <linux/android/binder.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <span>
#include <stdexcept>
#include <thread>

#include "bench/peers/agents.h"
#include "bench/peers/peer.h"

namespace netbinder::bench {

namespace {

constexpr std::size_t kMapBytes = 4U << 20;
constexpr std::size_t kReadBytes = 1024;
constexpr int kServerThreads = 4;

class Device {
 public:
  explicit Device(const std::string& agent_socket) {
    ::setenv("NETBINDER_SOCKET", agent_socket.c_str(), 1);
    ::setenv("NETBINDER_QUIET", "1", 1);
    until("cannot open /dev/binder", [this] {
      fd_ = ::open("/dev/binder", O_RDWR | O_CLOEXEC);
      return fd_ >= 0;
    });
    if (::mmap(nullptr, kMapBytes, PROT_READ, MAP_PRIVATE | MAP_NORESERVE, fd_, 0) == MAP_FAILED) {
      fail("cannot map /dev/binder");
    }
  }
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  ~Device() { ::close(fd_); }

  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_ = -1;
};

// Writes commands and reads what the driver returns, on one thread.
class Thread {
 public:
  explicit Thread(const Device& device) : fd_(device.fd()) {}

  template <typename T>
  void put(std::uint32_t command, const T& payload) {
    put_bytes(&command, sizeof command);
    put_bytes(&payload, sizeof payload);
  }
  void put(std::uint32_t command) { put_bytes(&command, sizeof command); }

  // Writes what was put, waits for something to read, and hands over each return command.
  template <typename Handle>
  void exchange(const Handle& handle) {
    binder_write_read io{};
    io.write_buffer = reinterpret_cast<binder_uintptr_t>(commands_);
    io.write_size = used_;
    io.read_buffer = reinterpret_cast<binder_uintptr_t>(read_);
    io.read_size = sizeof read_;
    while (::ioctl(fd_, BINDER_WRITE_READ, &io) != 0) {
      if (errno != EINTR) fail("the driver is gone");
    }
    used_ = 0;
    for (const char* at = read_; at < read_ + io.read_consumed;) {
      std::uint32_t command = 0;
      std::memcpy(&command, at, sizeof command);
      handle(command, at + sizeof command);
      at += sizeof command + _IOC_SIZE(command);
    }
  }

 private:
  void put_bytes(const void* bytes, std::size_t size) {
    if (used_ + size > sizeof commands_) throw std::runtime_error("too many commands");
    std::memcpy(commands_ + used_, bytes, size);
    used_ += size;
  }

  int fd_;
  std::size_t used_ = 0;
  char commands_[512];
  char read_[kReadBytes];
};

binder_transaction_data transaction_at(const char* payload) {
  binder_transaction_data data;
  std::memcpy(&data, payload, sizeof data);
  return data;
}

[[noreturn]] void serve_thread(const Device& device) {
  Thread thread(device);
  thread.put(BC_ENTER_LOOPER);
  for (;;) {
    thread.exchange([&](std::uint32_t command, const char* payload) {
      if (command != BR_TRANSACTION) return;
      const binder_transaction_data call = transaction_at(payload);
      thread.put(BC_FREE_BUFFER, call.data.ptr.buffer);
      if ((call.flags & TF_ONE_WAY) == 0) thread.put(BC_REPLY, binder_transaction_data{});
    });
  }
}

class BinderConnection final : public Connection {
 public:
  explicit BinderConnection(const Turn& turn)
      : device_(client_agent(turn)),
        thread_(device_),
        payload_(turn.point.bytes, 'x'),
        oneway_(turn.point.work == Work::kOneway) {
    until("the server is not reached", [this] { return try_call(); });
  }
  void call() override {
    while (!try_call()) {
      // The server is behind, and has no room for more until it has caught up.
      if (!oneway_) throw std::runtime_error("a call failed");
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

 private:
  bool try_call() {
    binder_transaction_data data{};
    data.code = 1;
    data.flags = oneway_ ? TF_ONE_WAY : 0;
    data.data_size = payload_.size();
    data.data.ptr.buffer = reinterpret_cast<binder_uintptr_t>(payload_.data());
    if (answer_ != 0) thread_.put(BC_FREE_BUFFER, std::exchange(answer_, 0));
    thread_.put(BC_TRANSACTION, data);
    bool answered = false;
    bool failed = false;
    while (!answered && !failed) {
      thread_.exchange([&](std::uint32_t command, const char* payload) {
        answered = answered || (oneway_ && command == BR_TRANSACTION_COMPLETE);
        if (command == BR_REPLY) {
          answered = true;
          answer_ = transaction_at(payload).data.ptr.buffer;
        }
        failed = failed || command == BR_DEAD_REPLY || command == BR_FAILED_REPLY;
      });
    }
    return answered;
  }

  Device device_;
  Thread thread_;
  std::vector<char> payload_;
  bool oneway_;
  binder_uintptr_t answer_ = 0;
};

class NetbinderPeer final : public Peer {
 public:
  [[nodiscard]] std::string name() const override { return "netbinder"; }
  [[nodiscard]] std::string what() const override {
    return "binder ioctls through the shim; one agent on one host, two between hosts";
  }
  [[nodiscard]] Kind kind() const override { return Kind::kNetbinder; }
  [[nodiscard]] bool has(Mode) const override { return true; }
  [[nodiscard]] bool has(Work) const override { return true; }
  [[nodiscard]] std::vector<Child> start_helpers(const Turn& turn) const override {
    return start_agents(turn, (own_folder() / "netbinderd").string(), Manager::kServer);
  }
  void serve(const Turn& turn,
             const std::function<void(const std::string&)>& ready) const override {
    const Device device(server_agent(turn));
    until("the server does not become the context's manager", [&] {
      int none = 0;
      return ::ioctl(device.fd(), BINDER_SET_CONTEXT_MGR, &none) == 0;
    });
    ready("-");
    for (int i = 1; i < kServerThreads; ++i) {
      std::thread([&] { serve_thread(device); }).detach();
    }
    serve_thread(device);
  }
  [[nodiscard]] std::unique_ptr<Connection> connect(const Turn& turn,
                                                    const std::string&) const override {
    return std::make_unique<BinderConnection>(turn);
  }
};

}  // namespace

std::vector<const Peer*> peers() {
  static const NetbinderPeer peer;
  return {&peer};
}

// The shim is preloaded, which takes a new start.
void prepare(char** argv) {
  if (argv[1] != nullptr && std::string_view(argv[1]) == "--describe") return;
  const std::string shim = own_folder() / "../lib/libnetbinder-shim.so";
  const char* const preloaded = ::getenv("LD_PRELOAD");
  if (preloaded != nullptr && std::string_view(preloaded) == shim) return;
  if (::access(shim.c_str(), R_OK) != 0) fail(shim);
  ::setenv("LD_PRELOAD", shim.c_str(), 1);
  ::execv("/proc/self/exe", argv);
  fail("cannot start again");
}

}  // namespace netbinder::bench
