// SPDX-License-Identifier: Apache-2.0
//
// netbinderd as a command: configurations that it refuses, and sockets that are in use.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "tests/agent/agent_process.h"
#include "tests/agent/channel_client.h"
#include "tests/agent/polite_pair.h"

namespace netbinder::testing {
namespace {

TEST(Daemon, CheckPrintsTheEffectiveConfiguration) {
  Folder folder;
  folder.write("good.toml", "host = \"here\"\n[[context]]\nname = \"mybinder\"\n");
  EXPECT_EQ(run_daemon(folder, {"--config", folder.path("good.toml"), "--check"}, "out"), 0);
  EXPECT_NE(folder.read("out").find("mybinder"), std::string::npos);
  EXPECT_EQ(run_daemon(folder, {"--check"}, "defaults"), 0);
  EXPECT_NE(folder.read("defaults").find("hwbinder"), std::string::npos);
}

TEST(Daemon, ABadConfigurationIsStatusTwoAndItsPlaceIsNamed) {
  struct Case {
    const char* text;
    const char* line;  // behind the file's name
    const char* key;
  };
  const std::vector<Case> cases{
      {"host = \"here\"\nlog_level = \"loud\"\n", ":2", "log_level"},
      {"host = \"here\"\n\n[limits]\nmax_processes = 0\n", ":4", "max_processes"},
      {"host = \"here\"\n[[context]]\nname = \"a\"\nscope = \"galaxy\"\n", ":4", "scope"},
      {"host = 7\n", ":1", "host"},
      {"unknown_key = 1\n", ":1", "unknown_key"},
      {"host = \n", ":1", ""},
  };
  for (const bool check : {true, false}) {
    for (const Case& bad : cases) {
      Folder folder;
      folder.write("bad.toml", bad.text);
      std::vector<std::string> arguments{"--config", folder.path("bad.toml")};
      if (check) arguments.emplace_back("--check");
      EXPECT_EQ(run_daemon(folder, arguments, "out"), 2) << bad.text;
      const std::string out = folder.read("out");
      EXPECT_NE(out.find(folder.path("bad.toml") + bad.line), std::string::npos) << out;
      EXPECT_NE(out.find(bad.key), std::string::npos) << out;
    }
  }
  Folder folder;
  EXPECT_EQ(run_daemon(folder, {"--config", folder.path("missing.toml")}, "out"), 2);
  EXPECT_NE(folder.read("out").find("missing.toml"), std::string::npos);
}

TEST(Daemon, CheckLooksAtTheFilesOfMembership) {
  Folder folder;
  const auto check = [&](const std::string& more) {
    folder.write("joins.toml",
                 "host = \"a\"\nlisten = \"127.0.0.1:7\"\ncluster_key = \"k\"\n[membership]\n"
                 "kind = \"etcd\"\nendpoints = [\"https://127.0.0.1:1\"]\n" +
                     more);
    return run_daemon(folder, {"--config", folder.path("joins.toml"), "--check"}, "out");
  };
  EXPECT_EQ(check(""), 0);
  EXPECT_NE(folder.read("out").find("# ok: the files of [membership]"), std::string::npos);
  EXPECT_EQ(check("tls = { ca = \"/nonexistent\" }\n"), 1);
  EXPECT_NE(folder.read("out").find("# error: membership.tls.ca /nonexistent"), std::string::npos);
  EXPECT_EQ(check("user = \"u\"\npassword_file = \"/nonexistent\"\n"), 1);
  EXPECT_NE(folder.read("out").find("# error: membership.password_file /nonexistent"),
            std::string::npos);
}

TEST(Daemon, ASecondAgentIsRefusedAndTheFirstOneKeepsWorking) {
  AgentProcess first;
  const Counts before = first.counts();
  EXPECT_EQ(run_daemon(first.folder(), {"--config", first.folder().path("agent.toml")}, "second"),
            1);
  EXPECT_NE(first.folder().read("second").find("another agent"), std::string::npos);
  EXPECT_NE(first.folder().read("second").find(first.socket()), std::string::npos);
  expect_polite_programs_work(first.socket());
  first.expect_back_at(before);
}

TEST(Daemon, ASocketLeftBehindIsTakenOver) {
  Folder folder;
  const std::string path = folder.path("agent.sock");
  for (const std::string& stale : {path, path + ".admin"}) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, stale.c_str(), stale.size() + 1);
    const int fd = ::socket(AF_UNIX, SOCK_SEQPACKET, 0);
    ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ::close(fd);
  }
  AgentProcess agent("", folder);
  expect_polite_programs_work(path);
}

TEST(Daemon, AFileThatIsNoSocketIsNotRemoved) {
  Folder folder;
  folder.write("agent.sock", "precious");
  folder.write("agent.toml",
               "host = \"here\"\nsocket = \"" + folder.path("agent.sock") + "\"\n");
  EXPECT_EQ(run_daemon(folder, {"--config", folder.path("agent.toml")}, "out"), 1);
  EXPECT_EQ(folder.read("agent.sock"), "precious");
  EXPECT_NE(folder.read("out").find("agent.sock"), std::string::npos);

  folder.write("admin.sock", "precious");
  folder.write("admin.toml", "host = \"here\"\nsocket = \"" + folder.path("other.sock") +
                                 "\"\nadmin_socket = \"" + folder.path("admin.sock") + "\"\n");
  EXPECT_EQ(run_daemon(folder, {"--config", folder.path("admin.toml")}, "out"), 1);
  EXPECT_EQ(folder.read("admin.sock"), "precious");
}

TEST(Daemon, SignalsAreNotFatal) {
  AgentProcess agent;
  for (const int signal : {SIGHUP, SIGUSR1, SIGUSR2, SIGHUP}) {
    ASSERT_EQ(::kill(agent.pid(), signal), 0);
    (void)agent.status_line("{\"command\":\"status\"}\n");
  }
  expect_polite_programs_work(agent.socket());
}

TEST(Daemon, ReloadTakesOverAllOrNothing) {
  AgentProcess agent("log_level = \"info\"\n");
  const std::string good = agent.folder().read("agent.toml");
  const auto reload = [&] { return agent.status_line("{\"command\":\"reload\"}\n"); };
  EXPECT_EQ(reload(), R"({"changed":[],"needs_restart":[]})");
  agent.folder().write("agent.toml", good + "[[context]]\nname = \"late\"\n[limits]\nmax_processes = 0\n");
  EXPECT_NE(reload().find("limits.max_processes"), std::string::npos) << reload();
  EXPECT_EQ(agent.status_line("{\"command\":\"status\"}\n").find("late"), std::string::npos);
  agent.folder().write("agent.toml",
                       good + "busy_poll_us = 7\n[[context]]\nname = \"late\"\n[session]\ntimeout_ms = 9999\n");
  const std::string answer = reload();
  EXPECT_NE(answer.find("context[late].name"), std::string::npos) << answer;
  EXPECT_NE(answer.find("busy_poll_us"), std::string::npos) << answer;
  EXPECT_NE(answer.find("session.timeout_ms"), std::string::npos) << answer;
  EXPECT_NE(agent.status_line("{\"command\":\"status\"}\n").find("late"), std::string::npos);
  expect_polite_programs_work(agent.socket());
}

}  // namespace
}  // namespace netbinder::testing
