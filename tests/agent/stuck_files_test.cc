// SPDX-License-Identifier: Apache-2.0
//
// One user's descriptors that make whoever uses them wait, beside another user's: the agent's data
// plane and the other user notice nothing. Each wait lasts until the test ends it, so a test that
// waits itself does not end.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/agent/locked_file.h"
#include "tests/agent/relay_pair.h"

namespace netbinder::testing {
namespace {

constexpr std::uint32_t kStuckUser = RelayPair::kUser + 1;

class StuckFiles : public ::testing::Test {
 protected:
  // The stuck user's worker is asked about a file. Whether it has answered.
  std::shared_ptr<bool> ask_about(const UniqueFd& fd) {
    std::vector<ForeignFile> files;
    files.push_back({.fd = ForeignFd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0)), .findings = nullptr});
    auto answered = std::make_shared<bool>(false);
    EXPECT_TRUE(pair_.side(1).look_and_bring_up_to_date(
        kStuckUser, files, [answered](const std::vector<ForeignFile>&) { *answered = true; }));
    return answered;
  }
  void expect_others_go_on() {
    for (int i = 0; i < 20; ++i) {
      auto [reading, writing] = new_pipe();
      EXPECT_EQ(write_now(writing, "before"), "6");
      const UniqueFd there = pair_.pass(1, reading);
      EXPECT_EQ(read_now(there), "before");
      EXPECT_EQ(write_now(writing, "after"), "5");
      pair_.settle();
      EXPECT_EQ(read_now(there), "after");
    }
  }
  void wait_for(const std::shared_ptr<bool>& answered) {
    while (!*answered) pair_.bring_up_to_date(1);
  }

  RelayPair pair_;
};

TEST_F(StuckFiles, APipeThatAThreadOfTheProgramWritesTo) {
  auto [reading, writing] = new_pipe();
  LockedFile locked([fd = writing.get()](void* page) {
    EXPECT_EQ(::write(fd, page, LockedFile::kPageBytes), ssize_t{LockedFile::kPageBytes});
  });
  const auto answered = ask_about(reading);
  expect_others_go_on();
  EXPECT_FALSE(*answered);
  locked.unlock();
  wait_for(answered);
}

TEST_F(StuckFiles, ASocketThatAThreadOfTheProgramReads) {
  auto [ours, travelling] = new_socketpair(SOCK_STREAM);
  EXPECT_EQ(write_now(ours, "to be read"), "10");
  LockedFile locked([fd = travelling.get()](void* page) {
    EXPECT_EQ(::read(fd, page, LockedFile::kPageBytes), 10);
  });
  const auto answered = ask_about(travelling);
  expect_others_go_on();
  EXPECT_FALSE(*answered);
  locked.unlock();
  wait_for(answered);
}

TEST_F(StuckFiles, APipeThatIsRelayedAlready) {
  auto [reading, writing] = new_pipe();
  ForeignFile looked_at;
  std::vector<ForeignFile> files;
  files.push_back(
      {.fd = ForeignFd(::fcntl(reading.get(), F_DUPFD_CLOEXEC, 0)), .findings = nullptr});
  bool done = false;
  ASSERT_TRUE(pair_.side(1).look_and_bring_up_to_date(kStuckUser, files,
                                                      [&](std::vector<ForeignFile> back) {
                                                        looked_at = std::move(back.at(0));
                                                        done = true;
                                                      }));
  pair_.run_until(done);
  const auto number = pair_.side(1).export_file(HostId{2}, std::move(looked_at), kStuckUser);
  ASSERT_TRUE(number.has_value());
  pair_.side(1).send_offers(HostId{2});
  pair_.settle();
  auto imported = pair_.side(2).import_file(HostId{1}, *number);
  ASSERT_TRUE(imported.has_value());
  pair_.side(2).drop_offers(HostId{1});
  {
    LockedFile locked([fd = writing.get()](void* page) {
      EXPECT_EQ(::write(fd, page, LockedFile::kPageBytes), ssize_t{LockedFile::kPageBytes});
    });
    const UniqueFd there = pair_.receive(2, std::move(*imported));  // gives the stuck side credit
    expect_others_go_on();
    EXPECT_EQ(read_now(there), "(nothing)");
    locked.unlock();
    for (std::string got; got.size() < LockedFile::kPageBytes;) {
      pair_.settle();
      if (const std::string more = read_now(there); more != "(nothing)") got += more;
    }
  }
}

// A question to a worker that is stuck gets an empty answer after a while; from then on nobody
// waits for that worker until it is back.
TEST_F(StuckFiles, NobodyWaitsForLong) {
  auto [reading, writing] = new_pipe();
  LockedFile locked([fd = writing.get()](void* page) {
    EXPECT_EQ(::write(fd, page, LockedFile::kPageBytes), ssize_t{LockedFile::kPageBytes});
  });
  const auto answered = ask_about(reading);
  pair_.run_until(*answered);
  std::vector<ForeignFile> files(1);
  EXPECT_FALSE(pair_.side(1).look_and_bring_up_to_date(kStuckUser, files,
                                                       [](const std::vector<ForeignFile>&) {}));
  EXPECT_EQ(files.size(), 1U);  // and the caller has its files
  EXPECT_FALSE(pair_.side(1).has_unwritten(kStuckUser));
  EXPECT_EQ(pair_.side(1)
                .export_file(HostId{2}, {.fd = ForeignFd(), .findings = nullptr}, kStuckUser)
                .error()
                .error,
            -EAGAIN);
  locked.unlock();
  while (!pair_.side(1).look_and_bring_up_to_date(kStuckUser, files,
                                                  [](const std::vector<ForeignFile>&) {})) {
    pair_.bring_up_to_date(1);
  }
}

TEST(StuckFilesEnd, DoNotHoldUpTheEndOfTheRelays) {
  auto [reading, writing] = new_pipe();
  LockedFile locked([fd = writing.get()](void* page) {
    EXPECT_EQ(::write(fd, page, LockedFile::kPageBytes), ssize_t{LockedFile::kPageBytes});
  });
  {
    RelayPair pair;
    std::vector<ForeignFile> files;
    files.push_back(
        {.fd = ForeignFd(::fcntl(reading.get(), F_DUPFD_CLOEXEC, 0)), .findings = nullptr});
    EXPECT_TRUE(pair.side(1).look_and_bring_up_to_date(
        kStuckUser, files, [](const std::vector<ForeignFile>&) { ADD_FAILURE(); }));
  }
  locked.unlock();
}

TEST(FileThreads, EndWhenTheyHaveNothingToDo) {
  RelayPair pair;
  {
    auto [reading, writing] = new_pipe();
    UniqueFd there = pair.pass(1, reading);
    EXPECT_GE(file_threads(), 2U);
  }
  pair.expect_nothing_left();
  while (file_threads() > 0) pair.run_once();
}

}  // namespace
}  // namespace netbinder::testing
