// SPDX-License-Identifier: Apache-2.0
//
// Answers what each program does (core/view/load_collection.h), for `netbinder top`, as a line of
// JSON. It is made in slices between other events, one at a time for each user; a user sees his own
// programs.
//
// Owned by the Agent. Thread: the data-plane thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "core/base/lifetime.h"
#include "core/view/viewer.h"
#include "node-agent/name_of_process.h"

namespace netbinder {

class Driver;

class ProcessLoads {
 public:
  using Done = std::function<void(std::string line)>;

  ProcessLoads(boost::asio::io_context& io, const Driver& driver, NameOfProcess name_of)
      : io_(io), driver_(driver), name_of_(std::move(name_of)) {}
  ProcessLoads(const ProcessLoads&) = delete;
  ProcessLoads& operator=(const ProcessLoads&) = delete;

  // `done` is called by a later event. False: one is being made for that user, and it is not
  // called.
  bool ask(const Viewer& viewer, Done done);

 private:
  struct Job;
  void go_on_later(std::shared_ptr<Job> job);

  boost::asio::io_context& io_;
  const Driver& driver_;
  const NameOfProcess name_of_;
  std::set<std::uint32_t> users_;  // for whom one is being made; those who see all count as root
  Lifetime lifetime_;
};

}  // namespace netbinder
