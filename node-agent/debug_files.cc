// SPDX-License-Identifier: Apache-2.0
#include "node-agent/debug_files.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <nlohmann/json.hpp>
#include <system_error>
#include <thread>
#include <utility>

#include "core/driver.h"
#include "core/view/debug_collection.h"
#include "node-agent/debug_content.h"
#include "node-agent/debug_json.h"
#include "node-agent/debug_text.h"
#include "transport/all_signals_blocked.h"

namespace netbinder {

namespace {

// A read-only descriptor of a file in memory.
UniqueFd read_only_file(const std::string& text) {
  UniqueFd file(::memfd_create("netbinder-debug", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file) return {};
  for (std::size_t written = 0; written < text.size();) {
    const ssize_t got = ::write(file.get(), text.data() + written, text.size() - written);
    if (got <= 0) return {};
    written += static_cast<std::size_t>(got);
  }
  ::fcntl(file.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
  return UniqueFd(
      ::open(("/proc/self/fd/" + std::to_string(file.get())).c_str(), O_RDONLY | O_CLOEXEC));
}

// `text` is a string; `{"text":text}`.
std::string text_in_json(std::string text) {
  const nlohmann::json made = {{"text", std::move(text)}};
  return made.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

// The writing thread's input and output. It belongs to the thread until the bell rings.
struct DebugFiles::Job {
  DebugContent content;
  std::string file;
  Form form;
  Made made;
  UniqueFd bell;

  void put(std::optional<std::string> text) {
    made.missing = !text.has_value();
    if (!text) return;
    if (form == Form::kMemoryFile) {
      made.memory = read_only_file(*text);
      return;
    }
    made.line = form == Form::kTextInJson ? text_in_json(*std::move(text)) : *std::move(text);
    made.line += '\n';
  }
  void run() {
    content.state.sort_dead_nodes();
    put(form == Form::kJson ? debug_file_json(content, file) : debug_file_text(content, file));
    content = {};
    const std::uint64_t one = 1;
    (void)!::write(bell.get(), &one, sizeof one);
  }
};

DebugFiles::DebugFiles(boost::asio::io_context& io, Driver& driver) : io_(io), driver_(driver) {}
DebugFiles::~DebugFiles() = default;

bool DebugFiles::ask(const Viewer& viewer, std::string file, Form form, Done done) {
  std::deque<Request>& waiting = waiting_[viewer.euid.value_or(0)];
  if (waiting.size() >= kMaxOfUser) return false;
  waiting.push_back(
      {.viewer = viewer, .file = std::move(file), .form = form, .done = std::move(done)});
  if (!current_) begin_next();
  return true;
}

void DebugFiles::begin_next() {
  if (waiting_.empty()) return;
  auto next = waiting_.upper_bound(last_user_);
  if (next == waiting_.end()) next = waiting_.begin();
  last_user_ = next->first;
  current_ = std::move(next->second.front());
  next->second.pop_front();
  if (next->second.empty()) waiting_.erase(next);
  if (const auto pid = is_about_processes(current_->file)) {
    driver_.take_posted_reads();
    collection_ = std::make_unique<DebugCollection>(driver_.collect(current_->viewer, *pid));
  }
  go_on_later();
}

void DebugFiles::go_on_later() {
  boost::asio::post(io_, lifetime_.guard([this] { go_on(); }));
}

void DebugFiles::go_on() {
  if (!collection_) return write_short();
  if (!collection_->go_on()) return go_on_later();
  write();
}

void DebugFiles::write_short() {
  job_ = std::make_shared<Job>(
      Job{.content = {}, .file = current_->file, .form = current_->form, .made = {}, .bell = {}});
  job_->put(job_->form == Form::kJson ? debug_log_json(driver_, current_->viewer, job_->file)
                                      : debug_file_text(driver_, current_->viewer, job_->file));
  written();
}

void DebugFiles::write() {
  job_ = std::make_shared<Job>(Job{.content = {.state = collection_->take(),
                                               .statistics = driver_.statistics(),
                                               .counts = driver_.object_counts()},
                                   .file = current_->file,
                                   .form = current_->form,
                                   .made = {},
                                   .bell = UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))});
  collection_.reset();
  const int watched = job_->bell ? ::fcntl(job_->bell.get(), F_DUPFD_CLOEXEC, 0) : -1;
  if (watched < 0) return written();
  bell_.emplace(io_, watched);
  bool started = true;
  try {
    const AllSignalsBlocked without_signals;
    std::thread([job = job_] {
      (void)::prctl(PR_SET_NAME, "debug files");
      job->run();
    }).detach();
  } catch (const std::system_error&) {
    started = false;
  }
  if (!started) return written();
  bell_->async_wait(boost::asio::posix::stream_descriptor::wait_read,
                    [this](const boost::system::error_code& error) {
                      if (!error) written();
                    });
}

void DebugFiles::written() {
  bell_.reset();
  Made made = std::move(job_->made);
  job_.reset();
  const Done done = std::move(current_->done);
  current_.reset();
  done(std::move(made));
  if (!current_) begin_next();
}

}  // namespace netbinder
