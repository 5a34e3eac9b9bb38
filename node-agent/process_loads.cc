// SPDX-License-Identifier: Apache-2.0
#include "node-agent/process_loads.h"

#include <boost/asio/post.hpp>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "core/driver.h"
#include "core/view/load_collection.h"

namespace netbinder {

namespace {

void append(std::string& text, const ProcessLoad& load, std::string_view program) {
  const nlohmann::json made = {{"id", load.id.value()},
                               {"pid", load.pid},
                               {"uid", load.euid},
                               {"context", load.context},
                               {"program", program},
                               {"threads", load.threads},
                               {"waiting_threads", load.waiting_threads},
                               {"nodes", load.nodes},
                               {"refs", load.refs},
                               {"outstanding", load.outstanding},
                               {"arena_bytes", load.arena_bytes},
                               {"arena_used_bytes", load.arena_used_bytes},
                               {"calls_made", load.calls_made},
                               {"calls_handled", load.calls_handled}};
  if (text.back() != '[') text += ',';
  text += made.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

struct ProcessLoads::Job {
  std::uint32_t user;
  LoadCollection collection;
  Done done;
  std::string text = R"({"processes":[)";
};

bool ProcessLoads::ask(const Viewer& viewer, Done done) {
  const std::uint32_t user = viewer.euid.value_or(0);
  if (!users_.insert(user).second) return false;
  go_on_later(std::make_shared<Job>(
      Job{.user = user, .collection = driver_.collect_loads(viewer), .done = std::move(done)}));
  return true;
}

void ProcessLoads::go_on_later(std::shared_ptr<Job> job) {
  boost::asio::post(io_, lifetime_.guard([this, job = std::move(job)] {
    std::vector<ProcessLoad> loads;
    const bool complete = job->collection.go_on(loads);
    for (const ProcessLoad& load : loads) append(job->text, load, name_of_(load.id));
    if (!complete) return go_on_later(job);
    users_.erase(job->user);
    job->done(std::move(job->text) + "]}\n");
  }));
}

}  // namespace netbinder
