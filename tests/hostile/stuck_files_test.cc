// SPDX-License-Identifier: Apache-2.0
//
// Descriptors that make whoever uses them wait for as long as their program wants it, passed to
// another host: programs of other users notice nothing. Whatever waits here waits until the test
// ends it, so the calls beside it would never end either.
#include <arpa/inet.h>
#include <fmt/core.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "tests/agent/channel_client.h"
#include "tests/agent/reserved_port.h"
#include "tests/agent/locked_file.h"
#include "tests/agent/polite_pair.h"
#include "tests/hostile/other_user.h"
#include "tests/hostile/silent_file_system.h"

namespace netbinder::testing {
namespace {

constexpr std::uint64_t kMillisecondNs = 1'000'000;
constexpr std::uint64_t kEnoughCallsBesideFiles = 50;

// The service "far" is on the host "there", and the programs that mean harm are "here".
class StuckFiles : public ::testing::Test {
 protected:
  StuckFiles() {
    settings_ = fmt::format(
        "insecure = true\n"
        "[[hosts]]\nname = \"here\"\naddress = \"127.0.0.1:{}\"\n"
        "[[hosts]]\nname = \"there\"\naddress = \"127.0.0.1:{}\"\n",
        reserved_port(), reserved_port());
    std::filesystem::create_directories(there_folder_.path("agent.toml.d"));
    there_folder_.write("agent.toml.d/host.toml", "host = \"there\"\n");
    here_ = std::make_unique<AgentProcess>(settings_, here_folder_);
    there_ = std::make_unique<AgentProcess>(settings_, there_folder_);
    open_to_everybody(*here_);
    far_ = std::make_unique<EchoServer>(there_->socket(), "far");
    ChannelClient client(here_->socket());
    EXPECT_EQ(client.map(), 0);
    EXPECT_TRUE(eventually("the service is known here",
                           [&] { return Caller(client, 1).find("far") != 0; }));
  }
  ~StuckFiles() override { far_.reset(); }

  // Sends the descriptor to the other host, and comes back when that is done.
  std::uint32_t send_far(int fd) const {
    ChannelClient client(here_->socket());
    (void)client.map();
    Caller caller(client, 1);
    return caller.send_file(caller.find("far"), fd);
  }
  // While the other user's process sends what it does not come back from.
  void expect_others_go_on() {
    ChannelClient client(here_->socket());
    EXPECT_EQ(client.map(), 0);
    Caller caller(client, 1);
    const std::uint32_t far = caller.find("far");
    for (std::uint32_t i = 0; i < kEnoughCallsBesideFiles; ++i) {
      const std::vector<std::byte> sent = pattern(64, i);
      const Caller::Answer answer = caller.call(far, 1, sent);
      ASSERT_EQ(answer.command, std::uint32_t{BR_REPLY});
      ASSERT_EQ(answer.data, sent);
    }
    // Descriptors of other users travel as ever.
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    EXPECT_EQ(caller.send_file(far, ends[0]), std::uint32_t{BR_TRANSACTION_COMPLETE});
    ::close(ends[0]);
    ::close(ends[1]);
    EXPECT_LT(call_politely(here_->socket(), kEnoughCallsBesideFiles).longest_ns,
              1000 * kMillisecondNs);
  }
  // `make` is the program: it makes the file and locks it.
  void expect_no_harm(const std::function<int(const std::function<void(int)>& send)>& make) {
    const Signal sends;
    OtherUser user([&] {
      return make([&](int fd) {
        sends.raise();
        (void)send_far(fd);
      });
    });
    sends.wait();
    expect_others_go_on();
    user.kill();
    expect_others_go_on();
  }

  // A thread of the agent that waits where no signal reaches it; empty: there is none.
  [[nodiscard]] std::string stuck_thread() const {
    const std::string tasks = "/proc/" + std::to_string(here_->pid()) + "/task";
    for (const auto& task : std::filesystem::directory_iterator(tasks)) {
      std::ifstream file(task.path() / "stat");
      std::string stat;
      std::getline(file, stat);
      const auto name_end = stat.rfind(')');  // there is none if the thread has ended just now
      if (name_end != std::string::npos && stat.compare(name_end + 2, 1, "D") == 0) {
        return task.path().filename();
      }
    }
    return "";
  }

