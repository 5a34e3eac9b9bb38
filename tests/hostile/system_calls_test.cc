// SPDX-License-Identifier: Apache-2.0
//
// The system calls of the data plane are those that docs/ARCHITECTURE.md lists, and no others:
// traced on that thread alone, while programs on one host and on two do what there is to do.
#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>

#include "tests/agent/agent_process.h"
#include "tests/agent/channel_client.h"
#include "tests/agent/reserved_port.h"
#include "tests/agent/polite_pair.h"
#include "tests/hostile/system_call_trace.h"
#include "tests/transport/test_certificates.h"

namespace netbinder::testing {
namespace {

const std::map<std::string, long>& numbers() {
#define NB_CALL(name) {#name, SYS_##name}
  static const std::map<std::string, long> all = {
      NB_CALL(accept4),       NB_CALL(bind),         NB_CALL(brk),
      NB_CALL(clock_gettime), NB_CALL(clone),        NB_CALL(clone3),
      NB_CALL(close),         NB_CALL(connect),      NB_CALL(dup),
      NB_CALL(epoll_create1), NB_CALL(epoll_ctl),    NB_CALL(epoll_pwait),
      NB_CALL(epoll_wait),    NB_CALL(eventfd2),     NB_CALL(fadvise64),
      NB_CALL(fcntl),         NB_CALL(fstat),        NB_CALL(fstatfs),
      NB_CALL(ftruncate),     NB_CALL(futex),        NB_CALL(getdents64),
      NB_CALL(getpeername),   NB_CALL(getpid),       NB_CALL(getrandom),
      NB_CALL(getsockname),   NB_CALL(getsockopt),   NB_CALL(gettid),
      NB_CALL(getuid),        NB_CALL(ioctl),        NB_CALL(lseek),
      NB_CALL(madvise),       NB_CALL(memfd_create), NB_CALL(mincore),
      NB_CALL(mmap),          NB_CALL(mprotect),     NB_CALL(mremap),
      NB_CALL(munmap),        NB_CALL(newfstatat),   NB_CALL(open),
      NB_CALL(openat),        NB_CALL(pidfd_open),   NB_CALL(pipe2),
      NB_CALL(poll),          NB_CALL(ppoll),        NB_CALL(pread64),
      NB_CALL(preadv2),       NB_CALL(pwrite64),     NB_CALL(read),
      NB_CALL(readlink),      NB_CALL(readlinkat),   NB_CALL(readv),
      NB_CALL(recvfrom),      NB_CALL(recvmsg),      NB_CALL(restart_syscall),
      NB_CALL(rseq),          NB_CALL(rt_sigaction), NB_CALL(rt_sigprocmask),
      NB_CALL(rt_sigreturn),  NB_CALL(sched_yield),  NB_CALL(sendmsg),
      NB_CALL(sendto),        NB_CALL(setsockopt),   NB_CALL(shutdown),
      NB_CALL(socket),        NB_CALL(socketpair),   NB_CALL(splice),
      NB_CALL(stat),          NB_CALL(tee),          NB_CALL(timer_settime),
      NB_CALL(timerfd_create), NB_CALL(timerfd_settime), NB_CALL(unlink),
      NB_CALL(write),         NB_CALL(writev),       NB_CALL(accept),
      NB_CALL(uname),         NB_CALL(geteuid),      NB_CALL(inotify_add_watch),
      NB_CALL(inotify_rm_watch),
  };
#undef NB_CALL
  return all;
}

std::string name_of(long number) {
  for (const auto& [name, each] : numbers()) {
    if (each == number) return name;
  }
  return std::to_string(number);
}

// The words in backquotes of the paragraph about them, but for names of files.
std::set<std::string> listed() {
  std::stringstream text;
  text << std::ifstream(ARCHITECTURE).rdbuf();
  const std::string all = text.str();
  const std::size_t begin = all.find("**System calls of the data plane**");
  EXPECT_NE(begin, std::string::npos);
  const std::string paragraph = all.substr(begin, all.find("\n- **", begin) - begin);
  std::set<std::string> words;
  // Every second piece stands between backquotes.
  std::istringstream pieces(paragraph);
  std::string piece;
  for (bool quoted = false; std::getline(pieces, piece, '`'); quoted = !quoted) {
    if (quoted && piece.find('/') == std::string::npos) words.insert(piece);
  }
  return words;
}

class SystemCalls : public ::testing::Test {
 protected:
  void expect_only_listed(const SystemCallTrace& trace) {
    std::set<std::string> allowed = listed();
#ifdef __SANITIZE_ADDRESS__  // its allocator's own
    allowed.insert({"gettid", "madvise"});
#endif
    for (const long number : trace.seen()) {
      const std::string name = name_of(number);
      EXPECT_TRUE(allowed.contains(name))
          << "the data plane made a system call that docs/ARCHITECTURE.md does not list: " << name;
    }
  }
  // Programs of one host call each other, and administrators ask for everything.
  static void use_one_host(const AgentProcess& agent) {
    {
      const EchoServer server(agent.socket(), "near");
      ChannelClient client(agent.socket());
      ASSERT_EQ(client.map(1U << 20), 0);
      Caller caller(client, 1);
      use(caller, caller.find("near"));
      for (const char* const request : {"status", "state", "log", "services", "users"}) {
        (void)agent.status_line(fmt::format("{{\"command\":\"{}\"}}\n", request));
      }
    }
    expect_polite_programs_work(agent.socket());
    // A program that breaks the rules, one that says nothing, and one that is gone at once.
    for (const char* const words : {"nonsense", ""}) {
      const int fd = connect_to(agent.socket());
      (void)::send(fd, words, std::strlen(words), MSG_NOSIGNAL);
      ::close(fd);
    }
    ASSERT_EQ(::kill(agent.pid(), SIGHUP), 0);
    expect_polite_programs_work(agent.socket());
  }
  // Calls small and large, and descriptors.
  static void use(Caller& caller, std::uint32_t service) {
    for (const std::size_t bytes : {64U, 4000U, 60'000U}) {
      const std::vector<std::byte> sent = pattern(bytes, 1);
      const Caller::Answer answer = caller.call(service, 1, sent);
      EXPECT_EQ(answer.command, std::uint32_t{BR_REPLY}) << bytes;
      EXPECT_EQ(answer.data, sent);
    }
    int pipe[2];
    int sockets[2];
    ASSERT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
    const int counter = ::eventfd(0, EFD_CLOEXEC);
    const int content = ::open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    for (const int fd : {pipe[0], pipe[1], sockets[0], counter, content, pipe[0], sockets[0]}) {
      EXPECT_EQ(caller.send_file(service, fd), std::uint32_t{BR_TRANSACTION_COMPLETE});
      EXPECT_EQ(::write(pipe[1], "bytes", 5), 5);
    }
    EXPECT_EQ(caller.send_file(service, 9999), std::uint32_t{BR_FAILED_REPLY});
    EXPECT_EQ(caller.call(service, 1, pattern(64, 2)).command, std::uint32_t{BR_REPLY});
    for (const int fd : {pipe[0], pipe[1], sockets[0], sockets[1], counter, content}) ::close(fd);
  }
};

TEST_F(SystemCalls, OfOneHostAreListed) {
  AgentProcess agent;
  const SystemCallTrace trace(agent.pid());
  use_one_host(agent);
  expect_only_listed(trace);
}

TEST_F(SystemCalls, OfTwoHostsAreListed) {
  TestCertificates authority;
  for (const bool tls : {false, true}) {
    const std::string hosts = fmt::format(
        "[[hosts]]\nname = \"here\"\naddress = \"127.0.0.1:{}\"\n"
        "[[hosts]]\nname = \"there\"\naddress = \"127.0.0.1:{}\"\n",
        reserved_port(), reserved_port());
    const auto settings = [&](const std::string& name) {
      if (!tls) return "insecure = true\n" + hosts;
      const TlsConfig files = authority.issue(name);
      return fmt::format("[tls]\ncertificate = \"{}\"\nkey = \"{}\"\nca = \"{}\"\n",
                         files.certificate, files.key, files.ca) +
             hosts;
    };
    const Folder here_folder;
    const Folder there_folder;
    std::filesystem::create_directories(there_folder.path("agent.toml.d"));
    there_folder.write("agent.toml.d/host.toml", "host = \"there\"\n");
    AgentProcess here(settings("here"), here_folder);
    const SystemCallTrace trace(here.pid());
    std::optional<AgentProcess> there;
    there.emplace(settings("there"), there_folder);
    const SystemCallTrace trace_there(there->pid());
    {
      std::optional<EchoServer> server;
      server.emplace(there->socket(), "far");
      ChannelClient client(here.socket());
      ASSERT_EQ(client.map(1U << 20), 0);
      Caller caller(client, 1);
      std::uint32_t far = 0;
      ASSERT_TRUE(eventually("the service is known here",
                             [&] { return (far = caller.find("far")) != 0; }));
      use(caller, far);
      server.reset();
    }
    use_one_host(here);
    expect_only_listed(trace_there);
    there.reset();  // and the session is lost
    expect_polite_programs_work(here.socket());
    expect_only_listed(trace);
  }
}

// A list that holds more than what is used is no list.
TEST_F(SystemCalls, OfTheListAreKnown) {
  for (const std::string& name : listed()) EXPECT_TRUE(numbers().contains(name)) << name;
  for (const char* const never : {"process_vm_readv", "pidfd_getfd", "ptrace", "tee", "splice"}) {
    EXPECT_FALSE(listed().contains(never));
  }
}

}  // namespace
}  // namespace netbinder::testing
