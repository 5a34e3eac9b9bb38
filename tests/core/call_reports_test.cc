// SPDX-License-Identifier: Apache-2.0
//
// The core's reports of a call, here and on another host. The rules over random programs are the
// simulator's (tests/sim/call_follower.h).
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "core/model/call_observer.h"
#include "tests/core/cluster_fixture.h"

namespace netbinder::testing {
namespace {

using Points = std::vector<CallPoint>;

class Recorder final : public CallObserver {
 public:
  std::uint64_t begun(const CallReport& report) override {
    keep(report);
    return 1000 + reports.size();
  }
  std::uint64_t delivered(const CallReport& report) override {
    keep(report);
    return 2000 + reports.size();
  }
  void reached(const CallReport& report) override { keep(report); }
  void event_ended() override { ends.push_back(reports.size()); }

  // The reports of the calls with that code.
  [[nodiscard]] std::vector<CallReport> of(std::uint32_t code) const {
    std::vector<CallReport> found;
    std::copy_if(reports.begin(), reports.end(), std::back_inserter(found),
                 [code](const CallReport& each) { return each.code == code; });
    return found;
  }
  [[nodiscard]] Points points(std::uint32_t code) const {
    Points found;
    for (const CallReport& each : of(code)) found.push_back(each.point);
    return found;
  }

  std::vector<CallReport> reports;
  std::vector<std::size_t> ends;  // of events: how many reports there were
  std::string data;               // where there is any
  std::vector<std::pair<CallPoint, std::string>> contexts;  // where there is one
  std::int32_t error = 0;                                   // at kFailed
  std::string reason;

 private:
  void keep(const CallReport& report) {
    if (!report.data.empty()) {
      data.assign(reinterpret_cast<const char*>(report.data.data()), report.data.size());
    }
    if (!report.context.empty()) contexts.emplace_back(report.point, report.context);
    if (report.error != nullptr) {
      error = report.error->error();
      reason = report.error->reason() != nullptr ? report.error->reason() : "";
    }
    reports.push_back(report);
    reports.back().data = {};
    reports.back().context = {};
    reports.back().error = nullptr;
  }
};

constexpr std::uint32_t kCode = 77;
constexpr std::uint32_t kNestedCode = 78;

class CallReports : public ::testing::TestWithParam<std::size_t> {
 protected:
  CallReports() {
    server.greet(1);
    flat_binder_object object{};
    server.host().driver.control(server.id(), ThreadId{1}, BINDER_SET_CONTEXT_MGR_EXT,
                                 {reinterpret_cast<std::byte*>(&object), sizeof object});
    cluster.settle();
    EXPECT_EQ(server.outcome(1).error, 0);
    server.enter_looper(1);
    server.start(1, {}, true);
    client.greet(1);
    cluster.host(1).driver.observe_calls(&of_client());
    cluster.host(GetParam()).driver.observe_calls(&of_server());
  }
  ~CallReports() override {
    cluster.host(1).driver.observe_calls(nullptr);
    cluster.host(GetParam()).driver.observe_calls(nullptr);
  }
  [[nodiscard]] bool across() const { return GetParam() != 1; }
  Recorder& of_client() { return recorders[0]; }
  Recorder& of_server() { return recorders[across() ? 1 : 0]; }

  void call(std::uint32_t code, std::uint32_t flags, const Payload& payload) {
    client.start(1, Commands().put(BC_TRANSACTION, payload.call(0, code, flags)), true);
    cluster.settle();
  }
  // The server frees what it has read, and does more.
  void serve(Commands& more) {
    const Outcome outcome = server.outcome(1);
    const Returned* read = outcome.find(BR_TRANSACTION);
    ASSERT_NE(read, nullptr);
    more.put(BC_FREE_BUFFER, read->as<binder_transaction_data>().data.ptr.buffer);
    server.start(1, more, true);
    cluster.settle();
  }

