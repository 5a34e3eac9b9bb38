// SPDX-License-Identifier: Apache-2.0
//
// Makes the driver's debug files. Those about processes can be long: what they are written from is
// collected in slices between other events, and a thread of their own writes them. One is made at a
// time; the users who ask take turns.
//
// Owned by the Agent. Thread: the data-plane thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "core/base/lifetime.h"
#include "core/view/viewer.h"
#include "node-agent/unique_fd.h"

namespace netbinder {

class DebugCollection;
class Driver;

class DebugFiles {
 public:
  // The text of the file in a read-only file in memory; as an object of JSON, in a line; the text as
  // the member "text" of one.
  enum class Form { kMemoryFile, kJson, kTextInJson };
  struct Made {
    bool missing = false;  // there is no such file
    std::string line;      // with its end; empty as well if there is no memory or thread for it
    UniqueFd memory;
  };
  using Done = std::function<void(Made)>;

  static constexpr std::size_t kMaxOfUser = 32;

  DebugFiles(boost::asio::io_context& io, Driver& driver);
  ~DebugFiles();
  DebugFiles(const DebugFiles&) = delete;
  DebugFiles& operator=(const DebugFiles&) = delete;

  // `done` is called by a later event. False: as many are wanted by that user already, and it is not
  // called.
  bool ask(const Viewer& viewer, std::string file, Form form, Done done);

 private:
  struct Request {
    Viewer viewer;
    std::string file;
    Form form = Form::kJson;
    Done done;
  };
  struct Job;

  void begin_next();
  void go_on_later();
  void go_on();
  void write_short();
  void write();
  void written();

  boost::asio::io_context& io_;
  Driver& driver_;
  std::map<std::uint32_t, std::deque<Request>> waiting_;  // by user; those who see all count as root
  std::uint32_t last_user_ = 0;
  std::optional<Request> current_;
  std::unique_ptr<DebugCollection> collection_;
  std::shared_ptr<Job> job_;
  std::optional<boost::asio::posix::stream_descriptor> bell_;
  Lifetime lifetime_;
};

}  // namespace netbinder
