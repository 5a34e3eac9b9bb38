// SPDX-License-Identifier: Apache-2.0
//
// Answers of etcd, at any time: the input is a list of lines, each an event of a host that is a
// member there (etcd_member.h). Whatever it says, what the host is told is whole and valid, each
// claim is answered once, and nothing is told before the host has joined.
#include <algorithm>
#include <deque>
#include <set>
#include <string>
#include <string_view>

#include "cluster-config/address.h"
#include "core/base/check.h"
#include "membership/etcd/etcd_member.h"
#include "membership/etcd/values.h"
#include "tests/fuzz/seeds.h"
#include "transport/base64.h"
#include "transport/log.h"

namespace netbinder::fuzz {
namespace {

class Told final : public MembershipEvents {
 public:
  void members_changed(const std::vector<Member>& members) override {
    joined = true;
    std::set<std::string> names;
    std::set<std::string> addresses;
    HostId last;
    bool self = false;
    for (const Member& member : members) {
      NB_CHECK(last < member.id && host_name_valid(member.name));
      NB_CHECK(names.insert(member.name).second);
      self = self || member.name == "a";
      if (member.name != "a") {
        NB_CHECK(address_problem(member.address, false).empty());
        NB_CHECK(addresses.insert(member.address).second);
      }
      last = member.id;
    }
    NB_CHECK(self);
  }
  void claim_answered(const std::string& context, ClaimAnswer answer) override {
    NB_CHECK(context == "binder" && unanswered > 0);
    --unanswered;
    if (answer == ClaimAnswer::kGranted) held = true;
  }
  void claim_lost(const std::string& /*context*/) override {
    NB_CHECK(held);
    held = false;
  }
  void claim_held(const std::string& /*context*/, std::optional<ClaimHolder> holder) override {
    NB_CHECK(joined && (!holder || holder->host.value() != 0));
  }
  bool joined = false;
  bool held = false;
  std::size_t unanswered = 0;
};

class Asked final : public etcd::Requests {
 public:
  void use_endpoint(std::size_t index) override {
    NB_CHECK(index < 2);
    calls.clear();
  }
  void use_token(const std::string& /*token*/) override {}
  void call(etcd::Request request) override { calls.push_back(request.id); }
  void watch(std::string /*body*/) override {}
  void set_timer(std::uint64_t deadline_ms) override { timer_ms = deadline_ms; }
  std::expected<std::string, std::string> password() override { return "p"; }
  std::deque<etcd::RequestId> calls;
  std::uint64_t timer_ms = 0;
};

std::string header(int revision) {
  return R"({"header":{"cluster_id":"1","revision":")" + std::to_string(revision) + R"("})";
}

std::string entry(const std::string& key, const std::string& value, int revision) {
  const std::string number = "\"" + std::to_string(revision) + "\"";
  return R"({"key":")" + to_base64("/p" + key) + R"(","value":")" + to_base64(value) +
         R"(","create_revision":)" + number + R"(,"mod_revision":)" + number +
         R"(,"version":"1","lease":"7"})";
}

std::string member(std::uint32_t id, std::uint64_t incarnation) {
  return etcd::to_value(Member{.name = "x",
                               .id = HostId{id},
                               .address = "127.0.0.1:" + std::to_string(id),
                               .incarnation = Incarnation{incarnation},
                               .labels = {{"rack", "r"}}});
}

constexpr const char* kVersion = "a{\"etcdserver\":\"3.4.23\"}\n";

std::string joining() {
  const std::string read =
      header(9) + ",\"kvs\":[" + entry("/hosts/b", member(1, 5), 4) + "," +
      entry("/ids/b", "1", 3) + "," + entry("/next_id", "2", 3) + "," +
      entry("/claims/hwbinder", etcd::to_value(ClaimHolder{HostId{1}, Incarnation{5}, {}}, "b"),
            8) +
      "]}\n";
  return kVersion + ("a" + header(8)) + ",\"ID\":\"7\",\"TTL\":\"10\"}\n" + "a" + read + "a" +
         header(10) + ",\"succeeded\":true}\n" + "a" + header(11) + ",\"succeeded\":true}\n";
}

}  // namespace

std::vector<Seed> make_seeds() {
  std::vector<Seed> seeds;
  const std::string watch = "w{\"result\":" + header(12) +
                            ",\"events\":[{\"kv\":" + entry("/hosts/c", member(3, 6), 12) +
                            "}]}}\n";
  const std::string gone = "w{\"result\":" + header(13) +
                           R"(,"events":[{"type":"DELETE","kv":{"key":")" +
                           to_base64("/p/hosts/b") + R"(","mod_revision":"13"}}]}})" + "\n";
  const std::string grant = "c\na" + header(14) + ",\"succeeded\":true}\n";
  const std::string keep = "t\na{\"result\":" + header(14) + ",\"ID\":\"7\",\"TTL\":\"10\"}}\n";
  seeds.push_back(Seed{.name = "joins", .bytes = {}}.text(joining() + watch + gone));
  seeds.push_back(Seed{.name = "claims", .bytes = {}}.text(joining() + grant + keep + "r\na" +
                                                           header(15) + "}\n"));
  seeds.push_back(
      Seed{.name = "loses", .bytes = {}}.text(joining() + grant + "t\nfaway\nt\nt\nt\nt\nt\n"));
  seeds.push_back(Seed{.name = "compacted", .bytes = {}}.text(
      joining() + "w{\"result\":" + header(20) +
      ",\"canceled\":true,\"compact_revision\":\"18\"}}\n"));
  seeds.push_back(Seed{.name = "refuses", .bytes = {}}.text(
      std::string(kVersion) + "e{\"error\":\"etcdserver: user name is empty\",\"code\":3}\nt\n"));
  return seeds;
}

}  // namespace netbinder::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace netbinder;
  log::set_lowest("off");
  fuzz::Told told;
  fuzz::Asked asked;
  etcd::MemberSetup setup;
  setup.prefix = "/p";
  setup.name = "a";
  setup.address = "127.0.0.1:9999";
  setup.incarnation = Incarnation{77};
  setup.lease_s = 10;
  etcd::EtcdMember host(setup, asked, told);
  std::uint64_t now_ms = 1'000'000;
  host.set_time(now_ms);
  host.use({"http://x:1", "http://y:1"}, "");
  host.start();
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string line(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.empty()) continue;
    const std::string text = line.substr(1);
    const bool has_call = !asked.calls.empty();
    const etcd::RequestId call = has_call ? asked.calls.front() : etcd::RequestId{};
    if (has_call && (line[0] == 'a' || line[0] == 'e' || line[0] == 'f')) asked.calls.pop_front();
    if (line[0] == 'a' && has_call) host.answered(call, 200, text);
    if (line[0] == 'e' && has_call) host.answered(call, 400, text);
    if (line[0] == 'f' && has_call) host.failed(call, text);
    if (line[0] == 'w') host.watch_line(text);
    if (line[0] == 'x') host.watch_ended(text);
    if (line[0] == 'c') {
      ++told.unanswered;
      host.ask_for_claim("binder");
    }
    if (line[0] == 'r') {
      told.held = false;
      host.release_claim("binder");
    }
    if (line[0] == 't') {
      now_ms = std::max(now_ms + 1, asked.timer_ms);
      host.set_time(now_ms);
      host.timer();
    }
    (void)host.status();
  }
  host.use({"http://x:1"}, "");  // what was asked before is answered
  NB_CHECK(told.unanswered == 0);
  host.leave([] {});
  return 0;
}
