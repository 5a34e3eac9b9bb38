// SPDX-License-Identifier: Apache-2.0
//
// The times of a call's points: one look at the clock for each event, and one more where a large
// payload is copied.
#include "host/call_listeners.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/core/cluster_fixture.h"

namespace netbinder::testing {
namespace {

// Each look is a later time.
std::uint64_t looks = 0;
std::uint64_t counting_clock() { return ++looks; }

struct Heard {
  CallPoint point;
  std::uint64_t began, delivered, at;
  friend bool operator==(const Heard&, const Heard&) = default;
};
void PrintTo(const Heard& heard, std::ostream* to) {
  *to << "point " << static_cast<int>(heard.point) << " at " << heard.at << " (began "
      << heard.began << ", delivered " << heard.delivered << ")";
}

class Listener final : public CallListener {
 public:
  void heard(const CallReport& report, std::uint64_t now_ns) override {
    all.push_back({report.point, report.began, report.delivered, now_ns});
  }
  std::vector<Heard> all;
};

class TimesOfCalls : public ::testing::Test {
 protected:
  TimesOfCalls() {
    looks = 0;
    EXPECT_EQ(server_.become_manager(), 0);
    server_.enter_looper(1);
    client_.greet(1);
    listeners_.add(listener_);
  }
  ~TimesOfCalls() override { listeners_.remove(listener_); }

  void call(const Payload& payload) {
    client_.start(1, Commands().put(BC_TRANSACTION, payload.call(0, 7)), true);
  }
  void serve(const Payload& payload) {
    const Outcome outcome = server_.outcome(1);
    const Returned* read = outcome.find(BR_TRANSACTION);
    ASSERT_NE(read, nullptr);
    server_.start(1,
                  Commands()
                      .put(BC_FREE_BUFFER, read->as<binder_transaction_data>().data.ptr.buffer)
                      .put(BC_REPLY, payload.call(0, 0)),
                  true);
  }

  Cluster cluster_;
  Program client_{cluster_.host(1), 100};
  Program server_{cluster_.host(1), 200};
  Listener listener_;
  CallListeners listeners_{cluster_.host(1).driver, &counting_clock};
};

TEST_F(TimesOfCalls, AServerThatWaitsHasTheCallInTheSameEvent) {
  server_.start(1, {}, true);
  call(Payload("question"));
  serve(Payload("answer"));
  EXPECT_EQ(listener_.all, (std::vector<Heard>{{CallPoint::kBegun, 0, 0, 1},
                                               {CallPoint::kQueued, 1, 0, 1},
                                               {CallPoint::kDelivered, 1, 0, 1},
                                               {CallPoint::kReplied, 1, 1, 2},
                                               {CallPoint::kReplyRead, 1, 1, 2}}));
  EXPECT_EQ(looks, 2U);
}

TEST_F(TimesOfCalls, AServerThatComesLaterHasItThen) {
  call(Payload("question"));
  server_.start(1, {}, true);
  serve(Payload("answer"));
  EXPECT_EQ(listener_.all, (std::vector<Heard>{{CallPoint::kBegun, 0, 0, 1},
                                               {CallPoint::kQueued, 1, 0, 1},
                                               {CallPoint::kDelivered, 1, 0, 2},
                                               {CallPoint::kReplied, 1, 2, 3},
                                               {CallPoint::kReplyRead, 1, 2, 3}}));
}

TEST_F(TimesOfCalls, CopyingALargePayloadTakesTime) {
  server_.start(1, {}, true);
  call(Payload(std::string(4096, 'x')));
  EXPECT_EQ(listener_.all, (std::vector<Heard>{{CallPoint::kBegun, 0, 0, 1},
                                               {CallPoint::kQueued, 1, 0, 2},
                                               {CallPoint::kDelivered, 1, 0, 2}}));
  serve(Payload("answer"));
}

}  // namespace
}  // namespace netbinder::testing
