// SPDX-License-Identifier: Apache-2.0
#include "node-agent/file_workers.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <set>
#include <utility>
#include <vector>

#include "core/base/check.h"
#include "host/data_plane.h"
#include "node-agent/clock.h"
#include "transport/log.h"

namespace netbinder {

FileWorkers::FileWorkers(boost::asio::io_context& io)
    : bell_(io, [this](const epoll_event&) { take_answers(); }), timer_(io) {
  NB_CHECK(bell_.add(answers_->bell(), EPOLLIN | EPOLLET, {.u64 = 0}) == 0);
}

FileWorkers::~FileWorkers() {
  for (const auto& [uid, slot] : users_) slot->worker->stop();
}

std::size_t FileWorkers::threads() const {
  std::set<const Slot*> all;
  for (const auto& [uid, slot] : users_) all.insert(slot.get());
  return all.size();
}

std::shared_ptr<FileWorkers::Slot> FileWorkers::of(std::uint32_t uid) {
  const auto found = users_.find(uid);
  if (found != users_.end()) return found->second;
  if (users_.size() >= kMostWorkers && threads() >= kMostWorkers) {
    const auto shared = std::next(users_.begin(), uid % kMostWorkers);
    return users_.emplace(uid, shared->second).first->second;
  }
  auto slot = std::make_shared<Slot>();
  slot->worker = FileWorker::start(answers_, [this, weak = std::weak_ptr(slot)] { is_idle(weak); });
  if (!slot->worker) return nullptr;
  log::files.debug("a thread begins for descriptors of uid {}", uid);
  return users_.emplace(uid, std::move(slot)).first->second;
}

const FileWorkers::Slot* FileWorkers::find(std::uint32_t uid) const {
  const auto found = users_.find(uid);
  return found == users_.end() ? nullptr : found->second.get();
}

void FileWorkers::is_idle(const std::weak_ptr<Slot>& idle) {
  const auto slot = idle.lock();
  if (!slot || slot->relays > 0 || slot->worker->has_work()) return;
  slot->worker->stop();
  std::erase_if(users_, [&](const auto& user) {
    if (user.second != slot) return false;
    log::files.debug("the thread for descriptors of uid {} ends", user.first);
    return true;
  });
}

// ---- questions ----

bool FileWorkers::ask(std::uint32_t uid, FileWorker::Job work, Done done) {
  NB_ON_DATA_PLANE();
  auto slot = of(uid);
  if (!slot || slot->late) return false;
  const std::uint64_t question = ++last_question_;
  slot->worker->post([this, question, slot = std::weak_ptr(slot),
                      work = std::move(work)](FileWorker& worker) mutable {
    work(worker);
    worker.answer([this, question, slot] {
      if (const auto back = slot.lock()) back->late = false;
      answered(question);
    });
  });
  questions_.emplace(question, Question{.slot = std::move(slot),
                                        .deadline_ms = monotonic_ms() + kMostWaitMs,
                                        .done = std::move(done)});
  set_timer();
  return true;
}

void FileWorkers::answered(std::uint64_t question) {
  const auto found = questions_.find(question);
  if (found == questions_.end()) return;
  Done done = std::move(found->second.done);
  questions_.erase(found);
  done(true);
}

void FileWorkers::take_answers() {
  NB_ON_DATA_PLANE();
  NB_CHECK(!std::exchange(taking_answers_, true));  // they are taken in order
  for (FileAnswers::Answer& answer : answers_->take_all()) answer();
  taking_answers_ = false;
}

void FileWorkers::set_timer() {
  if (timer_is_set_ || questions_.empty()) return;
  timer_is_set_ = true;
  const std::uint64_t now_ms = monotonic_ms();
  const std::uint64_t deadline_ms = questions_.begin()->second.deadline_ms;
  timer_.expires_after(std::chrono::milliseconds(deadline_ms - std::min(now_ms, deadline_ms)));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    timer_is_set_ = false;
    time_is_up();
    set_timer();
  });
}

void FileWorkers::tell_late(const Slot& late) const {
  for (const auto& [uid, slot] : users_) {
    if (slot.get() != &late) continue;
    log::files.debug("a descriptor of uid {} is stuck: no more of them are passed until it is not",
                     uid);
  }
}

void FileWorkers::time_is_up() {
  const std::uint64_t now_ms = monotonic_ms();
  std::vector<std::shared_ptr<Slot>> late;
  for (const auto& [number, question] : questions_) {
    if (question.deadline_ms > now_ms) break;
    if (!std::exchange(question.slot->late, true)) tell_late(*question.slot);
    late.push_back(question.slot);
  }
  std::vector<Done> given_up;
  for (auto each = questions_.begin(); each != questions_.end();) {
    const bool is_late = std::ranges::find(late, each->second.slot) != late.end();
    if (is_late) given_up.push_back(std::move(each->second.done));
    each = is_late ? questions_.erase(each) : std::next(each);
  }
  for (Done& done : given_up) done(false);
}

}  // namespace netbinder
