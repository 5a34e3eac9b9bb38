// SPDX-License-Identifier: Apache-2.0
#include "node-agent/file_worker.h"
#include "transport/all_signals_blocked.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace netbinder {

namespace {

constexpr int kIdleMs = 1000;

UniqueFd make_bell() {
  UniqueFd bell(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!bell) throw std::system_error(errno, std::generic_category(), "eventfd");
  return bell;
}

// Whoever listens takes edges, and never reads it.
void ring(const UniqueFd& bell) {
  const std::uint64_t one = 1;
  (void)!::write(bell.get(), &one, sizeof one);
}

}  // namespace

FileAnswers::FileAnswers() : bell_(make_bell()) {}

void FileAnswers::push(Answer answer) {
  if (answers_.push(std::move(answer))) ring(bell_);
}

// ---- the data plane ----

FileWorker::FileWorker(std::shared_ptr<FileAnswers> answers, std::function<void()> is_idle)
    : answers_(std::move(answers)),
      is_idle_(std::move(is_idle)),
      bell_(make_bell()),
      ready_(::epoll_create1(EPOLL_CLOEXEC)) {
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.u64 = 0}};
  if (!ready_ || ::epoll_ctl(ready_.get(), EPOLL_CTL_ADD, bell_.get(), &event) != 0) {
    throw std::system_error(errno, std::generic_category(), "epoll");
  }
}

std::shared_ptr<FileWorker> FileWorker::start(std::shared_ptr<FileAnswers> answers,
                                              std::function<void()> is_idle) {
  const AllSignalsBlocked without_signals;
  std::shared_ptr<FileWorker> made;
  try {
    made = std::make_shared<FileWorker>(std::move(answers), std::move(is_idle));
    std::thread([made] { made->run(); }).detach();
  } catch (const std::system_error&) {
    made.reset();
  }
  return made;
}

void FileWorker::post(Job job) {
  ++posted_;
  if (jobs_.push(std::move(job))) ring(bell_);
}

void FileWorker::stop() {
  post([](FileWorker& worker) {
    worker.stopped_ = true;
    worker.relays_.clear();
  });
}

// ---- its thread ----

void FileWorker::run() {
  (void)::prctl(PR_SET_NAME, "files");
  bool idle_told = false;
  while (!stopped_) {
    for (Job& job : jobs_.take_all()) {
      job(*this);
      job = nullptr;
      done_.fetch_add(1, std::memory_order_release);
      idle_told = false;
      if (stopped_) return;
    }
    const bool may_idle = relays_.empty() && !idle_told;
    const bool any = serve_some(!jobs_.empty() ? 0 : may_idle ? kIdleMs : -1);
    if (!any && may_idle && jobs_.empty()) {
      idle_told = true;
      answer(is_idle_);
    }
  }
}

bool FileWorker::serve_some(int timeout_ms) {
  std::array<epoll_event, 16> events;
  const int count = ::epoll_wait(ready_.get(), events.data(), events.size(), timeout_ms);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.u64 != 0) serve(RelayId{event.data.u64}, event.events);
  }
  return timeout_ms == 0 ? count == static_cast<int>(events.size()) : count != 0;
}

void FileWorker::bring_up_to_date() {
  while (serve_some(0)) {
  }
}

void FileWorker::serve(RelayId id, std::uint32_t events) {
  const auto found = relays_.find(id.value());
  if (found == relays_.end()) return;
  if (found->second.counter) {
    found->second.counter->look();
  } else {
    found->second.relay->ready(events);
  }
  end_if_over(id);
}

void FileWorker::adopt(Relay relay) {
  const RelayId id = relay.id;
  // For an eventfd each change is an event, whoever makes it: a read makes it writable again.
  epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                    .data = {.u64 = id.value()}};
  const bool watched = ::epoll_ctl(ready_.get(), EPOLL_CTL_ADD, relay.fd(), &event) == 0;
  Relay& here = relays_.emplace(id.value(), std::move(relay)).first->second;
  if (!watched) {  // the kernel limits how many can be watched
    here.relay ? here.relay->close() : here.counter->close();
  }
  end_if_over(id);
}

void FileWorker::arrived(RelayId id, FileContent content) {
  const auto found = relays_.find(id.value());
  if (found == relays_.end()) return;
  ++found->second.had;
  std::visit(
      [&]<typename T>(T& each) {
        if constexpr (!std::is_same_v<T, peer::FileOffered>) {
          if (found->second.counter) {
            found->second.counter->arrived(each);
          } else {
            found->second.relay->arrived(std::move(each));
          }
        }
      },
      content);
  end_if_over(id);
}

void FileWorker::with_relay(RelayId id, const std::function<void(FileRelay&)>& work) {
  const auto found = relays_.find(id.value());
  if (found == relays_.end() || !found->second.relay) return;
  work(*found->second.relay);
  end_if_over(id);
}

void FileWorker::end_if_over(RelayId id) {
  const auto found = relays_.find(id.value());
  if (found == relays_.end() || !found->second.ended()) return;
  // A program may keep the description open.
  (void)::epoll_ctl(ready_.get(), EPOLL_CTL_DEL, found->second.fd(), nullptr);
  answer(std::move(found->second.over));
  relays_.erase(found);
}

void FileWorker::let_go(RelayId id) {
  const auto found = relays_.find(id.value());
  if (found == relays_.end()) return;
  (void)::epoll_ctl(ready_.get(), EPOLL_CTL_DEL, found->second.fd(), nullptr);
  relays_.erase(found);
}

void FileWorker::look_at(ForeignFile& file, std::uint64_t max_content_bytes) const {
  file.findings = look_at_file(file.fd, max_content_bytes);
  FileFindings& findings = *file.findings;
  if (!findings.kind || findings.file.inode == 0) return;
  for (const auto& [id, each] : relays_) {
    if (each.relay && each.file == findings.file && each.relay->nothing_unread()) {
      findings.quiet.emplace_back(each.id, each.had);
    }
  }
}

UniqueFd FileWorker::open_again(RelayId id, bool readable, bool nonblocking) {
  const auto found = relays_.find(id.value());
  if (found == relays_.end() || !found->second.relay) return UniqueFd();
  const std::string path = "/proc/self/fd/" + std::to_string(found->second.fd());
  const int flags = (readable ? O_RDONLY : O_WRONLY) | O_CLOEXEC;
  UniqueFd opened(::open(path.c_str(), flags | O_NONBLOCK));
  if (opened && !nonblocking) (void)::fcntl(opened.get(), F_SETFL, flags);
  return opened;
}

}  // namespace netbinder
