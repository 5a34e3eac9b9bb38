// SPDX-License-Identifier: Apache-2.0
//
// Files that travel by content, descriptors that cannot travel, and peers that break the rules.
#include <sys/epoll.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cstdlib>

#include "tests/agent/relay_pair.h"

namespace netbinder::testing {
namespace {

using What = peer::FileEnd::What;
using Kind = peer::FileOffered::Kind;

constexpr int kAllSeals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

class FileContentsTest : public ::testing::Test {
 protected:
  // A file on the disk, opened with these flags.
  UniqueFd file(const std::string& text, int flags) {
    std::string path = (std::filesystem::temp_directory_path() / "netbinder-XXXXXX").string();
    const UniqueFd made(::mkstemp(path.data()));
    EXPECT_EQ(::write(made.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    UniqueFd opened(::open(path.c_str(), flags | O_CLOEXEC));
    ::unlink(path.c_str());
    return opened;
  }
  UniqueFd memory(const std::string& text, int seals) {
    UniqueFd made(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    EXPECT_EQ(::write(made.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    EXPECT_EQ(::fcntl(made.get(), F_ADD_SEALS, seals), 0);
    return made;
  }
  void expect_refused(const UniqueFd& fd, const char* reason, int error = -EPERM) {
    ASSERT_GE(fd.get(), 0) << reason;
    const auto number = pair_.offer(1, fd);
    ASSERT_FALSE(number.has_value()) << reason;
    EXPECT_EQ(number.error().error, error) << reason;
    EXPECT_STREQ(number.error().reason, reason);
  }
  const char* arrives(std::uint64_t number, FileContent content, bool of_receiver = false) {
    return pair_.side(2).message_arrived(
        HostId{1}, {.file = FileNumber{number}, .of_receiver = of_receiver, .content = content});
  }

  RelayPair pair_;
};

TEST_F(FileContentsTest, AReadOnlyFileArrivesSealedWithItsContentAndPosition) {
  const std::string text(300'000, 't');
  UniqueFd travelling = file("the start" + text, O_RDONLY);
  ASSERT_EQ(::lseek(travelling.get(), 4, SEEK_SET), 4);
  const UniqueFd there = pair_.pass(1, travelling);
  EXPECT_EQ(::lseek(there.get(), 0, SEEK_CUR), 4);
  EXPECT_TRUE(read_now(there) == "start" + text);
  EXPECT_EQ(::fcntl(there.get(), F_GETFL) & O_ACCMODE, O_RDONLY);
  EXPECT_EQ(::fcntl(there.get(), F_GET_SEALS), kAllSeals);
  struct stat status {};
  EXPECT_EQ(::fstat(there.get(), &status), 0);
  EXPECT_EQ(status.st_size, static_cast<off_t>(text.size() + 9));
  const std::string path = "/proc/self/fd/" + std::to_string(there.get());
  const UniqueFd writing(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_TRUE(static_cast<bool>(writing));
  EXPECT_EQ(write_now(writing, "x"), "EPERM");
  // The position of the sender's own descriptor has not changed.
  EXPECT_EQ(::lseek(travelling.get(), 0, SEEK_CUR), 4);
}

TEST_F(FileContentsTest, ASealedMemoryFileArrivesSealed) {
  for (const std::string& text : {std::string("sealed"), std::string()}) {
    const UniqueFd travelling = memory(text, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW);
    ::lseek(travelling.get(), 0, SEEK_SET);
    const UniqueFd there = pair_.pass(1, travelling);
    EXPECT_EQ(read_now(there), text.empty() ? "(end)" : text);
    EXPECT_EQ(::fcntl(there.get(), F_GET_SEALS), kAllSeals);
  }
}

TEST_F(FileContentsTest, WhatCannotTravelIsRefusedWithTheReason) {
  const auto opened = [](const char* path, int flags) {
    return UniqueFd(::open(path, flags | O_CLOEXEC));
  };
  expect_refused(file("x", O_RDWR), "a file open for writing");
  expect_refused(file("x", O_WRONLY), "a file open for writing");
  expect_refused(memory("x", F_SEAL_SHRINK | F_SEAL_GROW), "a memfd that is not sealed");
  expect_refused(memory("x", F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE),
                 "a memfd that is not sealed");
  const UniqueFd unsealed = memory("x", 0);
  const std::string path = "/proc/self/fd/" + std::to_string(unsealed.get());
  expect_refused(opened(path.c_str(), O_RDONLY), "a memfd that is not sealed");
  expect_refused(opened("/proc/self/status", O_RDONLY),
                 "a file of a file system that makes it when it is read");
  expect_refused(opened("/", O_RDONLY | O_DIRECTORY), "a directory");
  expect_refused(opened("/", O_PATH), "a path");
  expect_refused(opened("/dev/null", O_RDONLY), "a device");
  expect_refused(UniqueFd(::epoll_create1(EPOLL_CLOEXEC)),
                 "a kind of descriptor that has a meaning on its host only");
  expect_refused(UniqueFd(::epoll_create1(EPOLL_CLOEXEC)),
                 "a kind of descriptor that has a meaning on its host only");
  expect_refused(new_pipe(O_DIRECT).second, "a pipe of packets");
  expect_refused(UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)),
                 "a socket that is not connected");
  expect_refused(UniqueFd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)),
                 "a socket that is neither a stream nor of AF_UNIX");
  const UniqueFd listening(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr address{.sa_family = AF_UNIX, .sa_data = {}};  // whichever is free
  ASSERT_EQ(::bind(listening.get(), &address, sizeof(sa_family_t)), 0);
  ASSERT_EQ(::listen(listening.get(), 1), 0);
  expect_refused(listening, "a listening socket");
  const std::string fifo = "/tmp/netbinder-fifo-" + std::to_string(::getpid());
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  expect_refused(opened(fifo.c_str(), O_RDWR), "a FIFO open both ways");
  ::unlink(fifo.c_str());
  expect_refused(file(std::string(RelayPair::kMaxFileBytes + 1, 'x'), O_RDONLY),
                 "a file larger than max_file_bytes", -EFBIG);
  EXPECT_EQ(pair_.messages, 0U);
  pair_.waiting_bytes = 2 * RelayPair::kMaxFileBytes;
  expect_refused(file("x", O_RDONLY), "too much waits to be sent to that host", -ENOSPC);
}

TEST_F(FileContentsTest, AHostThatTakesNoFilesOfThatSizeSaysSo) {
  const UniqueFd travelling = file(std::string(RelayPair::kMaxFileBytes, 'x'), O_RDONLY);
  const auto number = pair_.offer(1, travelling);
  ASSERT_TRUE(number.has_value());
  const auto imported = pair_.side(2).import_file(HostId{1}, *number);
  ASSERT_FALSE(imported.has_value());
  EXPECT_EQ(imported.error(), -EFBIG);
}

TEST_F(FileContentsTest, AHostThatHoldsTooManyThatNobodyTakesSaysSo) {
  constexpr std::uint64_t kHalf = RelayPair::kMaxFileBytes / 2;
  const peer::FileOffered half{.kind = Kind::kContent, .size = kHalf};
  const auto take = [&](std::uint64_t number) {
    EXPECT_EQ(arrives(number, half), nullptr);
    EXPECT_EQ(arrives(number, peer::FileData{std::vector<std::byte>(kHalf)}), nullptr);
  };
  take(1);
  take(2);
  take(3);
  EXPECT_TRUE(pair_.side(2).import_file(HostId{1}, FileNumber{1}).has_value());
  EXPECT_TRUE(pair_.side(2).import_file(HostId{1}, FileNumber{2}).has_value());
  EXPECT_EQ(pair_.side(2).import_file(HostId{1}, FileNumber{3}).error(), -ENOSPC);
  pair_.held_bytes = kHalf + 1;
  take(4);
  EXPECT_EQ(pair_.side(2).import_file(HostId{1}, FileNumber{4}).error(), -ENOSPC);
}

// ---- peers that break the protocol ----

TEST_F(FileContentsTest, WhatWasNotOfferedCannotBeHad) {
  EXPECT_EQ(pair_.side(2).import_file(HostId{1}, FileNumber{1}).error(), -ENOENT);
  EXPECT_EQ(arrives(1, peer::FileOffered{.kind = Kind::kContent, .size = 3}), nullptr);
  EXPECT_EQ(arrives(1, peer::FileData{std::vector<std::byte>(2)}), nullptr);
  EXPECT_EQ(pair_.side(2).import_file(HostId{1}, FileNumber{1}).error(), -ENOENT);  // not complete
  EXPECT_EQ(arrives(1, peer::FileData{std::vector<std::byte>(1)}), nullptr);
  EXPECT_TRUE(pair_.side(2).import_file(HostId{1}, FileNumber{1}).has_value());
  EXPECT_EQ(pair_.side(2).import_file(HostId{1}, FileNumber{1}).error(), -ENOENT);  // once
}

TEST_F(FileContentsTest, OffersThatMakeNoSenseBreakTheProtocol) {
  const peer::FileOffered pipe{.kind = Kind::kStream, .readable = true};
  EXPECT_NE(arrives(1, pipe, true), nullptr);
  EXPECT_NE(arrives(1, peer::FileOffered{.kind = Kind::kStream}), nullptr);
  EXPECT_NE(arrives(2, peer::FileOffered{.kind = Kind::kPackets, .readable = true}), nullptr);
  EXPECT_NE(arrives(3, peer::FileOffered{.kind = Kind::kContent, .readable = true}), nullptr);
  EXPECT_EQ(arrives(5, pipe), nullptr);
  EXPECT_NE(arrives(5, pipe), nullptr);
  EXPECT_NE(arrives(4, pipe), nullptr);
  const peer::FileOffered small{.kind = Kind::kContent, .size = 1};
  EXPECT_EQ(arrives(6, small), nullptr);
  EXPECT_NE(arrives(6, peer::FileData{std::vector<std::byte>(2)}), nullptr);
  const char* broken = nullptr;
  for (std::uint64_t i = 0; i <= limits::kMaxOffers && broken == nullptr; ++i) {
    broken = arrives(100 + i, small);
  }
  EXPECT_STREQ(broken, "too many descriptors are offered");
}

TEST_F(FileContentsTest, MoreThanACreditOrAnUnknownNumberBreaksTheProtocol) {
  const peer::FileData byte{std::vector<std::byte>(1)};
  EXPECT_NE(arrives(1, byte), nullptr);
  EXPECT_NE(arrives(1, byte, true), nullptr);
  EXPECT_NE(arrives(1, peer::FileEnd{}), nullptr);
  const peer::FileOffered offer{.kind = Kind::kStream, .readable = true, .writable = true};
  ASSERT_EQ(arrives(1, offer), nullptr);
  // No program has it yet: more than what may go ahead.
  EXPECT_NE(arrives(1, peer::FileData{std::vector<std::byte>(limits::kFileAheadBytes + 1)}), nullptr);
  EXPECT_EQ(arrives(1, peer::FileData{std::vector<std::byte>(limits::kFileAheadBytes)}), nullptr);
  EXPECT_NE(arrives(1, byte), nullptr);
  auto imported = pair_.side(2).import_file(HostId{1}, FileNumber{1});
  ASSERT_TRUE(imported.has_value());
  pair_.side(2).program_gets(imported->relay, RelayPair::kUser);
  pair_.side(2).program_has_it(imported->relay);
  pair_.side(2).program_has_it(imported->relay);  // counts once
  EXPECT_EQ(arrives(1, byte), nullptr);
  pair_.bring_up_to_date(2);  // it is written, and there is credit for it
  const peer::FileData window{std::vector<std::byte>(limits::kFileWindowBytes)};
  EXPECT_EQ(arrives(1, window), nullptr);
  EXPECT_NE(arrives(1, window), nullptr);  // more than a socket takes of the first
  EXPECT_NE(arrives(1, peer::FileData{}), nullptr);
  EXPECT_NE(arrives(1, peer::FileCredit{1}), nullptr);  // nothing was sent
  EXPECT_NE(arrives(1, peer::FileCredit{UINT64_MAX}), nullptr);
  EXPECT_EQ(arrives(1, peer::FileEnd{What::kNoMoreSent}), nullptr);
  EXPECT_NE(arrives(1, byte), nullptr);
  ASSERT_EQ(arrives(2, offer), nullptr);
  EXPECT_EQ(arrives(2, peer::FileEnd{What::kNoMoreSent}), nullptr);
  EXPECT_EQ(arrives(2, peer::FileEnd{What::kNoMoreTaken}), nullptr);
  EXPECT_EQ(pair_.side(2).relays(), 1U);
  EXPECT_EQ(arrives(2, byte), nullptr);  // what still comes for a dead number
  pair_.mail_for(1).clear();
}

}  // namespace
}  // namespace netbinder::testing
