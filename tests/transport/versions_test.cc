// SPDX-License-Identifier: Apache-2.0
//
// Ends of different versions find one that both speak, and a newer one when an older end has been
// replaced.
#include <gtest/gtest.h>

#include "tests/transport/session_end.h"
#include "transport/acceptance.h"

namespace netbinder {
namespace {

constexpr WireVersion kBefore{kNewestVersion.value() - 1};

// A dialer and an acceptor, whose agent can be replaced by one of another version.
class Versions : public ::testing::Test {
 protected:
  void begin(WireVersion of_dialer, WireVersion of_acceptor) {
    dialer_ = std::make_unique<End>(2, SessionLimits{}, ClusterKey{}, of_dialer);
    replace_acceptor(of_acceptor);
  }
  void replace_acceptor(WireVersion version) {
    acceptor_ = std::make_unique<End>(1, SessionLimits{}, ClusterKey{}, version, ++life_);
  }
  // One link, from the dialer's Hello until the session is there or the link is of no use.
  bool link() {
    if (!dialer_->session.link_down()) dialer_->disconnect();
    if (!acceptor_->session.link_down()) acceptor_->disconnect();
    dialer_->session.connected(dialer_->now_ms);
    const auto hello = dialer_->out_as<frame::Hello>();
    if (const auto refusal = acceptor_->session.refusal(hello)) {
      EXPECT_EQ(refusal->reason, RefuseReason::kVersion);
      EXPECT_EQ(dialer_->in(*refusal), Next::kStop);
      return false;
    }
    frame::Challenge challenge = acceptor_->session.challenge();
    // Version 4 has not said so.
    if (challenge.newest == WireVersion{4}) challenge.newest = {};
    if (dialer_->in(challenge) == Next::kStop) return false;
    EXPECT_TRUE(acceptor_->session.proves(hello, challenge, dialer_->out_as<frame::Answer>()));
    acceptor_->session.accept(hello, challenge, acceptor_->now_ms);
    EXPECT_EQ(dialer_->in(acceptor_->out_as<frame::Welcome>()), Next::kReadOn);
    return true;
  }
  void expect(WireVersion version) {
    EXPECT_TRUE(dialer_->session.link_up());
    EXPECT_TRUE(acceptor_->session.link_up());
    for (End* end : {dialer_.get(), acceptor_.get()}) {
      EXPECT_EQ(end->peer().version, version);
      EXPECT_EQ(end->session.status({}).version, version.value());
    }
  }

  std::uint64_t life_ = 100;
  std::unique_ptr<End> dialer_;
  std::unique_ptr<End> acceptor_;
};

TEST_F(Versions, TheNewestOfTwoThatAreAlike) {
  begin(kNewestVersion, kNewestVersion);
  EXPECT_TRUE(link());
  expect(kNewestVersion);
}

TEST_F(Versions, AnOlderDialerIsServed) {
  begin(kBefore, kNewestVersion);
  EXPECT_TRUE(link());
  expect(kBefore);
}

TEST_F(Versions, AnOlderAcceptorIsSpokenToInItsVersion) {
  begin(kNewestVersion, kBefore);
  EXPECT_FALSE(link()) << "the newest is not spoken there";
  EXPECT_TRUE(link());
  expect(kBefore);
  EXPECT_TRUE(link()) << "and is resumed in that version at once";
  EXPECT_EQ(dialer_->session.counters().resumed, 1U);
  expect(kBefore);
}

TEST_F(Versions, AnAcceptorThatWasReplacedIsSpokenToInItsNewVersion) {
  begin(kNewestVersion, kBefore);
  EXPECT_FALSE(link());
  EXPECT_TRUE(link());
  replace_acceptor(kNewestVersion);
  EXPECT_FALSE(link()) << "it says that it speaks a newer one";
  EXPECT_TRUE(link());
  expect(kNewestVersion);
  EXPECT_EQ(dialer_->peer().sessions, 2);
  replace_acceptor(kBefore);
  EXPECT_FALSE(link());
  EXPECT_TRUE(link());
  expect(kBefore);
}

TEST_F(Versions, ADialerBeginsAgainWithItsNewestIfNothingIsSpoken) {
  begin(kNewestVersion, kNewestVersion);
  std::vector<WireVersion> proposed;
  for (int i = 0; i < 5; ++i) {
    dialer_->session.connected(dialer_->now_ms);
    proposed.push_back(dialer_->out_as<frame::Hello>().version);
    EXPECT_EQ(dialer_->in(frame::Refuse{.reason = RefuseReason::kVersion, .detail = "no"}),
              Next::kStop);
    dialer_->disconnect();
  }
  EXPECT_EQ(proposed,
            (std::vector{kNewestVersion, kBefore, kOldestVersion, kNewestVersion, kBefore}));
}

TEST_F(Versions, AMessageThatTheVersionDoesNotHaveEndsTheSession) {
  begin(kNewestVersion, kBefore);
  EXPECT_FALSE(link());
  EXPECT_TRUE(link());
  EXPECT_EQ(dialer_->in(frame::Message{Sequence(1), Sequence(0),
                                       peer::HostList{ListNumber(1), ListNumber(1)}}),
            Next::kStop);
  dialer_->settle();
  EXPECT_EQ(dialer_->peer().losses, 1);
}

}  // namespace
}  // namespace netbinder
