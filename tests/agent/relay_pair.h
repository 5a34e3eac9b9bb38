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
                                  }));
    }
  }
  // After every test nothing may be left when all programs have closed.
  void expect_nothing_left() {
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

  // Runs until nothing happens any more.
  void settle() {
    bool any = true;
    while (any) {
      wait_for_closes();
      any = io_.poll() > 0;
      io_.restart();
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
    }
  }

  std::expected<FileNumber, FileRefusal> offer(std::uint32_t from, const UniqueFd& program_fd) {
    // The agent has a copy, as one that came in a message.
    ForeignFd copy(::fcntl(program_fd.get(), F_DUPFD_CLOEXEC, 0));
    auto number = side(from).export_file(HostId{3 - from}, std::move(copy));
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
    if (imported->relay != RelayId{}) side(3 - from).program_has_it(imported->relay);
    settle();
    return std::move(imported->fd);
  }

  // The same for two in one message.
  std::pair<UniqueFd, UniqueFd> pass_twice(std::uint32_t from, const UniqueFd& first,
                                           const UniqueFd& second) {
    std::vector<FileNumber> numbers;
    for (const UniqueFd* each : {&first, &second}) {
      const auto number = side(from).export_file(
          HostId{3 - from}, ForeignFd(::fcntl(each->get(), F_DUPFD_CLOEXEC, 0)));
      if (!number) {
        ADD_FAILURE() << number.error().reason;
        return {};
      }
      numbers.push_back(*number);
    }
    side(from).send_offers(HostId{3 - from});
    settle();
    std::vector<UniqueFd> fds;
    std::vector<RelayId> relays;
    for (const FileNumber number : numbers) {
      auto imported = side(3 - from).import_file(HostId{from}, number);
      if (!imported) {
        ADD_FAILURE() << imported.error();
        return {};
      }
      fds.push_back(std::move(imported->fd));
      relays.push_back(imported->relay);
    }
    side(3 - from).drop_offers(HostId{from});
    for (const RelayId relay : relays) side(3 - from).program_has_it(relay);
    settle();
    return {std::move(fds[0]), std::move(fds[1])};
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
