// SPDX-License-Identifier: Apache-2.0
//
// The thread that does all I/O on descriptors which one user's programs share with other hosts:
// relays, and questions to files that are about to travel. Any of its system calls can wait for as
// long as that user's programs want it to, and then only that user's descriptors wait.
//
// The data plane posts jobs, which are done in order; a job answers with functions that the data
// plane runs, in order. Neither waits for the other.
//
// Shared by its thread and FileWorkers. The thread ends after stop(), once it comes to it; nobody
// waits for that. Thread: each function says so.
#pragma once

#include <atomic>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "node-agent/file_counter.h"
#include "node-agent/file_relay.h"
#include "node-agent/foreign_file.h"
#include "node-agent/message_queue.h"
#include "node-agent/unique_fd.h"

namespace netbinder {

// The queue of answers from all workers of an agent to its data plane.
class FileAnswers {
 public:
  using Answer = std::move_only_function<void()>;

  FileAnswers();  // throws std::system_error
  // A worker.
  void push(Answer answer);
  // The data plane.
  std::vector<Answer> take_all() { return answers_.take_all(); }
  // Readable, at an edge, when there may be answers.
  [[nodiscard]] int bell() const { return bell_.get(); }

 private:
  MessageQueue<Answer> answers_;
  UniqueFd bell_;
};

class FileWorker : public std::enable_shared_from_this<FileWorker> {
 public:
  using Job = std::move_only_function<void(FileWorker&)>;

  // ---- the data plane ----
  // Null if no thread can be made now. `is_idle` is told, by an answer, when it has had nothing to
  // do for a while.
  static std::shared_ptr<FileWorker> start(std::shared_ptr<FileAnswers> answers,
                                           std::function<void()> is_idle);
  FileWorker(std::shared_ptr<FileAnswers> answers, std::function<void()> is_idle);
  void post(Job job);
  // Lets go of all relays, and ends.
  void stop();
  [[nodiscard]] bool has_work() const { return posted_ != done_.load(std::memory_order_acquire); }

  // ---- its thread, in jobs ----
  void answer(FileAnswers::Answer answer) { answers_->push(std::move(answer)); }
  // A relay or a counter. `over` is the answer when it has ended.
  struct Relay {
    RelayId id;
    OpenFile file;
    std::unique_ptr<FileRelay> relay;  // one of these
    std::unique_ptr<FileCounter> counter;
    std::uint64_t had = 0;  // messages of the peer
    std::function<void()> over;
    [[nodiscard]] int fd() const { return relay ? relay->fd() : counter->fd(); }
    [[nodiscard]] bool ended() const { return relay ? relay->over() : counter->over(); }
  };
  void adopt(Relay relay);
  void arrived(RelayId id, FileContent content);
  // Does `work` with a relay that is no counter, if there is one with that id.
  void with_relay(RelayId id, const std::function<void(FileRelay&)>& work);
  // It has ended for the data plane.
  void let_go(RelayId id);
  // Reads all that can be read now.
  void bring_up_to_date();
  // Finds out about files, which one of its relays may be of.
  void look_at(ForeignFile& file, std::uint64_t max_content_bytes) const;
  // Opens the file of a relay's pipe once more, for a program; -1 if that cannot be done.
  [[nodiscard]] UniqueFd open_again(RelayId id, bool readable, bool nonblocking);

 private:
  void run();
  // Returns whether there may be more.
  bool serve_some(int timeout_ms);
  void serve(RelayId id, std::uint32_t events);
  void end_if_over(RelayId id);

  std::shared_ptr<FileAnswers> answers_;
  std::function<void()> is_idle_;
  MessageQueue<Job> jobs_;
  UniqueFd bell_;
  UniqueFd ready_;            // an epoll set
  std::uint64_t posted_ = 0;  // the data plane's
  std::atomic<std::uint64_t> done_ = 0;
  // Its thread's.
  bool stopped_ = false;
  boost::unordered_flat_map<std::uint64_t, Relay> relays_;
};

}  // namespace netbinder
