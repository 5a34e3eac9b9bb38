// SPDX-License-Identifier: Apache-2.0
//
// The descriptors of two agents in one process, joined by message queues, without cores in between.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <csignal>
#include <cstring>
#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "node-agent/file_relays.h"
#include "node-agent/foreign_closer.h"

namespace netbinder::testing {

// Descriptors of programs are closed on other threads.
inline void wait_for_closes() {
  while (waiting_to_be_closed() > 0) std::this_thread::yield();
}

// How many threads do the I/O of files. Those of an earlier test end by themselves.
inline std::size_t file_threads() {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name;
    std::ifstream(entry.path() / "comm") >> name;
    if (name == "files") ++count;
  }
  return count;
}

inline std::size_t open_descriptors() {
  wait_for_closes();
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    (void)entry;
    ++count;
  }
  return count;
}

struct Ends {
  UniqueFd first;
  UniqueFd second;
};

inline Ends new_pipe(int flags = 0) {  // reading, writing
  std::array<int, 2> fds{-1, -1};
  EXPECT_EQ(::pipe2(fds.data(), flags | O_CLOEXEC), 0);
  return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

inline Ends new_socketpair(int type) {
  std::array<int, 2> fds{-1, -1};
  EXPECT_EQ(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds.data()), 0);
  return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

// A read that does not wait: the available bytes, "(end)", "(nothing)" or the error's name.
inline std::string read_now(const UniqueFd& fd, std::size_t most = 1U << 20) {
  const int flags = ::fcntl(fd.get(), F_GETFL);
  (void)::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK);
  std::string text(most, '\0');
  const ssize_t got = ::read(fd.get(), text.data(), text.size());
  const int error = errno;
  (void)::fcntl(fd.get(), F_SETFL, flags);
  if (got < 0) return error == EAGAIN ? "(nothing)" : ::strerrorname_np(error);
  if (got == 0) return "(end)";
  text.resize(static_cast<std::size_t>(got));
  return text;
}

// The same for a write: the number of bytes, or the error's name.
inline std::string write_now(const UniqueFd& fd, std::string_view text) {
  const int flags = ::fcntl(fd.get(), F_GETFL);
  (void)::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK);
  const ssize_t put = ::write(fd.get(), text.data(), text.size());
  const int error = errno;
  (void)::fcntl(fd.get(), F_SETFL, flags);
  return put < 0 ? ::strerrorname_np(error) : std::to_string(put);
}

class RelayPair {
 public:
  static constexpr std::uint64_t kMaxFileBytes = 1U << 20;

  RelayPair() {
    // As in the agent: writing to a pipe that nobody reads gives an error, not a signal.
    (void)::signal(SIGPIPE, SIG_IGN);
    for (const std::uint32_t id : {1U, 2U}) {
      sides_.emplace(id, std::make_unique<FileRelays>(
                             io_, FileRelaysSetup{
                                      .max_file_bytes = id == 1 ? kMaxFileBytes : kMaxFileBytes / 2,
                                      .max_waiting_bytes = 2 * kMaxFileBytes,
                                      .send =
                                          [this, id](HostId to, peer::FileMessage message) {
                                            EXPECT_EQ(to.value(), 3 - id);
                                            mail_[to.value()].push_back(std::move(message));
                                          },
                                      .waiting_bytes = [this](HostId) { return waiting_bytes; },
                                      .max_held_bytes = kMaxFileBytes,
                                      .held_bytes = [this] { return held_bytes; },
                                      // However slow the machine is, it does not end in a test.
                                      .homecoming_pause_ms = 600'000,
                                  }));
    }
  }
  // After every test nothing may be left when all programs have closed.
  void expect_nothing_left(int line = __builtin_LINE()) {
    SCOPED_TRACE(line);
    settle();
    EXPECT_EQ(side(1).relays(), 0U);
    EXPECT_EQ(side(2).relays(), 0U);
  }

  std::uint64_t waiting_bytes = 0;
  std::uint64_t held_bytes = 0;
  std::size_t messages = 0;  // delivered
  std::size_t most_in_flight = 0;

  FileRelays& side(std::uint32_t id) { return *sides_.at(id); }
  std::deque<peer::FileMessage>& mail_for(std::uint32_t id) { return mail_[id]; }

  static constexpr std::uint32_t kUser = 1000;