  Recorder recorders[2];
  Cluster cluster{GetParam()};
  Program client{cluster.host(1), 100};
  Program server{cluster.host(GetParam()), 200};
};

TEST_P(CallReports, ASynchronousCallPassesItsPointsInOrder) {
  const Payload question("question");
  const Payload answer("42");
  call(kCode, 0, question);
  Commands reply;
  reply.put(BC_REPLY, answer.call(0, 0));
  serve(reply);
  if (across()) {
    EXPECT_EQ(of_client().points(kCode), (Points{CallPoint::kBegun, CallPoint::kSent,
                                                 CallPoint::kReplyArrived, CallPoint::kReplyRead}));
    EXPECT_EQ(of_server().points(kCode),
              (Points{CallPoint::kArrived, CallPoint::kPlaced, CallPoint::kQueued,
                      CallPoint::kDelivered, CallPoint::kReplied}));
  } else {
    EXPECT_EQ(of_client().points(kCode),
              (Points{CallPoint::kBegun, CallPoint::kQueued, CallPoint::kDelivered,
                      CallPoint::kReplied, CallPoint::kReplyRead}));
  }
}

TEST_P(CallReports, EachEventEndsAfterItsReports) {
  const Payload question("question");
  const Payload answer("42");
  of_client().ends.clear();
  call(kCode, 0, question);
  // Here the server has read the call in the event in which the client made it.
  const std::vector<std::size_t> here{3}, across_hosts{2};
  EXPECT_EQ(of_client().ends, across() ? across_hosts : here);
  Commands reply;
  reply.put(BC_REPLY, answer.call(0, 0));
  serve(reply);
  EXPECT_EQ(of_client().ends.back(), of_client().reports.size());
  EXPECT_EQ(of_server().ends.back(), of_server().reports.size());
}

TEST_P(CallReports, EveryReportTellsWhichCallItIs) {
  const Payload question("question");
  const Payload answer("42");
  call(kCode, 0, question);
  Commands reply;
  reply.put(BC_REPLY, answer.call(0, 0));
  serve(reply);
  const std::vector<CallReport> here = of_client().of(kCode);
  ASSERT_FALSE(here.empty());
  for (Recorder* recorder : {&of_client(), &of_server()}) {
    for (const CallReport& each : recorder->of(kCode)) {
      EXPECT_EQ(each.span, here.front().span);
      EXPECT_EQ(each.trace.value(), here.front().span.value()) << "it is the first of its trace";
      EXPECT_EQ(each.parent, SpanId{});
      EXPECT_FALSE(each.oneway);
      const bool first = each.point == CallPoint::kBegun || each.point == CallPoint::kArrived;
      EXPECT_EQ(each.began == 0, first);
      const bool of_reply = each.point == CallPoint::kReplied ||
                            each.point == CallPoint::kReplyArrived ||
                            each.point == CallPoint::kReplyRead;
      EXPECT_EQ(each.data_size, of_reply ? 2U : question.data.size());
    }
    EXPECT_EQ(recorder->data, "question");
  }
  EXPECT_EQ(here.front().caller.pid, 100);
  EXPECT_EQ(here.front().caller.tid, 1U);
  EXPECT_EQ(here.back().caller.tid, 1U);
  EXPECT_EQ(here.front().handler.host, across() ? HostId{2} : HostId{});
  const std::vector<CallReport> there = of_server().of(kCode);
  const auto delivered = std::find_if(there.begin(), there.end(), [](const CallReport& each) {
    return each.point == CallPoint::kDelivered;
  });
  ASSERT_NE(delivered, there.end());
  EXPECT_EQ(delivered->handler.pid, 200);
  EXPECT_EQ(delivered->handler.tid, 1U);
  EXPECT_EQ(delivered->caller.pid, across() ? 0 : 100);
  EXPECT_EQ(delivered->caller.host, across() ? HostId{1} : HostId{});
  EXPECT_NE(delivered->node, 0U);
}

TEST_P(CallReports, TheWordForTheDeliveryComesBackOnTheObjectsHost) {
  const Payload question("question");
  const Payload answer("42");
  call(kCode, 0, question);
  Commands reply;
  reply.put(BC_REPLY, answer.call(0, 0));
  serve(reply);
  for (const CallReport& each : of_server().of(kCode)) {
    const bool later = each.point == CallPoint::kReplied || each.point == CallPoint::kReplyRead;
    EXPECT_EQ(each.delivered > 2000, later);
  }
  if (!across()) return;
  for (const CallReport& each : of_client().of(kCode)) EXPECT_EQ(each.delivered, 0U);
}

TEST_P(CallReports, TheContextIsNamedWhereThePayloadIsThereAndWhereTheReplyIs) {
  const Payload question("question");
  const Payload answer("42");
  call(kCode, 0, question);
  Commands reply;
  reply.put(BC_REPLY, answer.call(0, 0));
  serve(reply);
  using Named = std::vector<std::pair<CallPoint, std::string>>;
  const CallPoint there = across() ? CallPoint::kPlaced : CallPoint::kQueued;
  EXPECT_EQ(of_server().contexts, (Named{{there, "binder"}, {CallPoint::kReplied, "binder"}}));
  if (!across()) return;
  EXPECT_EQ(of_client().contexts,
            (Named{{CallPoint::kSent, "binder"}, {CallPoint::kReplyArrived, "binder"}}));
}

TEST_P(CallReports, AOnewayCallEndsWhenItIsReadAndIsHandledUntilItsThreadWaits) {
  const Payload note("note");
  call(kCode, TF_ONE_WAY, note);
  Points there = of_server().points(kCode);
  EXPECT_EQ(there.back(), CallPoint::kDelivered);
  if (across()) {
    EXPECT_EQ(of_client().points(kCode),
              (Points{CallPoint::kBegun, CallPoint::kSent, CallPoint::kAccepted}));
  }
  const SpanId span = of_client().of(kCode).front().span;
  EXPECT_NE(of_server().reports.back().point, CallPoint::kHandled);
  Commands nothing;
  serve(nothing);
  EXPECT_EQ(of_server().reports.back().point, CallPoint::kHandled);
  EXPECT_EQ(of_server().reports.back().span, span);
}

// A call with a handle to a node of the client's; while it is handled, the server calls that node,
// and calls it again afterwards.
class NestedCallReports : public CallReports {
 protected:
  void run(std::uint32_t flags) {
    Payload gift;
    gift.add(binder_object(5, 55));
    call(kCode, flags, gift);
    const Outcome outcome = server.outcome(1);
    ASSERT_NE(outcome.find(BR_TRANSACTION), nullptr);
    const auto read = outcome.find(BR_TRANSACTION)->as<binder_transaction_data>();
    flat_binder_object object;
    std::memcpy(&object, server.at(read.data.ptr.buffer), sizeof object);
    server.write(1, Commands().put(BC_ACQUIRE, object.handle));
    call_client(object.handle, kNestedCode);
    Commands done;
    done.put(BC_FREE_BUFFER, read.data.ptr.buffer);
    const Payload answer;
    if (flags == 0) done.put(BC_REPLY, answer.call(0, 0));
    server.write(1, done);
    while (server.read_now(1).error == 0) {
    }
    call_client(object.handle, kNestedCode + 1);
    server.start(1, {}, true);
    cluster.settle();
  }
  void call_client(std::uint32_t handle, std::uint32_t code) {
    const Payload note("note");
    server.start(1, Commands().put(BC_TRANSACTION, note.call(handle, code, TF_ONE_WAY)), true);
    cluster.settle();
    EXPECT_NE(server.outcome(1).find(BR_TRANSACTION_COMPLETE), nullptr);
  }
  void expect_nested() {
    const CallReport outer = of_client().of(kCode).front();
    const CallReport inner = of_server().of(kNestedCode).front();
    EXPECT_EQ(inner.parent, outer.span);
    EXPECT_EQ(inner.trace, outer.trace);
    EXPECT_NE(inner.span, outer.span);
    ASSERT_FALSE(of_client().of(kNestedCode).empty());
    EXPECT_EQ(of_client().of(kNestedCode).front().trace, outer.trace);
    const CallReport later = of_server().of(kNestedCode + 1).front();
    EXPECT_EQ(later.parent, SpanId{});
    EXPECT_EQ(later.trace.value(), later.span.value());
  }
};

TEST_P(NestedCallReports, ACallThatIsMadeWhileAnotherIsHandledIsPartOfIt) {
  run(0);
  expect_nested();
}

TEST_P(NestedCallReports, SoIsOneThatIsMadeWhileAOnewayCallIsHandled) {
  run(TF_ONE_WAY);
  expect_nested();
}

TEST_P(CallReports, AFailureTellsItsReason) {
  const Payload question("question");
  call(kCode, 0, question);
  server.close();
  cluster.settle();
  EXPECT_EQ(of_client().points(kCode).back(), CallPoint::kFailed);
  EXPECT_EQ(of_server().points(kCode).back(), CallPoint::kFailed);
  // One that is refused begins and fails.
  client.start(2, Commands().put(BC_TRANSACTION, question.call(999, kNestedCode)), true);
  cluster.settle();
  EXPECT_EQ(of_client().points(kNestedCode), (Points{CallPoint::kBegun, CallPoint::kFailed}));
  EXPECT_EQ(of_client().error, -EINVAL);
}

TEST_P(CallReports, ACallThatCannotBeQueuedTellsWhatItWas) {
  Program freezer(server.host(), 300);
  freezer.greet(1);
  binder_freeze_info info{.pid = 200, .enable = 1, .timeout_ms = 0};
  ASSERT_EQ(freezer.control(1, BINDER_FREEZE, &info), 0);
  const Payload question("question");
  call(kCode, 0, question);
  const CallPoint began = across() ? CallPoint::kArrived : CallPoint::kBegun;
  EXPECT_EQ(of_server().points(kCode), (Points{began, CallPoint::kPlaced, CallPoint::kFailed}));
  EXPECT_EQ(of_server().data, "question");
}

TEST_P(CallReports, AnObserverThatComesLateHearsOfTheRest) {
  cluster.host(1).driver.observe_calls(nullptr);
  cluster.host(GetParam()).driver.observe_calls(nullptr);
  const Payload question("question");
  const Payload answer("42");
  call(kCode, 0, question);
  cluster.host(1).driver.observe_calls(&of_client());
  cluster.host(GetParam()).driver.observe_calls(&of_server());
  Commands reply;
  reply.put(BC_REPLY, answer.call(0, 0));
  serve(reply);
  EXPECT_EQ(of_server().points(kCode).front(), CallPoint::kReplied);
  EXPECT_EQ(of_client().points(kCode).back(), CallPoint::kReplyRead);
  EXPECT_EQ(of_client().of(kCode).back().began, 0U);
  EXPECT_EQ(of_client().of(kCode).back().span, of_server().of(kCode).front().span)
      << "the ids are the same though nobody was told of the beginning";
}

// The call that a client on the first host makes, as it is sent to the second.
peer::Call sent_in(WireVersion version) {
  Cluster cluster(2);
  cluster.disconnect(1, 2);
  for (const std::uint32_t here : {1U, 2U}) {
    const std::uint32_t there = 3 - here;
    cluster.host(here).driver.peer_connected(HostId{there}, Incarnation{there * 1000},
                                             "host" + std::to_string(there), version);
  }
  cluster.settle();
  Program server(cluster.host(2), 200);
  Program client(cluster.host(1), 100);
  server.greet(1);
  flat_binder_object object{};
  server.host().driver.control(server.id(), ThreadId{1}, BINDER_SET_CONTEXT_MGR_EXT,
                               {reinterpret_cast<std::byte*>(&object), sizeof object});
  cluster.settle();
  client.greet(1);
  const Payload question("question");
  client.start(1, Commands().put(BC_TRANSACTION, question.call(0, kCode)), true);
  const Cluster::Letter* const letter = cluster.next(1, 2);
  const auto* const call = letter == nullptr ? nullptr : std::get_if<peer::Call>(&letter->message);
  EXPECT_NE(call, nullptr);
  const peer::Call sent = call == nullptr ? peer::Call{} : *call;
  cluster.settle();
  return sent;
}

TEST(IdsOfCalls, TravelToHostsThatKnowOfThem) {
  const peer::Call now = sent_in(WireVersion{5});
  EXPECT_NE(now.span, SpanId{});
  EXPECT_EQ(now.trace.value(), now.span.value());
  EXPECT_EQ(now.span.value() >> 48, 1U) << "the host that the call begins at";
  const peer::Call before = sent_in(WireVersion{4});
  EXPECT_EQ(before.span, SpanId{});
  EXPECT_EQ(before.trace, TraceId{});
  EXPECT_EQ(first_version_of(before), WireVersion{4});
  EXPECT_EQ(first_version_of(now), WireVersion{5});
}

std::string hosts_of(const ::testing::TestParamInfo<std::size_t>& info) {
  return info.param == 1 ? "OneHost" : "TwoHosts";
}
INSTANTIATE_TEST_SUITE_P(OneHostAndTwo, CallReports, ::testing::Values(1, 2), hosts_of);
INSTANTIATE_TEST_SUITE_P(OneHostAndTwo, NestedCallReports, ::testing::Values(1, 2), hosts_of);

}  // namespace
}  // namespace netbinder::testing
