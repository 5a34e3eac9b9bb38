// SPDX-License-Identifier: Apache-2.0
//
// A program's Hello, which is the whole input, and what the driver is asked because of it. Names
// are no longer than their fields and end at the first zero.
#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "core/base/check.h"
#include "core/view/viewer.h"
#include "node-agent/debug_content.h"
#include "node-agent/debug_json.h"
#include "node-agent/debug_text.h"
#include "node-agent/hello_request.h"
#include "tests/core/cluster_fixture.h"
#include "tests/fuzz/expectations.h"
#include "tests/fuzz/seeds.h"

namespace netbinder::fuzz {
namespace {

void check_text(const std::string& text, std::size_t field_bytes) {
  NB_CHECK(text.size() <= field_bytes && !text.contains('\0'));
}

class Asked {
 public:
  explicit Asked(testing::Cluster& cluster) : driver_(cluster.host(1).driver) {}

  void operator()(const OpenDevice& wanted) {
    check_text(wanted.device, sizeof Hello::name);
    check_text(wanted.dialect, sizeof Hello::dialect);
    NB_CHECK(wanted.nice >= -20 && wanted.nice <= 19);
    const auto opened = driver_.open(
        wanted.device,
        Credentials{.pid = 7, .euid = 8, .security_context = "u:r:p:s0", .nice = wanted.nice});
    NB_CHECK(opened.has_value() == driver_.has_context(wanted.device));
    if (opened) driver_.close(*opened);
  }
  void operator()(const ReadDebugFile& wanted) {
    check_text(wanted.file, sizeof Hello::name);
    const auto text = debug_file_text(driver_, Viewer::everything(), wanted.file);
    const DebugContent content{.state = driver_.debug_state(),
                               .statistics = driver_.statistics(),
                               .counts = driver_.object_counts()};
    const auto json = debug_file_json(content, wanted.file);
    const auto log = debug_log_json(driver_, Viewer::everything(), wanted.file);
    NB_CHECK(text || (!json && !log));
  }
  void operator()(const FindDevice& wanted) { check_text(wanted.device, sizeof Hello::name); }
  void operator()(const AddDevice& wanted) {
    check_text(wanted.device, sizeof Hello::name);
    if (refuse_device_name(wanted.device) != 0) return;
    const bool there = driver_.has_context(wanted.device);
    const int error = driver_.add_context({.name = wanted.device, .cluster_wide = false});
    NB_CHECK((error == 0) == !there && driver_.has_context(wanted.device));
    NB_CHECK(debug_file_text(driver_, Viewer::everything(), "devices/")->contains(wanted.device));
  }
  void operator()(const RemoveDevice& wanted) {
    check_text(wanted.device, sizeof Hello::name);
    const bool there = driver_.has_context(wanted.device);
    const int error = driver_.remove_context(wanted.device);
    NB_CHECK((error != -ENOENT) == there);
    NB_CHECK(driver_.has_context(wanted.device) == (there && error != 0));
  }
  void operator()(const AttachToChannel&) {}

 private:
  Driver& driver_;
};

}  // namespace

std::vector<Seed> make_seeds() {
  std::vector<Seed> seeds;
  const auto add = [&](const char* seed_name, HelloPurpose purpose, const char* name) {
    Hello hello;
    hello.purpose = purpose;
    hello.flags = kHelloDialectDetected;
    hello.nice = 5;
    std::strcpy(hello.name, name);
    if (purpose == kHelloOpen) std::strcpy(hello.dialect, "android13");
    Seed seed{.name = seed_name, .bytes = {}};
    seeds.push_back(seed.raw(std::as_bytes(std::span(&hello, 1))));
  };
  add("open", kHelloOpen, "binder");
  {
    Hello older;
    older.version = kOldestChannelVersion;
    std::strcpy(older.name, "binder");
    Seed seed{.name = "open-by-9", .bytes = {}};
    seeds.push_back(seed.raw(std::as_bytes(std::span(&older, 1)).first(kHelloBytesOf9)));
    Hello newer;
    newer.version = kChannelVersion + 1;
    std::strcpy(newer.name, "binder");
    std::array<std::byte, sizeof newer + 8> longer{};
    std::memcpy(longer.data(), &newer, sizeof newer);
    Seed other{.name = "open-by-a-newer-one", .bytes = {}};
    seeds.push_back(other.raw(longer));
  }
  add("open-unknown", kHelloOpen, "nobinder");
  add("attach", kHelloAttach, "");
  add("find", kHelloFindDevice, "binder");
  add("add", kHelloAddDevice, "new");
  add("remove", kHelloRemoveDevice, "new");
  add("add-features", kHelloAddDevice, "features");
  for (const char* file : {"state", "stats", "transactions", "transaction_log",
                           "failed_transaction_log", "proc/", "proc/100", "devices/"}) {
    std::string name = std::string("debug-") + file;
    std::ranges::replace(name, '/', '-');
    add(name.c_str(), kHelloDebugFile, file);
  }
  return seeds;
}

}  // namespace netbinder::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace netbinder;
  fuzz::abort_at_failures();
  const auto request = parse_hello(std::as_bytes(std::span(data, size)));
  NB_CHECK(request || request.error().error == -EPROTO);
  if (request)
    NB_CHECK(request->version >= kOldestChannelVersion && request->version <= kChannelVersion);
  if (!request) return 0;
  netbinder::testing::Cluster cluster;
  netbinder::testing::Program program(cluster.host(1), 100);
  program.greet(1);
  std::visit(fuzz::Asked(cluster), request->wanted);
  cluster.settle();
  return 0;
}