  void run_once() {
    io_.run_one();
    io_.restart();
  }
  void run_until(const bool& done) {
    while (!done) run_once();
  }
  // Until the thread of that side's files has done what it was given, and has read what is there.
  void bring_up_to_date(std::uint32_t id) {
    std::vector<ForeignFile> none;
    bool done = false;
    ASSERT_TRUE(side(id).look_and_bring_up_to_date(
        kUser, none, [&done](const std::vector<ForeignFile>&) { done = true; }));
    run_until(done);
  }
  ForeignFile look_at(std::uint32_t id, ForeignFd fd) {
    std::vector<ForeignFile> files;
    files.push_back({.fd = std::move(fd), .findings = nullptr});
    ForeignFile looked_at;
    bool done = false;
    EXPECT_TRUE(
        side(id).look_and_bring_up_to_date(kUser, files, [&](std::vector<ForeignFile> back) {
          looked_at = std::move(back.at(0));
          done = true;
        }));
    run_until(done);
    return looked_at;
  }
  // A program's descriptor, of which the agent has a copy, as of one that came in a message.
  std::expected<FileNumber, FileRefusal> export_file(std::uint32_t from, const UniqueFd& fd) {
    ForeignFd copy(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
    return side(from).export_file(HostId{3 - from}, look_at(from, std::move(copy)), kUser);
  }
  // The program gets it.
  UniqueFd receive(std::uint32_t id, FileRelays::Imported imported) {
    bool done = false;
    if (imported.same_as != RelayId{} && side(id).open_again(imported, kUser, [&](UniqueFd opened) {
          if (opened) {
            side(id).not_needed(std::exchange(imported.relay, RelayId{}));
            imported.fd = std::move(opened);
          }
          done = true;
        })) {
      run_until(done);
    }
    if (imported.relay != RelayId{}) {
      side(id).program_gets(imported.relay, kUser);
      side(id).program_has_it(imported.relay);
    }
    return std::move(imported.fd);
  }

  // Runs until nothing happens any more.
  void settle() {
    // Another thread closes the descriptors that this one lets go of; the next round sees that.
    for (int quiet = 0; quiet < 2; ++quiet) {
      bool any = false;
      for (const std::uint32_t id : {1U, 2U}) {
        const std::size_t before = mail_[3 - id].size();
        bring_up_to_date(id);
        any = any || mail_[3 - id].size() != before;
      }
      wait_for_closes();
      for (const std::uint32_t id : {1U, 2U}) {
        std::size_t bytes = 0;
        for (const auto& message : mail_[id]) {
          if (const auto* data = std::get_if<peer::FileData>(&message.content)) {
            bytes += data->bytes.size();
          }
        }
        most_in_flight = std::max(most_in_flight, bytes);
        for (; !mail_[id].empty(); any = true) {
          peer::FileMessage message = std::move(mail_[id].front());
          mail_[id].pop_front();
          ++messages;
          const char* broken = side(id).message_arrived(HostId{3 - id}, std::move(message));
          EXPECT_EQ(broken, nullptr) << broken;
        }
      }
      if (any) quiet = -1;
    }
  }

  std::expected<FileNumber, FileRefusal> offer(std::uint32_t from, const UniqueFd& program_fd) {
    auto number = export_file(from, program_fd);
    if (number) side(from).send_offers(HostId{3 - from});
    settle();
    return number;
  }

  // The descriptor that a program of the other host receives.
  UniqueFd pass(std::uint32_t from, const UniqueFd& program_fd) {
    const auto number = offer(from, program_fd);
    if (!number) {
      ADD_FAILURE() << number.error().reason;
      return {};
    }
    auto imported = side(3 - from).import_file(HostId{from}, *number);
    if (!imported) {
      ADD_FAILURE() << imported.error();
      return {};
    }
    side(3 - from).drop_offers(HostId{from});
    UniqueFd received = receive(3 - from, std::move(*imported));
    settle();
    return received;
  }

  // The same for two in one message.
  std::pair<UniqueFd, UniqueFd> pass_twice(std::uint32_t from, const UniqueFd& first,
                                           const UniqueFd& second) {
    std::vector<FileNumber> numbers;
    for (const UniqueFd* each : {&first, &second}) {
      const auto number = export_file(from, *each);
      if (!number) {
        ADD_FAILURE() << number.error().reason;
        return {};
      }
      numbers.push_back(*number);
    }
    side(from).send_offers(HostId{3 - from});
    settle();
    std::vector<FileRelays::Imported> all;
    for (const FileNumber number : numbers) {
      auto imported = side(3 - from).import_file(HostId{from}, number);
      if (!imported) {
        ADD_FAILURE() << imported.error();
        return {};
      }
      all.push_back(std::move(*imported));
    }
    side(3 - from).drop_offers(HostId{from});
    UniqueFd of_first = receive(3 - from, std::move(all[0]));
    UniqueFd of_second = receive(3 - from, std::move(all[1]));
    settle();
    return {std::move(of_first), std::move(of_second)};
  }

  void lose_session() {
    mail_.clear();
    side(1).peer_lost(HostId{2});
    side(2).peer_lost(HostId{1});
  }

 private:
  boost::asio::io_context io_;
  std::map<std::uint32_t, std::deque<peer::FileMessage>> mail_;
  std::map<std::uint32_t, std::unique_ptr<FileRelays>> sides_;
};

}  // namespace netbinder::testing
