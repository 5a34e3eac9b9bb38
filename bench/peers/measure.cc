// SPDX-License-Identifier: Apache-2.0
#include "bench/peers/measure.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>
#include <stdexcept>
#include <string>

#include "bench/peers/machine_time.h"

namespace netbinder::bench {

namespace {

constexpr int kPatienceMs = 20'000;
constexpr std::uint64_t kLeastWarmUpCalls = 20;

std::uint64_t now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

void sleep_until(std::uint64_t at_ns) {
  const timespec at{.tv_sec = static_cast<time_t>(at_ns / 1'000'000'000),
                    .tv_nsec = static_cast<long>(at_ns % 1'000'000'000)};
  while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr) == EINTR) {
  }
}

class Pipe {
 public:
  Pipe() {
    if (::pipe2(ends_.data(), O_CLOEXEC) != 0) fail("no pipe");
  }
  ~Pipe() {
    for (const int end : ends_) ::close(end);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  [[nodiscard]] int reading_end() const { return ends_[0]; }
  void write(const std::string& text) const {
    if (::write(ends_[1], text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
      fail("cannot write to a pipe");
    }
  }
  [[nodiscard]] std::string read(std::size_t most) const {
    std::string text(most, '\0');
    const ssize_t got = ::read(ends_[0], text.data(), text.size());
    if (got <= 0) fail("cannot read from a pipe");
    text.resize(static_cast<std::size_t>(got));
    return text;
  }

 private:
  std::array<int, 2> ends_{};
};

// The measurements of one client.
struct Record {
  std::uint64_t began_ns = 0;
  std::uint64_t ended_ns = 0;
  Latencies latencies;
};

// Memory that the clients share with us.
class Records {
 public:
  explicit Records(std::size_t count) : count_(count) {
    void* const memory = ::mmap(nullptr, count * sizeof(Record), PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) fail("no memory for the times");
    records_ = new (memory) Record[count];
  }
  ~Records() { ::munmap(records_, count_ * sizeof(Record)); }
  Records(const Records&) = delete;
  Records& operator=(const Records&) = delete;
  [[nodiscard]] Record& at(std::size_t i) const { return records_[i]; }
  [[nodiscard]] std::size_t count() const { return count_; }

 private:
  Record* records_;
  std::size_t count_;
};

void call_until_end(Connection& connection, const Turn& turn, Record& record) {
  const std::uint64_t interval_ns = std::uint64_t{turn.point.interval_us} * 1000;
  const auto length_ns = static_cast<std::uint64_t>(turn.seconds * 1e9);
  record.began_ns = now_ns();
  const std::uint64_t end_ns = record.began_ns + length_ns;
  std::uint64_t before_ns = record.began_ns;
  std::uint64_t next_ns = before_ns;
  do {
    if (interval_ns != 0) {
      next_ns += interval_ns;
      sleep_until(next_ns);
      before_ns = now_ns();
    }
    connection.call();
    const std::uint64_t after_ns = now_ns();
    record.latencies.add(after_ns - before_ns);
    before_ns = after_ns;
  } while (before_ns < end_ns);
  record.ended_ns = before_ns;
}

void warm_up(Connection& connection, const Turn& turn) {
  const auto length_ns = static_cast<std::uint64_t>(std::min(0.1, turn.seconds / 2) * 1e9);
  const std::uint64_t end_ns = now_ns() + length_ns;
  for (std::uint64_t calls = 0; calls < kLeastWarmUpCalls || now_ns() < end_ns; ++calls) {
    connection.call();
  }
}

// The descriptor that shows a process's end.
class EndOf {
 public:
  explicit EndOf(const Child& child)
      : fd_(static_cast<int>(::syscall(SYS_pidfd_open, child.pid(), 0))) {
    if (fd_ < 0) fail("no pidfd");
  }
  ~EndOf() {
    if (fd_ >= 0) ::close(fd_);
  }
  EndOf(EndOf&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  EndOf(const EndOf&) = delete;
  EndOf& operator=(const EndOf&) = delete;
  EndOf& operator=(EndOf&&) = delete;
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

class TurnProcesses {
 public:
  TurnProcesses() = default;
  TurnProcesses(const TurnProcesses&) = delete;
  TurnProcesses& operator=(const TurnProcesses&) = delete;
  // The last one first: nobody is to miss what it depends on.
  ~TurnProcesses() {
    while (!children_.empty()) children_.pop_back();
  }
  void add(Child child) {
    ends_.emplace_back(child);
    children_.push_back(std::move(child));
  }
  [[nodiscard]] std::uint64_t cpu_ns() const {
    std::uint64_t sum = 0;
    for (const Child& child : children_) sum += child.cpu_ns();
    return sum;
  }
  // Returns when something can be read; throws if a process ends before.
  void wait_for(const Pipe& pipe, const char* what) const {
    std::vector<pollfd> watched = {{.fd = pipe.reading_end(), .events = POLLIN, .revents = 0}};
    for (const EndOf& end : ends_)
      watched.push_back({.fd = end.fd(), .events = POLLIN, .revents = 0});
    const int ready = ::poll(watched.data(), watched.size(), kPatienceMs);
    if (ready < 0) fail("cannot wait");
    if (watched[0].revents != 0) return;
    throw std::runtime_error(ready == 0 ? std::string("it takes too long until ") + what
                                        : std::string("a process has ended before ") + what);
  }
  void wait_for_all(const Pipe& pipe, std::size_t count, const char* what) const {
    for (std::size_t seen = 0; seen < count;) {
      wait_for(pipe, what);
      seen += pipe.read(count - seen).size();
    }
  }

 private:
  std::vector<Child> children_;
  std::vector<EndOf> ends_;
};

// Processes that compute without end, one on each processor.
std::vector<Child> busy_loops() {
  std::vector<Child> loops;
  const long processors = ::sysconf(_SC_NPROCESSORS_ONLN);
  for (int processor = 0; processor < processors; ++processor) {
    loops.push_back(Child::start({.namespace_path = {}, .host = {}, .processor = processor}, [] {
      volatile bool ends = false;
      while (!ends) {
      }
    }));
  }
  return loops;
}

std::uint64_t cpu_ns_of(const std::vector<Child>& children) {
  std::uint64_t sum = 0;
  for (const Child& child : children) sum += child.cpu_ns();
  return sum;
}

}  // namespace

Measured measure(const Peer& peer, const Turn& turn) {
  const std::size_t clients = turn.point.clients;
  const Records records(clients);
  const Pipe address_pipe, arrived, go;
  const std::vector<Child> load =
      turn.point.load == Load::kBusyLoops ? busy_loops() : std::vector<Child>{};
  TurnProcesses processes;
  for (Child& helper : peer.start_helpers(turn)) processes.add(std::move(helper));
  processes.add(Child::start(turn.server, [&] {
    peer.serve(turn, [&](const std::string& address) { address_pipe.write(address); });
  }));
  processes.wait_for(address_pipe, "the server serves");
  const std::string address = address_pipe.read(4096);
  for (std::size_t i = 0; i < clients; ++i) {
    processes.add(Child::start(turn.client, [&, i] {
      const auto connection = peer.connect(turn, address);
      warm_up(*connection, turn);
      arrived.write("w");
      (void)go.read(1);
      call_until_end(*connection, turn, records.at(i));
      arrived.write("d");
      (void)go.read(1);  // nothing comes: its clock is still to be read
    }));
  }
  processes.wait_for_all(arrived, clients, "the clients are ready");
  const MachineTime machine_before = MachineTime::read();
  const std::uint64_t cpu_before_ns = processes.cpu_ns();
  const std::uint64_t load_before_ns = cpu_ns_of(load);
  go.write(std::string(clients, 'g'));
  processes.wait_for_all(arrived, clients, "the clients have made their calls");
  const std::uint64_t cpu_ns = processes.cpu_ns() - cpu_before_ns;
  const std::uint64_t own_ns = cpu_ns + cpu_ns_of(load) - load_before_ns;
  const MachineTime machine_after = MachineTime::read();

  Measured measured{.latencies = std::make_unique<Latencies>(),
                    .cpu_ns = cpu_ns,
                    .others_percent = others_percent(machine_before, machine_after, own_ns),
                    .stolen_percent = stolen_percent(machine_before, machine_after)};
  std::uint64_t began_ns = records.at(0).began_ns;
  std::uint64_t ended_ns = 0;
  for (std::size_t i = 0; i < clients; ++i) {
    measured.latencies->add(records.at(i).latencies);
    began_ns = std::min(began_ns, records.at(i).began_ns);
    ended_ns = std::max(ended_ns, records.at(i).ended_ns);
  }
  measured.seconds = static_cast<double>(ended_ns - began_ns) / 1e9;
  return measured;
}

}  // namespace netbinder::bench
