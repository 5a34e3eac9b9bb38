// SPDX-License-Identifier: Apache-2.0
//
// The subcommands of netbinder: the options of each (tools/command_line.h fills these in), and the
// function that carries it out and returns the program's exit status. Errors are exceptions with a
// plain sentence, printed by main.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "tools/asked_hosts.h"
#include "tools/private_cluster.h"

namespace netbinder::tools {

// The options of a command that asks somebody who may never answer (tools/time_limit.h).
struct TimeLimited {
  double timeout_s = 5;  // 0: for ever
};

// Runs a program with the shim preloaded, or supervised.
struct RunOptions {
  std::string socket;
  bool supervised = false;  // in any case; otherwise where the shim cannot be preloaded
  std::vector<std::string> command;
};

// Runs one command in a private cluster.
struct SessionOptions {
  PrivateClusterSetup setup;
  std::vector<std::string> command;
};

// Shows the state of an agent.
struct StatusOptions : TimeLimited {
  std::string socket;
  AskedHosts hosts;
  bool users = false;  // what each user has of it
  bool json = false;
};

// Shows what an agent's programs do, again and again.
struct TopOptions {
  std::string socket;
  AskedHosts hosts;
  double interval_s = 2;
  double timeout_s = 5;  // of each look
  bool once = false;
  bool json = false;
};

// Serves a page for browsers, that shows an agent live.
struct UiOptions {
  std::string listen = "127.0.0.1:9556";
  bool anybody = false;
  std::string socket;
  std::string device = "/dev/binder";
  double timeout_s = 5;  // of each question to the agent
};

// Has an agent read its configuration again.
struct ReloadOptions : TimeLimited {
  std::string socket;
  bool json = false;
};

// Looks for what keeps programs from working. Exit status 0, 1 (warnings) or 2 (errors).
struct DoctorOptions {
  std::string socket;
  std::string device = "/dev/binder";
  bool json = false;
};

// Makes and checks the certificates of a cluster's hosts.
struct CertsOptions {
  enum class Action { kInit, kHost, kRevoke, kCheck };
  Action action = Action::kInit;
  std::string folder = ".";
  std::string name = "netbinder";  // of the authority
  std::string host;
  int days = 365;
  bool renews = false;
  std::string certificate, key, ca, crl;  // to be checked
};

// Shows one of the driver's debug files, without root.
struct DebugFileOptions : TimeLimited {
  std::string file;
  std::string socket;
  AskedHosts hosts;
  bool json = false;
};

// Shows the last calls and replies.
struct LogOptions : TimeLimited {
  std::string socket;
  AskedHosts hosts;
  bool failed = false;  // only those
  bool kernel = false;  // as the driver's debug file has them
  bool json = false;
};

// Asks the service manager.
struct ServiceOptions : TimeLimited {
  enum class Question { kList, kCheck, kWait };
  Question question = Question::kList;
  std::string device = "/dev/binder";
  std::string name;
  bool json = false;
  bool names_only = false;  // of kList: one a line
  double wait_s = 0;  // of kWait; 0: for ever
};

// Asks an object for what every object answers, or calls a method by its number.
struct ObjectOptions : TimeLimited {
  enum class Question { kInterface, kDump, kShellCommand, kCall };
  Question question = Question::kInterface;
  std::string device = "/dev/binder";
  std::string name;
  std::uint32_t code = 0;
  std::vector<std::string> words;  // arguments; of a call, each with its type before it
};

// Calls a method by its name, with JSON in and out. Exit status 0, 1 (the call fails) or 2 (bad input).
struct AidlDumpOptions : TimeLimited {
  std::string device = "/dev/binder";
  std::string file;
  std::vector<std::string> imports;  // folders
  std::string name;
  std::string method;
  std::vector<std::string> arguments;
};

// Freezes a program of any host, or thaws it.
struct FreezeOptions {
  std::string host;
  std::int32_t pid = 0;
  bool thaw = false;
  std::int32_t timeout_ms = 0;
  std::string device = "/dev/binder";
};

// Calls a service and times the round trips. The limit is for each.
struct PingOptions {
  double timeout_s = 5;
  std::string device = "/dev/binder";
  std::string name;
  std::size_t count = 5;
  std::size_t interval_ms = 200;
  bool json = false;
};

// netbinder beside its peers (bench/driver). What is not given is chosen there.
struct BenchPeersOptions {
  std::vector<std::string> names;  // of peers; empty: all there are
  std::vector<std::string> modes;
  std::vector<std::uint32_t> clients;
  std::optional<std::size_t> rounds;
  std::string report;
};

// Times calls on one host and across two.
struct BenchOptions {
  std::vector<std::size_t> sizes;  // empty: a choice of them
  std::size_t calls = 20000;
  std::optional<double> seconds;                // for one row, at most; of one turn
  std::optional<BenchPeersOptions> with_peers;  // in place of everything below
  std::string json_file;                        // empty: stdout
  std::vector<std::string> paths = {"socket", "local", "cross-host"};
  std::string device = "/dev/binder";
  bool kernel = false;
  bool json = false;
};

// Records the calls of hosts, into a file for trace viewers.
struct TraceOptions {
  std::vector<std::string> sockets;  // empty: the agent's that programs use here
  std::vector<std::string> hosts;    // and those that are asked through the cluster
  bool all = false;                  // and all other hosts of the cluster
  double seconds = 5;
  std::string file;
};

// Shows each call of a host, or of all, as it ends.
struct MonitorOptions {
  std::string socket;
  AskedHosts hosts;
  std::string filter;  // in a name; empty: all
  bool failed = false;
  std::size_t count = 0;  // 0: no end
  double seconds = 0;     // likewise
  bool json = false;
};

using Command =
    std::variant<RunOptions, SessionOptions, StatusOptions, TopOptions, ReloadOptions, DoctorOptions,
                 CertsOptions, DebugFileOptions, LogOptions, ServiceOptions, ObjectOptions,
                 AidlDumpOptions, FreezeOptions, PingOptions, BenchOptions, TraceOptions,
                 MonitorOptions, UiOptions>;

// `argv`: this program's own arguments, with which it may have to start itself again.
int carry_out(const RunOptions& options, char** argv);
int carry_out(const SessionOptions& options, char** argv);
int carry_out(const StatusOptions& options, char** argv);
int carry_out(const TopOptions& options, char** argv);
int carry_out(const ReloadOptions& options, char** argv);
int carry_out(const DoctorOptions& options, char** argv);
int carry_out(const CertsOptions& options, char** argv);
int carry_out(const DebugFileOptions& options, char** argv);
int carry_out(const LogOptions& options, char** argv);
int carry_out(const ServiceOptions& options, char** argv);
int list_services(const ServiceOptions& options);
int carry_out(const ObjectOptions& options, char** argv);
int carry_out(const AidlDumpOptions& options, char** argv);
int carry_out(const FreezeOptions& options, char** argv);
int carry_out(const PingOptions& options, char** argv);
int carry_out(const BenchOptions& options, char** argv);
int carry_out(const TraceOptions& options, char** argv);
int carry_out(const MonitorOptions& options, char** argv);
int carry_out(const UiOptions& options, char** argv);
int bench_with_peers(const BenchOptions& options);

}  // namespace netbinder::tools