  // The socket of an agent that has begun where another one was.
  void expect_socket() const {
    EXPECT_TRUE(eventually("its socket is there", [&] {
      return ::access(here_->socket().c_str(), F_OK) == 0 &&
             ::access((here_->socket() + ".admin").c_str(), F_OK) == 0;
    }));
  }

  std::string settings_;
  Folder here_folder_;
  Folder there_folder_;
  std::unique_ptr<AgentProcess> here_;
  std::unique_ptr<AgentProcess> there_;
  std::unique_ptr<EchoServer> far_;
};

TEST_F(StuckFiles, APipeWhoseLockIsHeld) {
  const int device = LockedFile::open_device();
  expect_no_harm([=](const std::function<void(int)>& send) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return 1;
    LockedFile locked([&](void* page) { (void)!::write(ends[1], page, LockedFile::kPageBytes); },
                      device);
    send(ends[0]);
    return ::pause();
  });
}

TEST_F(StuckFiles, ASocketWhoseLockIsHeld) {
  const int device = LockedFile::open_device();
  expect_no_harm([=](const std::function<void(int)>& send) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return 1;
    if (::write(ends[0], "bytes", 5) != 5) return 1;
    LockedFile locked([&](void* page) { (void)!::read(ends[1], page, LockedFile::kPageBytes); },
                      device);
    send(ends[1]);
    return ::pause();
  });
}

TEST_F(StuckFiles, APipeThatIsLockedWhenItIsRelayedAlready) {
  const int device = LockedFile::open_device();
  expect_no_harm([=, this](const std::function<void(int)>& send) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return 1;
    if (send_far(ends[0]) != BR_TRANSACTION_COMPLETE) return 2;
    LockedFile locked([&](void* page) { (void)!::write(ends[1], page, LockedFile::kPageBytes); },
                      device);
    send(ends[0]);  // the call goes after what can be read
    return ::pause();
  });
}

TEST_F(StuckFiles, AFileOfAFileSystemThatDoesNotAnswer) {
  std::optional<SilentFileSystem> silent(std::in_place, here_folder_.path(""));
  const Signal sends;
  OtherUser user([&] {
    silent->is_others();
    sends.raise();
    (void)send_far(silent->file());
    return ::pause();
  });
  sends.wait();
  expect_others_go_on();
  silent.reset();  // otherwise not even the program could end
  user.kill();
}

// The agent is stopped while one of its threads is stuck.
TEST_F(StuckFiles, AnAgentThatIsStoppedLetsEverybodyGoAndAnotherOneServes) {
  const int device = LockedFile::open_device();
  const Signal sends;
  OtherUser user([&] {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return 1;
    LockedFile locked([&](void* page) { (void)!::write(ends[1], page, LockedFile::kPageBytes); },
                      device);
    sends.raise();
    (void)send_far(ends[0]);
    return ::pause();
  });
  sends.wait();
  // Any thread may wait so for a moment; this one does whenever it is looked at.
  std::string stuck;
  int looks = 0;
  ASSERT_TRUE(eventually("a thread is stuck", [&] {
    const std::string seen = stuck_thread();
    looks = !seen.empty() && seen == stuck ? looks + 1 : 0;
    stuck = seen;
    return looks == 50;
  }));
  ChannelClient client(here_->socket());
  ASSERT_EQ(client.map(), 0);
  ASSERT_EQ(::kill(here_->pid(), SIGTERM), 0);
  EXPECT_TRUE(is_hung_up(client.socket()));
  EXPECT_TRUE(eventually("its sockets are gone", [&] {
    return ::access(here_->socket().c_str(), F_OK) != 0;
  }));
  {
    const AgentProcess next(settings_, here_folder_);  // the same sockets, the same port
    expect_socket();
    expect_polite_programs_work(next.socket());
    ChannelClient again(next.socket());
    ASSERT_EQ(again.map(), 0);
    EXPECT_TRUE(eventually("the hosts have met",
                           [&] { return Caller(again, 1).find("far") != 0; }));
    EXPECT_EQ(stuck_thread(), stuck) << "the first one has ended, so this shows nothing";
  }
  user.kill();  // now the kernel lets the first one go
  here_->expect_end();
}

}  // namespace
}  // namespace netbinder::testing
