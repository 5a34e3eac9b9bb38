// SPDX-License-Identifier: Apache-2.0
//
// netbinder bench: round-trip times of calls, on one host and across two, beside a ping-pong over a
// Unix socket in the same run. Only times of the same machine and run can be compared.
#include <fmt/core.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tools/admin_client.h"
#include "tools/binder_client.h"
#include "tools/commands.h"
#include "tools/installation.h"

namespace netbinder::tools {

namespace {

using Clock = std::chrono::steady_clock;

constexpr double kRowSeconds = 2;

struct Row {
  std::string path;
  std::size_t bytes = 0;
  std::size_t calls = 0;
  double p50_us = 0;
  double p99_us = 0;
  double calls_per_second = 0;
  double cpu_us_per_call = 0;  // of client, server and agents together
};

// Processor time a process has used, in nanoseconds; 0 if it cannot be read.
std::uint64_t cpu_ns(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/schedstat", pid));
  std::uint64_t time = 0;
  file >> time;
  return time;
}

std::uint64_t cpu_ns(const std::vector<pid_t>& pids) {
  std::uint64_t sum = 0;
  for (const pid_t pid : pids) sum += cpu_ns(pid);
  return sum;
}

Row measure(std::string path, std::size_t bytes, const BenchOptions& options,
            const std::vector<pid_t>& involved, const std::function<void()>& round_trip) {
  const std::size_t warm_up = std::min<std::size_t>(200, options.calls / 10 + 1);
  for (std::size_t i = 0; i < warm_up; ++i) round_trip();
  std::vector<double> times_us;
  times_us.reserve(options.calls);
  const std::uint64_t cpu_before = cpu_ns(involved);
  const auto start = Clock::now();
  auto last = start;
  while (times_us.size() < options.calls) {
    round_trip();
    const auto now = Clock::now();
    times_us.push_back(std::chrono::duration<double, std::micro>(now - last).count());
    last = now;
    if (std::chrono::duration<double>(now - start).count() > options.seconds.value_or(kRowSeconds)) break;
  }
  const double elapsed_s = std::chrono::duration<double>(last - start).count();
  const auto cpu = static_cast<double>(cpu_ns(involved) - cpu_before);
  std::sort(times_us.begin(), times_us.end());
  const auto count = static_cast<double>(times_us.size());
  return {.path = std::move(path),
          .bytes = bytes,
          .calls = times_us.size(),
          .p50_us = times_us[times_us.size() / 2],
          .p99_us = times_us[times_us.size() * 99 / 100],
          .calls_per_second = count / elapsed_s,
          .cpu_us_per_call = cpu / 1000 / count};
}

// A child process that is ended with this object.
class Child {
 public:
  explicit Child(const std::function<void()>& body) : pid_(::fork()) {
    if (pid_ < 0) throw std::runtime_error("cannot fork");
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      try {
        body();
      } catch (const std::exception& error) {
        fmt::print(stderr, "netbinder bench: {}\n", error.what());
      }
      ::_exit(1);
    }
  }
  ~Child() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

void read_whole(int fd, std::byte* into, std::size_t size) {
  while (size > 0) {
    const ssize_t got = ::read(fd, into, size);
    if (got <= 0) throw std::runtime_error("the ping-pong broke off");
    into += got;
    size -= static_cast<std::size_t>(got);
  }
}

void write_whole(int fd, const std::byte* from, std::size_t size) {
  while (size > 0) {
    const ssize_t put = ::write(fd, from, size);
    if (put <= 0) throw std::runtime_error("the ping-pong broke off");
    from += put;
    size -= static_cast<std::size_t>(put);
  }
}

// The yardstick: two processes, a blocking Unix stream socket, the same bytes both ways.
Row measure_socket(std::size_t bytes, const BenchOptions& options) {
  const std::size_t size = std::max<std::size_t>(bytes, 1);
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    throw std::runtime_error("no socket pair");
  }
  Row row;
  {
    const Child echo([&] {
      ::close(ends[0]);
      std::vector<std::byte> buffer(size);
      for (;;) {
        read_whole(ends[1], buffer.data(), size);
        write_whole(ends[1], buffer.data(), size);
      }
    });
    ::close(ends[1]);
    std::vector<std::byte> buffer(size);
    row = measure("unix socket", bytes, options, {::getpid(), echo.pid()}, [&] {
      write_whole(ends[0], buffer.data(), size);
      read_whole(ends[0], buffer.data(), size);
    });
  }
  ::close(ends[0]);
  return row;
}

std::vector<Row> measure_binder(const std::string& path, const std::string& server_socket,
                                const std::vector<pid_t>& agents, const BenchOptions& options) {
  const std::string name = fmt::format("netbinder.bench.{}.{}", ::getpid(), path.substr(0, 5));
  const Child server([&] {
    if (!server_socket.empty()) ::setenv("NETBINDER_SOCKET", server_socket.c_str(), 1);
    BinderClient client(options.device);
    if (!client.add_service(name, 0x62656e6368)) {
      throw std::runtime_error("the service manager refuses the benchmark's service");
    }
    client.serve_echo();
  });
  BinderClient client(options.device);
  std::optional<std::uint32_t> handle;
  const auto deadline = Clock::now() + std::chrono::seconds(10);
  while (!(handle = client.find_service(name))) {
    if (Clock::now() > deadline)
      throw std::runtime_error("the benchmark's server does not come up");
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  std::vector<pid_t> involved = agents;
  involved.push_back(::getpid());
  involved.push_back(server.pid());
  std::vector<Row> rows;
  for (const std::size_t bytes : options.sizes) {
    ParcelBytes request;
    request.data.resize(bytes, std::byte{0x5a});
    rows.push_back(measure(path, bytes, options, involved, [&] {
      const auto reply = client.call(*handle, 1, request);
      if (!reply) throw std::runtime_error("a call failed: " + reply.error());
      if (reply->data.data_size != bytes) throw std::runtime_error("a reply has the wrong size");
      client.free(*reply);
    }));
  }
  return rows;
}

pid_t agent_pid(const std::string& socket) {
  return ask_agent(socket, {{"command", "status"}})["pid"].get<pid_t>();
}

void print(const std::vector<Row>& rows, const BenchOptions& options) {
  if (options.json) {
    nlohmann::json all = nlohmann::json::array();
    for (const Row& row : rows) {
      all.push_back({{"path", row.path},
                     {"bytes", row.bytes},
                     {"calls", row.calls},
                     {"p50_us", row.p50_us},
                     {"p99_us", row.p99_us},
                     {"calls_per_second", row.calls_per_second},
                     {"cpu_us_per_call", row.cpu_us_per_call}});
    }
    const std::string text = nlohmann::json{{"rows", all}}.dump(2) + "\n";
    if (options.json_file.empty()) {
      fmt::print("{}", text);
    } else if (!(std::ofstream(options.json_file) << text).flush()) {
      throw std::runtime_error("cannot write " + options.json_file);
    }
    return;
  }
  fmt::print("{:<12} {:>8} {:>8} {:>10} {:>10} {:>11} {:>12} {:>10}\n", "path", "bytes", "calls",
             "p50 us", "p99 us", "calls/s", "cpu us/call", "/ socket");
  for (const Row& row : rows) {
    std::string ratio = "-";
    for (const Row& base : rows) {
      if (base.path == "unix socket" && base.bytes == row.bytes) {
        ratio = fmt::format("{:.3f}", row.p50_us / base.p50_us);
      }
    }
    fmt::print("{:<12} {:>8} {:>8} {:>10.2f} {:>10.2f} {:>11.0f} {:>12.2f} {:>10}\n", row.path,
               row.bytes, row.calls, row.p50_us, row.p99_us, row.calls_per_second,
               row.cpu_us_per_call, ratio);
  }
}

int bench(const BenchOptions& asked) {
  BenchOptions options = asked;
  if (options.sizes.empty()) options.sizes = {0, 64, 1024, 4096, 65536, 262144, 1048576};
  std::vector<Row> rows;
  const auto wanted = [&options](const char* path) {
    return std::ranges::find(options.paths, path) != options.paths.end();
  };
  if (wanted("socket")) {
    for (const std::size_t bytes : options.sizes) rows.push_back(measure_socket(bytes, options));
  }
  const auto add = [&rows](std::vector<Row> more) {
    rows.insert(rows.end(), more.begin(), more.end());
  };
  if (options.kernel) {
    add(measure_binder("kernel", "", {}, options));
  } else {
    const pid_t first = agent_pid(agent_socket());
    if (wanted("local")) add(measure_binder("local", "", {first}, options));
    const char* const second = std::getenv("NETBINDER_SOCKET_2");
    if (second != nullptr && wanted("cross-host")) {
      add(measure_binder("cross-host", second, {first, agent_pid(second)}, options));
    }
  }
  print(rows, options);
  return 0;
}

}  // namespace

int carry_out(const BenchOptions& options, char** argv) {
  if (options.with_peers) return bench_with_peers(options);
  if (options.kernel) return bench(options);
  if (std::getenv("NETBINDER_SOCKET") == nullptr) {
    const std::string self = own_path();
    std::vector<std::string> words = {self, "session", "--hosts", "2", "--", self};
    for (char** word = argv + 1; *word != nullptr; ++word) words.emplace_back(*word);
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    ::execv(self.c_str(), arguments.data());
    throw std::runtime_error("cannot start a session");
  }
  ensure_preloaded(argv);
  return bench(options);
}

}  // namespace netbinder::tools
