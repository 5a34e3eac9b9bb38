// SPDX-License-Identifier: Apache-2.0
//
// The users whose programs share descriptors with other hosts, and their FileWorkers: one thread
// for each user, begun when it is needed and ended when it has had nothing to do for a while.
// Beyond kMostWorkers users share them.
//
// A question is answered in time or not at all: who asks goes on after kMostWaitMs, and as long as
// that worker has not come back, nobody waits for it.
//
// Owned by FileRelays. Thread: the data-plane thread. It never waits for a worker; those that are
// stuck when this ends are left to themselves.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "node-agent/epoll_set.h"
#include "node-agent/file_worker.h"

namespace netbinder {

class FileWorkers {
 public:
  static constexpr std::size_t kMostWorkers = 64;
  static constexpr int kMostWaitMs = 5000;

  // A user's, or several users'.
  struct Slot {
    std::shared_ptr<FileWorker> worker;
    std::size_t relays = 0;
    bool late = false;  // a question was not answered in time, and none has been since
  };
  // Whether the question was answered; what it was to find out is there only then.
  using Done = std::move_only_function<void(bool answered)>;

  explicit FileWorkers(boost::asio::io_context& io);
  ~FileWorkers();
  FileWorkers(const FileWorkers&) = delete;
  FileWorkers& operator=(const FileWorkers&) = delete;

  // Null if no thread can be made now.
  [[nodiscard]] std::shared_ptr<Slot> of(std::uint32_t uid);
  // Null if the user has none.
  [[nodiscard]] const Slot* find(std::uint32_t uid) const;

  // Has the user's worker do `work`, after all that it was given before; then `done` is called. Not
  // at all, and false is returned, if there is no thread or nobody waits for it.
  bool ask(std::uint32_t uid, FileWorker::Job work, Done done);
  // Takes the answers that are there.
  void take_answers();

  [[nodiscard]] std::size_t threads() const;

 private:
  struct Question {
    std::shared_ptr<Slot> slot;
    std::uint64_t deadline_ms = 0;
    Done done;
  };
  void is_idle(const std::weak_ptr<Slot>& idle);
  void answered(std::uint64_t question);
  void set_timer();
  void time_is_up();
  void tell_late(const Slot& late) const;

  std::shared_ptr<FileAnswers> answers_ = std::make_shared<FileAnswers>();
  EpollSet bell_;
  boost::asio::steady_timer timer_;
  bool timer_is_set_ = false;
  bool taking_answers_ = false;
  std::map<std::uint32_t, std::shared_ptr<Slot>> users_;
  std::map<std::uint64_t, Question> questions_;  // in the order of their deadlines
  std::uint64_t last_question_ = 0;
};

}  // namespace netbinder
