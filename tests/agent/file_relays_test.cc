// SPDX-License-Identifier: Apache-2.0
//
// Pipes and sockets that are relayed between two agents, as the programs at both ends see them.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>

#include "tests/agent/relay_pair.h"

namespace netbinder::testing {
namespace {

class FileRelaysTest : public ::testing::Test {
 protected:
  RelayPair pair_;
};

TEST_F(FileRelaysTest, APipesReadingEndBringsItsBytesAndItsEnd) {
  auto [reading, writing] = new_pipe();
  EXPECT_EQ(write_now(writing, "before"), "6");
  const UniqueFd there = pair_.pass(1, reading);
  reading.reset();
  EXPECT_EQ(::fcntl(there.get(), F_GETFL) & O_ACCMODE, O_RDONLY);
  EXPECT_EQ(read_now(there), "before");
  EXPECT_EQ(read_now(there), "(nothing)");
  EXPECT_EQ(write_now(writing, "after"), "5");
  pair_.settle();
  EXPECT_EQ(read_now(there), "after");
  writing.reset();
  pair_.expect_nothing_left();
  EXPECT_EQ(read_now(there), "(end)");
}

TEST_F(FileRelaysTest, APipesWritingEndTakesBytesAndTellsItsEnd) {
  auto [reading, writing] = new_pipe();
  UniqueFd there = pair_.pass(1, writing);
  writing.reset();
  EXPECT_EQ(::fcntl(there.get(), F_GETFL) & O_ACCMODE, O_WRONLY);
  EXPECT_EQ(write_now(there, "from there"), "10");
  pair_.settle();
  EXPECT_EQ(read_now(reading), "from there");
  there.reset();
  pair_.expect_nothing_left();
  EXPECT_EQ(read_now(reading), "(end)");
}

TEST_F(FileRelaysTest, WhoWritesHearsThatNobodyReadsAnyMore) {
  {
    auto [reading, writing] = new_pipe();
    UniqueFd there = pair_.pass(1, reading);
    reading.reset();
    there.reset();
    pair_.expect_nothing_left();
    EXPECT_EQ(write_now(writing, "to nobody"), "EPIPE");
  }
  auto [reading, writing] = new_pipe();
  const UniqueFd there = pair_.pass(1, writing);
  writing.reset();
  reading.reset();
  pair_.expect_nothing_left();
  EXPECT_EQ(write_now(there, "to nobody"), "EPIPE");
}

TEST_F(FileRelaysTest, ASocketGoesBothWaysAndEachEndsByItself) {
  auto [ours, travelling] = new_socketpair(SOCK_STREAM);
  UniqueFd there = pair_.pass(1, travelling);
  travelling.reset();
  EXPECT_EQ(write_now(ours, "question"), "8");
  EXPECT_EQ(::shutdown(ours.get(), SHUT_WR), 0);
  pair_.settle();
  EXPECT_EQ(read_now(there), "question");
  EXPECT_EQ(read_now(there), "(end)");
  EXPECT_EQ(write_now(there, "answer"), "6");
  pair_.settle();
  EXPECT_EQ(read_now(ours), "answer");
  EXPECT_EQ(read_now(ours), "(nothing)");
  EXPECT_EQ(::shutdown(there.get(), SHUT_WR), 0);
  pair_.expect_nothing_left();
  EXPECT_EQ(read_now(ours), "(end)");
}

TEST_F(FileRelaysTest, AReadersShutdownIsTheWritersBrokenPipe) {
  for (const bool at_home : {true, false}) {
    auto [ours, travelling] = new_socketpair(SOCK_STREAM);
    UniqueFd there = pair_.pass(1, travelling);
    travelling.reset();
    const UniqueFd& reader = at_home ? ours : there;
    const UniqueFd& writer = at_home ? there : ours;
    EXPECT_EQ(::shutdown(reader.get(), SHUT_RD), 0);
    pair_.settle();
    // The end shows only on writing: the first bytes are lost on the way.
    (void)write_now(writer, "x");
    pair_.settle();
    EXPECT_EQ(write_now(writer, "y"), "EPIPE") << at_home;
    EXPECT_EQ(write_now(reader, "the other way"), "13");
    pair_.settle();
    EXPECT_EQ(read_now(writer), "the other way");
    ours.reset();
    there.reset();
    pair_.expect_nothing_left();
  }
}

TEST_F(FileRelaysTest, BytesThatWereWrittenBeforeAnEndWasClosedStillArrive) {
  auto [ours, travelling] = new_socketpair(SOCK_STREAM);
  UniqueFd there = pair_.pass(1, travelling);
  travelling.reset();
  EXPECT_EQ(write_now(there, "last words"), "10");
  there.reset();
  pair_.expect_nothing_left();
  EXPECT_EQ(read_now(ours), "last words");
  EXPECT_EQ(read_now(ours), "(end)");
  EXPECT_EQ(write_now(ours, "x"), "EPIPE");
}

TEST_F(FileRelaysTest, AnEndThatWasClosedIsFoundWhenTheOtherDirectionEndsLater) {
  auto [ours, travelling] = new_socketpair(SOCK_STREAM | SOCK_NONBLOCK);
  UniqueFd there = pair_.pass(1, travelling);
  travelling.reset();
  // More than `ours` takes, so the other agent has no credit when the end comes.
  const std::string block(65536, 'b');
  for (std::size_t before = SIZE_MAX; before != pair_.messages;) {
    before = pair_.messages;
    while (write_now(there, block) != "EAGAIN") {
    }
    pair_.settle();
  }
  there.reset();
  pair_.settle();
  // In this order, or the agent could fill it again in between: a full socket does not tell that
  // nobody will read it.
  EXPECT_EQ(::shutdown(ours.get(), SHUT_RD), 0);
  (void)read_now(ours);
  pair_.expect_nothing_left();
  EXPECT_EQ(write_now(ours, "x"), "EPIPE");
}

// As on one host: the program that passed it may go on with its own copy.
TEST_F(FileRelaysTest, ACopyThatIsClosedThereLeavesTheProgramsOwnAlone) {
  auto [ours, kept] = new_socketpair(SOCK_STREAM);
  UniqueFd there = pair_.pass(1, kept);
  there.reset();
  pair_.expect_nothing_left();
  EXPECT_EQ(write_now(kept, "still"), "5");
  EXPECT_EQ(read_now(ours), "still");
  EXPECT_EQ(read_now(ours), "(nothing)");
  EXPECT_EQ(write_now(ours, "here"), "4");
  EXPECT_EQ(read_now(kept), "here");
}

TEST_F(FileRelaysTest, ASlowReaderStopsTheWriterAndCostsTheAgentsAWindowOnly) {
  auto [reading, writing] = new_pipe(O_NONBLOCK);
  const UniqueFd there = pair_.pass(1, reading);
  reading.reset();
  const std::string block(16384, 'b');
  std::size_t written = 0;
  for (;;) {
    const ssize_t put = ::write(writing.get(), block.data(), block.size());
    if (put > 0) {
      written += static_cast<std::size_t>(put);
      continue;
    }
    const std::size_t before = pair_.messages;
    pair_.settle();
    if (pair_.messages == before) break;  // nothing moves any more
  }
  // The capacity of two pipes and the window; little credit is not given at once.
  EXPECT_LE(written, 2 * 65536 + limits::kFileWindowBytes);
  EXPECT_GT(written, 65536 + limits::kFileWindowBytes);
  EXPECT_LE(pair_.most_in_flight, limits::kFileWindowBytes);
  std::size_t read = 0;
  for (std::string got; (got = read_now(there)) != "(nothing)"; pair_.settle()) read += got.size();
  EXPECT_EQ(read, written);
  writing.reset();
  pair_.expect_nothing_left();
}

TEST_F(FileRelaysTest, ManyBytesArriveAsTheyWere) {
  auto [ours, travelling] = new_socketpair(SOCK_STREAM);
  UniqueFd there = pair_.pass(1, travelling);
  travelling.reset();
  constexpr std::size_t kBytes = 20U << 20;
  std::string sent(kBytes, '\0');
  std::uint64_t state = 1;
  for (char& byte : sent) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    byte = static_cast<char>(state >> 56);
  }
  for (const bool back : {false, true}) {
    const UniqueFd& from = back ? there : ours;
    const UniqueFd& to = back ? ours : there;
    std::string received;
    std::size_t written = 0;
    while (received.size() < kBytes) {
      const std::string put = write_now(from, std::string_view(sent).substr(written, 100'000));
      if (put != "EAGAIN" && written < kBytes) written += std::stoul(put);
      pair_.settle();
      const std::string got = read_now(to, 30'000);
      if (got != "(nothing)") received += got;
    }
    EXPECT_TRUE(received == sent) << back;
  }
  EXPECT_LE(pair_.most_in_flight, limits::kFileWindowBytes);
  ours.reset();
  there.reset();
  pair_.expect_nothing_left();
}

TEST_F(FileRelaysTest, PacketsKeepTheirBoundaries) {
  for (const int type : {SOCK_SEQPACKET, SOCK_DGRAM}) {
    auto [ours, travelling] = new_socketpair(type);
    UniqueFd there = pair_.pass(1, travelling);
    travelling.reset();
    const std::string large(100'000, 'l');
    for (const std::string& text : {std::string("one"), large, std::string("three")}) {
      EXPECT_EQ(write_now(ours, text), std::to_string(text.size()));
    }
    pair_.settle();
    EXPECT_EQ(read_now(there), "one");
    EXPECT_TRUE(read_now(there) == large);
    EXPECT_EQ(read_now(there), "three");
    EXPECT_EQ(read_now(there), "(nothing)");
    EXPECT_EQ(write_now(there, "back"), "4");
    EXPECT_EQ(::send(there.get(), "", 0, 0), 0);
    EXPECT_EQ(write_now(there, "again"), "5");
    pair_.settle();
    EXPECT_EQ(read_now(ours), "back");
    EXPECT_EQ(read_now(ours), "(end)");  // which is how a packet of no bytes looks
    EXPECT_EQ(read_now(ours), "again");
    there.reset();
    ours.reset();
    pair_.expect_nothing_left();
  }
}

TEST_F(FileRelaysTest, ManySmallPacketsStopTheirWriterToo) {
  auto [ours, travelling] = new_socketpair(SOCK_SEQPACKET);
  UniqueFd there = pair_.pass(1, travelling);
  travelling.reset();
  std::size_t written = 0;
  for (std::size_t before = SIZE_MAX; before != pair_.messages;) {
    before = pair_.messages;
    while (write_now(ours, "p") == "1") ++written;
    pair_.settle();
  }
  std::size_t read = 0;
  for (; read_now(there) == "p"; pair_.settle()) ++read;
  EXPECT_EQ(read, written);
  EXPECT_LT(written, 8192U);
  ours.reset();
  pair_.expect_nothing_left();
  EXPECT_EQ(read_now(there), "(end)");
}

TEST_F(FileRelaysTest, APacketOverTheBoundEndsTheSocket) {
  auto [ours, travelling] = new_socketpair(SOCK_SEQPACKET);
  const int room = 1 << 20;
  if (::setsockopt(ours.get(), SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room) != 0) {
    FAIL() << "NOT RUN: only root may send packets of that size";
  }
  const UniqueFd there = pair_.pass(1, travelling);
  travelling.reset();
  const std::string text(limits::kFileWindowBytes, 'x');
  EXPECT_EQ(write_now(ours, text), std::to_string(text.size()));
  pair_.expect_nothing_left();
  EXPECT_EQ(read_now(there), "(end)");
  (void)write_now(ours, "x");  // ECONNRESET: the packet was not read
  EXPECT_EQ(write_now(ours, "x"), "EPIPE");
}

TEST_F(FileRelaysTest, TcpArrivesAsAStream) {
  const UniqueFd listening(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(::bind(listening.get(), generic, size), 0);
  ASSERT_EQ(::listen(listening.get(), 1), 0);
  ASSERT_EQ(::getsockname(listening.get(), generic, &size), 0);
  UniqueFd travelling(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::connect(travelling.get(), generic, size), 0);
  UniqueFd ours(::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
  UniqueFd there = pair_.pass(1, travelling);
  travelling.reset();
  EXPECT_EQ(write_now(there, "over"), "4");
  pair_.settle();
  EXPECT_EQ(read_now(ours), "over");
  there.reset();
  pair_.expect_nothing_left();
  EXPECT_EQ(read_now(ours), "(end)");
}

TEST_F(FileRelaysTest, TheProgramsOwnFlagsStayAndTravel) {
  for (const int flags : {0, O_NONBLOCK}) {
    auto [reading, writing] = new_pipe(flags);
    auto [ours, travelling] = new_socketpair(SOCK_STREAM | (flags != 0 ? SOCK_NONBLOCK : 0));
    for (const UniqueFd* fd : {&reading, &writing, &travelling}) {
      const int before = ::fcntl(fd->get(), F_GETFL);
      const UniqueFd there = pair_.pass(1, *fd);
      EXPECT_EQ(::fcntl(there.get(), F_GETFL) & O_NONBLOCK, flags);
      EXPECT_EQ(::fcntl(fd->get(), F_GETFL), before);
    }
    EXPECT_EQ(write_now(ours, "x"), "1");
    pair_.settle();
    EXPECT_EQ(::fcntl(travelling.get(), F_GETFL) & O_NONBLOCK, flags);
  }
  pair_.expect_nothing_left();
}

TEST_F(FileRelaysTest, NothingIsTakenFromAFileThatIsNotReceived) {
  auto [reading, writing] = new_pipe();
  EXPECT_EQ(write_now(writing, "still there"), "11");
  {  // withdrawn before the message
    const auto number = pair_.export_file(1, reading);
    ASSERT_TRUE(number.has_value());
    pair_.side(1).withdraw_file(HostId{2}, *number);
    pair_.side(1).send_offers(HostId{2});
    pair_.settle();
    EXPECT_EQ(pair_.messages, 0U);
  }
  pair_.expect_nothing_left();
  {  // offered, and not taken by the message
    ASSERT_TRUE(pair_.offer(1, reading).has_value());
    pair_.side(2).drop_offers(HostId{1});
  }
  pair_.expect_nothing_left();
  {  // taken, but the call failed before a program had it
    const auto number = pair_.offer(1, reading);
    ASSERT_TRUE(number.has_value());
    const auto imported = pair_.side(2).import_file(HostId{1}, *number);
    ASSERT_TRUE(imported.has_value());
    pair_.side(2).dropped(imported->relay);
  }
  pair_.expect_nothing_left();
  EXPECT_EQ(read_now(reading), "still there");
  EXPECT_EQ(write_now(writing, "x"), "1");
}

TEST_F(FileRelaysTest, TheEndOfTheSessionIsTheEndOfBothEnds) {
  auto [ours, travelling] = new_socketpair(SOCK_STREAM);
  auto [reading, writing] = new_pipe();
  const UniqueFd socket_there = pair_.pass(1, travelling);
  const UniqueFd reading_there = pair_.pass(1, reading);
  travelling.reset();
  reading.reset();
  pair_.lose_session();
  pair_.expect_nothing_left();
  EXPECT_EQ(read_now(ours), "(end)");
  EXPECT_EQ(write_now(ours, "x"), "EPIPE");
  EXPECT_EQ(read_now(socket_there), "(end)");
  EXPECT_EQ(write_now(socket_there, "x"), "EPIPE");
  EXPECT_EQ(read_now(reading_there), "(end)");
  EXPECT_EQ(write_now(writing, "x"), "EPIPE");
}

TEST_F(FileRelaysTest, OneThatIsPassedHomeIsTheOriginalAgain) {
  auto [ours, travelling] = new_socketpair(SOCK_STREAM);
  auto [reading, writing] = new_pipe();
  const auto inode = [](const UniqueFd& fd) {
    struct stat status {};
    EXPECT_EQ(::fstat(fd.get(), &status), 0);
    return status.st_ino;
  };
  for (UniqueFd* each : {&travelling, &writing, &reading}) {
    UniqueFd there = pair_.pass(1, *each);
    UniqueFd home = pair_.pass(2, there);
    EXPECT_EQ(inode(home), inode(*each));
    EXPECT_NE(inode(there), inode(*each));
    there.reset();
    pair_.expect_nothing_left();
  }
  // Data under way goes home, too: by relays.
  {
    EXPECT_EQ(write_now(ours, "unread"), "6");
    UniqueFd there = pair_.pass(1, travelling);
    UniqueFd home = pair_.pass(2, there);
    EXPECT_NE(inode(home), inode(travelling));
    there.reset();
    pair_.settle();
    EXPECT_EQ(read_now(home), "unread");
    home.reset();
    pair_.expect_nothing_left();
  }
  // Later data is not taken for the other host, which closes its own descriptor soon.
  UniqueFd there = pair_.pass(1, reading);
  UniqueFd home = pair_.pass(2, there);
  EXPECT_EQ(write_now(writing, "for home"), "8");
  pair_.settle();
  EXPECT_EQ(read_now(home), "for home");
  there.reset();
  pair_.expect_nothing_left();
}

TEST_F(FileRelaysTest, AnOpenFileThatIsPassedAgainIsTheSameFileThere) {
  auto [reading, writing] = new_pipe();
  const UniqueFd other_reading(::fcntl(reading.get(), F_DUPFD_CLOEXEC, 0));
  EXPECT_EQ(write_now(writing, "before"), "6");
  const auto [first, again] = pair_.pass_twice(1, reading, other_reading);
  const UniqueFd later = pair_.pass(1, reading);
  pair_.settle();
  EXPECT_EQ(pair_.side(1).relays() + pair_.side(2).relays(), 2U);
  EXPECT_EQ(read_now(again), "before");
  EXPECT_EQ(write_now(writing, "12"), "2");
  pair_.settle();
  EXPECT_EQ(read_now(first, 1), "1");
  EXPECT_EQ(read_now(later, 1), "2");
  EXPECT_EQ(read_now(first), "(nothing)");
}

TEST_F(FileRelaysTest, ItEndsWithTheLastOfItsCopies) {
  auto [reading, writing] = new_pipe();
  auto [one, two] = pair_.pass_twice(1, writing, writing);
  UniqueFd three = pair_.pass(1, writing);
  writing.reset();
  one.reset();
  two.reset();
  pair_.settle();
  EXPECT_EQ(read_now(reading), "(nothing)");
  EXPECT_EQ(write_now(three, "last"), "4");
  three.reset();
  pair_.expect_nothing_left();
  EXPECT_EQ(read_now(reading), "last");
  EXPECT_EQ(read_now(reading), "(end)");
}

TEST_F(FileRelaysTest, OneThatHasEndedThereIsPassedAnew) {
  auto [reading, writing] = new_pipe();
  // The end of the first is on its way here when the second is passed.
  const auto first = pair_.offer(1, reading);
  ASSERT_TRUE(first.has_value());
  pair_.side(2).drop_offers(HostId{1});
  wait_for_closes();
  const UniqueFd again = pair_.pass(1, reading);
  EXPECT_EQ(write_now(writing, "again"), "5");
  pair_.settle();
  EXPECT_EQ(read_now(again), "again");
}

TEST_F(FileRelaysTest, ASocketThatIsPassedLaterIsNamedByItsTwin) {
  auto [ours, travelling] = new_socketpair(SOCK_STREAM);
  const auto [first, again] = pair_.pass_twice(1, travelling, travelling);
  EXPECT_EQ(pair_.side(2).relays(), 1U);
  struct stat status {};
  ASSERT_EQ(::fstat(first.get(), &status), 0);
  const auto number = pair_.offer(1, travelling);
  ASSERT_TRUE(number.has_value());
  auto later = pair_.side(2).import_file(HostId{1}, *number);
  ASSERT_TRUE(later.has_value());
  EXPECT_EQ(later->twin, status.st_ino);
  pair_.side(2).program_gets(later->relay, RelayPair::kUser);
  later->fd.reset();  // the program has the twin
  pair_.side(2).program_has_it_or_its_twin(later->relay);
  pair_.settle();
  EXPECT_EQ(pair_.side(1).relays() + pair_.side(2).relays(), 2U);
  EXPECT_EQ(write_now(ours, "x"), "1");
  pair_.settle();
  EXPECT_EQ(read_now(again), "x");
}

TEST_F(FileRelaysTest, WhatWasWrittenIsThereBeforeTheCallThatBringsTheFile) {
  auto [reading, writing] = new_pipe();
  auto [ours, travelling] = new_socketpair(SOCK_STREAM);
  auto [ours_of_packets, packets] = new_socketpair(SOCK_SEQPACKET);
  for (UniqueFd* each : {&writing, &ours, &ours_of_packets}) {
    EXPECT_EQ(write_now(*each, "early"), "5");
  }
  for (UniqueFd* each : {&reading, &travelling, &packets}) {
    const auto number = pair_.offer(1, *each);
    ASSERT_TRUE(number.has_value());
    auto imported = pair_.side(2).import_file(HostId{1}, *number);
    ASSERT_TRUE(imported.has_value());
    pair_.side(2).drop_offers(HostId{1});
    // Nothing has gone back and forth yet.
    EXPECT_EQ(read_now(imported->fd), "early");
    const UniqueFd received = pair_.receive(2, std::move(*imported));
    pair_.settle();
    EXPECT_EQ(read_now(*each), "(nothing)");  // it has been taken once
    EXPECT_EQ(read_now(received), "(nothing)");
  }
}

TEST_F(FileRelaysTest, WhatIsWrittenIsSentAheadOfTheNextCall) {
  auto [reading, writing] = new_pipe();
  const UniqueFd there = pair_.pass(1, writing);
  EXPECT_EQ(write_now(there, "done"), "4");
  pair_.bring_up_to_date(2);
  ASSERT_EQ(pair_.mail_for(1).size(), 1U);
  pair_.settle();
  EXPECT_EQ(read_now(reading), "done");
}

// Reads the count of an eventfd without waiting; 0 if there is none.
std::uint64_t count_of(const UniqueFd& fd) {
  std::uint64_t value = 0;
  pollfd now{.fd = fd.get(), .events = POLLIN, .revents = 0};
  if (::poll(&now, 1, 0) != 1) return 0;
  EXPECT_EQ(::read(fd.get(), &value, sizeof value), ssize_t{sizeof value});
  return value;
}

void add_to(const UniqueFd& fd, std::uint64_t value) {
  EXPECT_EQ(::write(fd.get(), &value, sizeof value), ssize_t{sizeof value});
}

TEST_F(FileRelaysTest, AnEventfdHasOneCountOnBothHosts) {
  const UniqueFd here(::eventfd(3, EFD_CLOEXEC));
  const UniqueFd there = pair_.pass(1, here);
  EXPECT_EQ(count_of(there), 3U);  // what it had when it was passed
  pair_.settle();
  EXPECT_EQ(count_of(here), 0U);  // has been read
  add_to(here, 1);
  add_to(here, 4);
  pair_.settle();
  EXPECT_EQ(count_of(there), 5U);
  pair_.settle();
  EXPECT_EQ(count_of(here), 0U);
  add_to(there, 7);
  pair_.settle();
  add_to(here, 2);
  pair_.settle();
  EXPECT_EQ(count_of(here), 9U);
  pair_.settle();
  EXPECT_EQ(count_of(there), 0U);
  // A count that is read where it was written does not reach the other host.
  add_to(there, 1);
  EXPECT_EQ(count_of(there), 1U);
  pair_.settle();
  EXPECT_EQ(count_of(here), 0U);
}

TEST_F(FileRelaysTest, ASemaphoreIsReadByOnesAndAnEventfdAtHomeIsTheOriginal) {
  const UniqueFd here(::eventfd(2, EFD_CLOEXEC | EFD_SEMAPHORE | EFD_NONBLOCK));
  const UniqueFd there = pair_.pass(1, here);
  EXPECT_NE(::fcntl(there.get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_EQ(count_of(there), 1U);
  pair_.settle();
  EXPECT_EQ(count_of(here), 1U);
  pair_.settle();
  EXPECT_EQ(count_of(there), 0U);
  const UniqueFd again = pair_.pass(1, here);
  const UniqueFd home = pair_.pass(2, there);
  EXPECT_EQ(pair_.side(1).relays() + pair_.side(2).relays(), 2U);
  add_to(home, 1);
  EXPECT_EQ(count_of(here), 1U);  // at once
  add_to(again, 1);
  EXPECT_EQ(count_of(there), 1U);
}

TEST_F(FileRelaysTest, TheStillestEventfdMakesRoom) {
  std::vector<UniqueFd> here;
  std::vector<UniqueFd> there;
  for (std::size_t i = 0; i < limits::kMaxCountersOfPeer; ++i) {
    here.emplace_back(::eventfd(0, EFD_CLOEXEC));
    there.push_back(pair_.pass(1, here.back()));
  }
  add_to(here[0], 1);
  pair_.settle();
  here.emplace_back(::eventfd(0, EFD_CLOEXEC));
  there.push_back(pair_.pass(1, here.back()));
  pair_.settle();
  EXPECT_EQ(pair_.side(1).relays(), limits::kMaxCountersOfPeer);
  for (const UniqueFd& each : here) add_to(each, 1);
  pair_.settle();
  EXPECT_EQ(count_of(there.front()), 2U);
  EXPECT_EQ(count_of(there[1]), 0U);  // it was the stillest
  EXPECT_EQ(count_of(there.back()), 1U);
  // Nobody waits for a count that cannot take more.
  constexpr std::uint64_t kHalf = std::uint64_t{1} << 62;
  for (int i = 0; i < 3; ++i) {
    add_to(there[2], kHalf);
    pair_.settle();
  }
  add_to(here[2], kHalf - 2 - 2);
  add_to(there[2], kHalf - 2 - 2);
  pair_.settle();
  EXPECT_EQ(count_of(there[2]), UINT64_MAX - 1);
}

TEST_F(FileRelaysTest, NoDescriptorIsLeftOpen) {
  pair_.settle();  // the threads have theirs
  while (file_threads() > 2) std::this_thread::yield();
  const std::size_t before = open_descriptors();
  for (int i = 0; i < 20; ++i) {
    auto [reading, writing] = new_pipe();
    auto [ours, travelling] = new_socketpair(SOCK_STREAM);
    UniqueFd a = pair_.pass(1, reading);
    UniqueFd b = pair_.pass(2, writing);
    UniqueFd c = pair_.pass(1, travelling);
    UniqueFd d = pair_.pass(2, c);
    EXPECT_EQ(pair_.side(1).relays(), 3U);  // the last one is at home
    if (i % 2 == 0) ours.reset();
  }
  pair_.expect_nothing_left();
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(FileRelaysTest, MoreThanTheBoundAreRefused) {
  auto [ours, travelling] = new_socketpair(SOCK_STREAM);
  std::vector<Ends> pipes;
  std::vector<UniqueFd> there;
  for (std::size_t i = 0; i < limits::kMaxRelaysOfPeer; ++i) {
    pipes.push_back(new_pipe());
    there.push_back(pair_.pass(1, pipes.back().first));
    if (i % 64 == 0) pair_.settle();
  }
  const auto refused = pair_.offer(1, travelling);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().error, -EMFILE);
  EXPECT_STREQ(refused.error().reason, "too many descriptors are relayed to that host");
  there.clear();
  pair_.expect_nothing_left();
}

}  // namespace
}  // namespace netbinder::testing
