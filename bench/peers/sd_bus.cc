// SPDX-License-Identifier: Apache-2.0
//
// D-Bus: sd-bus on both sides of a dbus-daemon of the turn's own.
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "bench/peers/peer.h"

namespace netbinder::bench {

namespace {

constexpr const char* kName = "netbinder.bench";
constexpr const char* kPath = "/echo";
constexpr const char* kInterface = "netbinder.bench.Echo";
constexpr std::chrono::seconds kPatience{10};

void check(int result, const char* what) {
  if (result >= 0) return;
  errno = -result;
  fail(what);
}

std::string socket_of(const Turn& turn) { return turn.folder + "/bus"; }

class Bus {
 public:
  explicit Bus(const Turn& turn) {
    const std::string address = "unix:path=" + socket_of(turn);
    sd_bus* bus = nullptr;
    check(::sd_bus_new(&bus), "no bus");
    bus_.reset(bus);
    check(::sd_bus_set_address(get(), address.c_str()), "no address");
    check(::sd_bus_set_bus_client(get(), 1), "no bus client");
    check(::sd_bus_start(get()), "cannot connect to the bus");
  }
  ~Bus() = default;
  Bus(const Bus&) = delete;
  Bus& operator=(const Bus&) = delete;
  [[nodiscard]] sd_bus* get() const { return bus_.get(); }

 private:
  struct Close {
    void operator()(sd_bus* bus) const { ::sd_bus_flush_close_unref(bus); }
  };
  std::unique_ptr<sd_bus, Close> bus_;
};

// Its daemon may not listen yet.
void wait_for_bus(const Turn& turn) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    try {
      const Bus bus(turn);
      return;
    } catch (const std::runtime_error&) {
      if (std::chrono::steady_clock::now() > deadline) throw;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

int take(sd_bus_message* message, void*, sd_bus_error*) {
  const void* bytes = nullptr;
  std::size_t size = 0;
  const int read = ::sd_bus_message_read_array(message, 'y', &bytes, &size);
  return read < 0 ? read : ::sd_bus_reply_method_return(message, "");
}

// C's designated initialisers, in the macros, are no C++ to a pedantic compiler.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
const sd_bus_vtable kEcho[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("Take", "ay", "", take, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};
#pragma GCC diagnostic pop

class BusConnection final : public Connection {
 public:
  explicit BusConnection(const Turn& turn) : bus_(turn), payload_(turn.point.bytes, 'x') {}
  void call() override {
    sd_bus_message* request = nullptr;
    sd_bus_message* answer = nullptr;
    check(::sd_bus_message_new_method_call(bus_.get(), &request, kName, kPath, kInterface, "Take"),
          "no message");
    int result = ::sd_bus_message_append_array(request, 'y', payload_.data(), payload_.size());
    if (result >= 0) result = ::sd_bus_call(bus_.get(), request, 0, nullptr, &answer);
    ::sd_bus_message_unref(answer);
    ::sd_bus_message_unref(request);
    check(result, "a call failed");
  }

 private:
  Bus bus_;
  std::vector<char> payload_;
};

class BusPeer final : public Peer {
 public:
  [[nodiscard]] std::string name() const override { return "sd-bus"; }
  [[nodiscard]] std::string what() const override { return "D-Bus: sd-bus, through dbus-daemon"; }
  [[nodiscard]] bool has(Mode mode) const override { return mode == Mode::kLocal; }

  [[nodiscard]] std::vector<Child> start_helpers(const Turn& turn) const override {
    const std::string config = turn.folder + "/bus.conf";
    std::ofstream(config)
        << "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN\"\n"
           " \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
           "<busconfig><type>session</type><listen>unix:path="
        << socket_of(turn)
        << "</listen><auth>EXTERNAL</auth><policy context=\"default\">"
           "<allow send_destination=\"*\"/><allow receive_sender=\"*\"/><allow "
           "own=\"*\"/></policy></busconfig>\n";
    std::vector<Child> helpers;
    helpers.push_back(Child::start(turn.server, [&] {
      ::execlp("dbus-daemon", "dbus-daemon", "--nofork", "--nopidfile", "--nosyslog",
               ("--config-file=" + config).c_str(), nullptr);
      fail("cannot run dbus-daemon");
    }));
    return helpers;
  }

  void serve(const Turn& turn,
             const std::function<void(const std::string&)>& ready) const override {
    wait_for_bus(turn);
    const Bus bus(turn);
    check(::sd_bus_add_object_vtable(bus.get(), nullptr, kPath, kInterface, kEcho, nullptr),
          "no object");
    check(::sd_bus_request_name(bus.get(), kName, 0), "no name");
    ready("-");
    for (;;) {
      const int handled = ::sd_bus_process(bus.get(), nullptr);
      check(handled, "cannot serve");
      if (handled == 0) check(::sd_bus_wait(bus.get(), UINT64_MAX), "cannot wait");
    }
  }
  [[nodiscard]] std::unique_ptr<Connection> connect(const Turn& turn,
                                                    const std::string&) const override {
    return std::make_unique<BusConnection>(turn);
  }
};

}  // namespace

std::vector<const Peer*> peers() {
  static const BusPeer peer;
  return {&peer};
}

void prepare(char**) {}

}  // namespace netbinder::bench
