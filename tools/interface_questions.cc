// SPDX-License-Identifier: Apache-2.0
#include "tools/interface_questions.h"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

#include "tools/binder_client.h"

namespace netbinder::tools {

// A thread and its client of the driver.
struct InterfaceQuestions::Asker {
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<std::string> name;  // that is to be asked
  bool answered = false;
  std::optional<std::string> answer;
  bool ending = false;

  void run(const std::string& device) {
    std::optional<BinderClient> client;
    std::unique_lock lock(mutex);
    for (;;) {
      changed.wait(lock, [this] { return ending || name; });
      if (ending) return;
      const std::string asked = *std::exchange(name, std::nullopt);
      lock.unlock();
      std::optional<std::string> got;
      try {
        if (!client) client.emplace(device);
        if (const auto handle = client->find_service(asked)) got = client->interface_of(*handle);
      } catch (const std::exception&) {
        // The manager has gone: nothing is known of the service.
      }
      lock.lock();
      answer = std::move(got);
      answered = true;
      changed.notify_all();
    }
  }
};

InterfaceQuestions::InterfaceQuestions(std::string device) : device_(std::move(device)) {}

InterfaceQuestions::~InterfaceQuestions() {
  if (!asker_) return;
  const std::lock_guard lock(asker_->mutex);
  asker_->ending = true;
  asker_->changed.notify_all();
}

std::optional<std::string> InterfaceQuestions::ask(const std::string& name,
                                                   std::chrono::milliseconds limit) {
  if (!asker_) {
    asker_ = std::make_shared<Asker>();
    std::thread([asker = asker_, device = device_] { asker->run(device); }).detach();
  }
  std::unique_lock lock(asker_->mutex);
  asker_->answered = false;
  asker_->name = name;
  asker_->changed.notify_all();
  const bool in_time = asker_->changed.wait_for(lock, limit, [this] { return asker_->answered; });
  auto answer = in_time ? asker_->answer : std::nullopt;
  lock.unlock();
  if (!in_time) asker_.reset();
  return answer;
}

}  // namespace netbinder::tools
