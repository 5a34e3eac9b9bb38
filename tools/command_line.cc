// SPDX-License-Identifier: Apache-2.0
#include "tools/command_line.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "generated/version.h"
#include "tools/calls_options.h"
#include "tools/completion.h"
#include "tools/installation.h"
#include "tools/unknown_command.h"

namespace netbinder::tools {
namespace {

// Each of these adds a command to the command line. If it is the one given, its options are put
// into `chosen`.
using Chosen = Command;

constexpr int kBadCommandLine = 2;  // exit status

// The parser takes [a,b] for several values, and {} for none, where there may be several. Words that
// look so have a mark in front while they are parsed.
constexpr char kMark = '\x1f';

std::vector<std::string> marked(int argc, char** argv) {
  std::vector<std::string> words;
  for (int i = argc - 1; i > 0; --i) {  // in the order that the parser takes them
    const std::string word = argv[i];
    const bool changed = word.starts_with('[') || word.starts_with('{') || word.starts_with(kMark);
    words.push_back(changed ? kMark + word : word);
  }
  return words;
}

std::string unmarked(std::string word) {
  if (word.starts_with(kMark)) word.erase(0, 1);
  return word;
}

// Words that are passed on as they are, after the -- that may be in front.
void unmark(std::vector<std::string>& words) {
  if (!words.empty() && words.front() == "--") words.erase(words.begin());
  for (std::string& word : words) word = unmarked(std::move(word));
}

// Removes the marks from the values of all options that have one value.
void unmark_values(CLI::App& app) {
  for (CLI::Option* const option : app.get_options()) {
    if (option->get_items_expected_max() == 1) option->transform(unmarked, "");
  }
  for (CLI::App* const command : app.get_subcommands({})) unmark_values(*command);
}

void add_timeout(CLI::App& command, double& timeout_s, const char* about = "seconds to wait for the answer; 0: for ever") {
  command.add_option("--timeout", timeout_s, about)->check(CLI::Range(0.0, 86400.0));
}

void add_run(CLI::App& app, Chosen& chosen) {
  auto options = std::make_shared<RunOptions>();
  CLI::App* run = app.add_subcommand("run", "run a program with the shim preloaded");
  run->add_option("--socket", options->socket, "the agent's socket");
  run->add_flag("--supervised", options->supervised,
                "supervise it (chosen by itself where nothing can be preloaded)");
  run->add_option("command", options->command, "the program and its arguments, after --")
      ->required();
  run->positionals_at_end();
  run->callback([options, &chosen] {
    unmark(options->command);
    chosen = *options;
  });
}

void add_session(CLI::App& app, Chosen& chosen) {
  struct Words {
    SessionOptions options;
    std::string transport = "tcp";
    std::string manager = "builtin";
  };
  auto words = std::make_shared<Words>();
  PrivateClusterSetup& setup = words->options.setup;
  CLI::App* session = app.add_subcommand(
      "session", "start private agents, run a command with the shim preloaded, stop everything");
  session->add_option("--hosts", setup.hosts, "how many hosts")
      ->check(CLI::Range(std::size_t{1}, PrivateCluster::kMaxHosts));
  session->add_option("--transport", words->transport, "between the hosts")
      ->check(CLI::IsMember({"tcp", "rdma"}));
  session->add_option("--busy-poll-us", setup.busy_poll_us, "of the agents, see netbinderd")
      ->check(CLI::Range(0, 1'000'000));
  session->add_option("--service-manager", words->manager, "who answers handle 0 at first")
      ->check(CLI::IsMember({"builtin", "none"}));
  session->add_option("--context", setup.contexts, "binder devices, comma-separated")
      ->delimiter(',');
  session->add_option("--log-level", setup.log_level, "of the agents");
  session->add_option("--agents", setup.agents,
                      "the agents' programs, in turn, comma-separated: another version's among them")
      ->delimiter(',')
      ->check(CLI::ExistingFile);
  session->add_option("command", words->options.command, "the command and its arguments, after --")
      ->required();
  session->positionals_at_end();
  session->callback([words, &chosen] {
    words->options.setup.rdma = words->transport == "rdma";
    words->options.setup.builtin_manager = words->manager == "builtin";
    unmark(words->options.command);
    chosen = words->options;
  });
}

void add_status(CLI::App& app, Chosen& chosen) {
  auto options = std::make_shared<StatusOptions>();
  options->socket = agent_socket();
  CLI::App* status = app.add_subcommand("status", "what an agent is doing");
  status->add_option("--socket", options->socket, "the agent's socket");
  add_hosts(*status, options->hosts);
  add_timeout(*status, options->timeout_s);
  status->add_flag("--json", options->json, "as JSON");
  status->add_flag("--users", options->users, "what each user has of the agent, and its bounds");
  status->callback([options, &chosen] { chosen = *options; });
}

void add_top(CLI::App& app, Chosen& chosen) {
  auto options = std::make_shared<TopOptions>();
  options->socket = agent_socket();
  CLI::App* top = app.add_subcommand(
      "top", "what programs do at the moment: calls, queues, threads, links; q or ctrl-C ends it");
  top->add_option("--socket", options->socket, "the agent's socket");
  add_hosts(*top, options->hosts);
  top->add_option("-i,--interval", options->interval_s, "seconds between looks")
      ->check(CLI::Range(0.1, 3600.0));
  add_timeout(*top, options->timeout_s, "seconds to wait for each look; 0: for ever");
  top->add_flag("--once", options->once, "print one page and exit");
  top->add_flag("--json", options->json, "as JSON, an object a line");
  top->callback([options, &chosen] { chosen = *options; });
}

void add_reload(CLI::App& app, Chosen& chosen) {
  auto options = std::make_shared<ReloadOptions>();
  options->socket = agent_socket();
  CLI::App* reload = app.add_subcommand(
      "reload", "have an agent read its configuration again and say what has changed");
  reload->add_option("--socket", options->socket, "the agent's socket");
  add_timeout(*reload, options->timeout_s);
  reload->add_flag("--json", options->json, "as JSON");
  reload->callback([options, &chosen] { chosen = *options; });
}

void add_doctor(CLI::App& app, Chosen& chosen) {
  auto options = std::make_shared<DoctorOptions>();
  options->socket = agent_socket();
  CLI::App* doctor = app.add_subcommand(
      "doctor", "look for what keeps programs from working here; exit status 0, 1 (warnings), 2");
  doctor->add_option("--socket", options->socket, "the agent's socket");
  doctor->add_option("--device", options->device, "the binder device");
  doctor->add_flag("--json", options->json, "as JSON");
  doctor->callback([options, &chosen] { chosen = *options; });
}

void add_certs(CLI::App& app, Chosen& chosen) {
  using Action = CertsOptions::Action;
  auto options = std::make_shared<CertsOptions>();
  CLI::App* certs = app.add_subcommand("certs", "certificates for the hosts of a cluster");
  certs->require_subcommand(1);
  const auto add = [&](const char* name, const char* about, Action action) {
    CLI::App* command = certs->add_subcommand(name, about);
    command->callback([options, action, &chosen] {
      options->action = action;
      chosen = *options;
    });
    return command;
  };
  CLI::App* init = add("init", "make an authority in a folder", Action::kInit);
  init->add_option("folder", options->folder, "where to")->required();
  init->add_option("--name", options->name, "of the authority");
  CLI::App* host = add("host", "make a certificate and its key for a host", Action::kHost);
  host->add_option("name", options->host, "the host, as in [[hosts]]")->required();
  host->add_option("--folder", options->folder, "the authority's");
  host->add_option("--days", options->days, "how long it is valid")->check(CLI::Range(1, 3650));
  host->add_flag("--renew", options->renews, "write over the earlier one");
  CLI::App* revoke =
      add("revoke", "take a host's certificate back, or renew the list of those (crl.pem)",
          Action::kRevoke);
  revoke->add_option("name", options->host, "the host; without one, the list is written anew");
  revoke->add_option("--folder", options->folder, "the authority's");
  revoke->add_option("--days", options->days, "after which the list has to be written anew")
      ->check(CLI::Range(1, 3650));
  CLI::App* check = add(
      "check", "whether these files fit together and are the host's; exit status 0, 1 (warnings), 2",
      Action::kCheck);
  check->add_option("host", options->host, "as in [[hosts]]")->required();
  check->add_option("--certificate", options->certificate, "a file")->required();
  check->add_option("--key", options->key, "a file")->required();
  check->add_option("--ca", options->ca, "a file")->required();
  check->add_option("--crl", options->crl, "a file");
}

void add_debug_files(CLI::App& app, Chosen& chosen) {
  const auto add = [&](const char* name, const char* about, const char* file) {
    auto options = std::make_shared<DebugFileOptions>();
    options->file = file;
    options->socket = agent_socket();
    CLI::App* command = app.add_subcommand(name, about);
    command->add_option("--socket", options->socket, "the agent's socket");
    add_hosts(*command, options->hosts);
    add_timeout(*command, options->timeout_s);
    command->add_flag("--json", options->json, "as JSON");
    command->callback([options, &chosen] { chosen = *options; });
  };
  add("state", "every process, thread, node and reference of the driver", "state");
  add("stats", "how often each command was given and told", "stats");
  add("transactions", "the calls under way, and the buffers in use", "transactions");
}

// Adds a command that is sent to one object.
void add_object_command(CLI::App& parent, Chosen& chosen, ObjectOptions::Question question,
                        const char* name, const char* about, const char* words) {
  auto options = std::make_shared<ObjectOptions>();
  options->question = question;
  CLI::App* command = parent.add_subcommand(name, about);
  command->add_option("--device", options->device, "the binder device");
  // The command that the object carries out may take any time.
  if (question == ObjectOptions::Question::kShellCommand) options->timeout_s = 0;
  add_timeout(*command, options->timeout_s);
  command->add_option("name", options->name, "the service")->required();
  if (question == ObjectOptions::Question::kCall) {
    command->add_option("code", options->code, "the method's number, from 1 on")->required();
  }
  if (words != nullptr) command->add_option("words", options->words, words);
  command->positionals_at_end();
  command->callback([options, &chosen] {
    unmark(options->words);
    chosen = *options;
  });
}

void add_service(CLI::App& app, Chosen& chosen) {
  auto options = std::make_shared<ServiceOptions>();
  CLI::App* service = app.add_subcommand("service", "ask the service manager");
  service->require_subcommand(1);
  const auto add = [&](const char* name, const char* about, ServiceOptions::Question question) {
    CLI::App* command = service->add_subcommand(name, about);
    command->add_option("--device", options->device, "the binder device");
    command->add_flag("--json", options->json, "as JSON");
    if (question == ServiceOptions::Question::kList) {
      command->add_flag("--names", options->names_only, "names only, one a line");
    } else {
      command->add_option("name", options->name, "the service")->required();
    }
    if (question == ServiceOptions::Question::kWait) {
      add_timeout(*command, options->wait_s, "seconds to wait at most; without: for ever");
    } else {
      add_timeout(*command, options->timeout_s);
    }
    command->callback([options, question, &chosen] {
      options->question = question;
      if (question == ServiceOptions::Question::kWait) options->timeout_s = 0;
      chosen = *options;
    });
  };
  using Question = ServiceOptions::Question;
  add("list", "all services: name, interface, host, pid, uid, instances, lazy", Question::kList);
  add("check", "whether there is a service of that name; exit status 0 if so", Question::kCheck);
  add("wait", "until there is a service of that name", Question::kWait);
  add_object_command(*service, chosen, ObjectOptions::Question::kCall, "call",
                     "call a method by its number",
                     "arguments: i32 N, i64 N, f N, d N, s16 TEXT, null, file PATH");
}

void add_object_commands(CLI::App& app, Chosen& chosen) {
  using Question = ObjectOptions::Question;
  add_object_command(app, chosen, Question::kInterface, "interface", "the name of its interface",
                     nullptr);
  add_object_command(app, chosen, Question::kDump, "dump", "what it dumps", "arguments");
  add_object_command(app, chosen, Question::kShellCommand, "cmd",
                     "have it carry out a command, with this program's files",
                     "the command and its arguments");
}

void add_aidl_dump(CLI::App& app, Chosen& chosen) {
  auto options = std::make_shared<AidlDumpOptions>();
  CLI::App* command = app.add_subcommand(
      "aidl-dump",
      "call a method by its name, with JSON; exit status 0, 1 (the call fails) or 2 (bad input)");
  command->add_option("--device", options->device, "the binder device");
  add_timeout(*command, options->timeout_s);
  command->add_option("-I,--import", options->imports, "a folder that imports are relative to")
      ->expected(1)
      ->take_all();
  command->add_option("file", options->file, "the .aidl file of the service's interface")->required();
  command->add_option("name", options->name, "the service")->required();
  command->add_option("method", options->method, "the method's name")->required();
  command->add_option("arguments", options->arguments,
                      "a JSON value for each parameter that is not only out");
  command->positionals_at_end();
  command->callback([options, &chosen] {
    unmark(options->arguments);
    chosen = *options;
  });
}

void add_freeze(CLI::App& app, Chosen& chosen) {
  auto options = std::make_shared<FreezeOptions>();
  CLI::App* command = app.add_subcommand(
      "freeze", "freeze a program, on any host: calls to it wait or fail, as with BINDER_FREEZE");
  command->add_option("host", options->host, "the program's host")->required();
  command->add_option("pid", options->pid, "its pid there")->required();
  command->add_flag("--thaw", options->thaw, "the opposite");
  command->add_option("--timeout", options->timeout_ms, "milliseconds that its calls may take to end")
      ->check(CLI::Range(0, 3'600'000));
  command->add_option("--device", options->device, "a binder device with the built-in service manager");
  command->callback([options, &chosen] { chosen = *options; });
}

void add_ping(CLI::App& app, Chosen& chosen) {
  auto options = std::make_shared<PingOptions>();
  CLI::App* command = app.add_subcommand("ping", "call a service and time the round trips");
  command->add_option("name", options->name, "the service")->required();
  command->add_option("-c,--count", options->count, "how many calls")
      ->check(CLI::Range(std::size_t{1}, std::size_t{1000000}));
  command->add_option("-i,--interval", options->interval_ms, "milliseconds between them");
  command->add_option("--device", options->device, "the binder device");
  add_timeout(*command, options->timeout_s, "seconds to wait for each answer; 0: for ever");
  command->add_flag("--json", options->json, "as JSON");
  command->callback([options, &chosen] { chosen = *options; });
}

// Options of the part that compares with peers; `peers` is filled in.
void add_bench_with_peers(CLI::App& command, BenchPeersOptions& peers) {
  command.add_option("--modes", peers.modes, "with --peers: comma-separated; veth needs root")
      ->delimiter(',')
      ->check(CLI::IsMember({"local", "tcp", "veth", "tls"}));
  command.add_option("--clients", peers.clients, "with --peers: how many at a time, comma-separated")
      ->delimiter(',')
      ->check(CLI::Range(1U, 64U));
  command.add_option("--rounds", peers.rounds, "with --peers: how often everything is measured")
      ->check(CLI::Range(std::size_t{1}, std::size_t{1000}));
  command.add_option("--report", peers.report, "with --peers: a page of HTML with plots, as this file");
}

void add_bench(CLI::App& app, Chosen& chosen) {
  struct Words {
    BenchOptions options;
    BenchPeersOptions peers;
    std::string peers_names;
  };
  auto words = std::make_shared<Words>();
  BenchOptions& options = words->options;
  CLI::App* command = app.add_subcommand(
      "bench", "time calls on one host and across two; outside a session, starts a private one");
  const CLI::Option* with_peers =
      command
          ->add_option("--peers", words->peers_names,
                       "the same beside other ways to make calls; or these, comma-separated")
          ->expected(0, 1);
  add_bench_with_peers(*command, words->peers);
  command->add_option("--sizes", options.sizes, "payload bytes, comma-separated")
      ->delimiter(',')
      ->check(CLI::Range(std::size_t{0}, std::size_t{1} << 20));
  command->add_option("--calls", options.calls, "calls for each row, at most")
      ->check(CLI::Range(std::size_t{10}, std::size_t{10000000}));
  command->add_option("--paths", options.paths, "what to time, comma-separated")
      ->delimiter(',')
      ->check(CLI::IsMember({"socket", "local", "cross-host"}));
  command->add_option("--seconds", options.seconds, "for each row, at most; with --peers, for each turn")
      ->check(CLI::Range(0.01, 60.0));
  command->add_option("--device", options.device, "the binder device");
  command->add_flag("--kernel", options.kernel, "on the kernel's driver, without the shim");
  const CLI::Option* json =
      command->add_option("--json", options.json_file, "as JSON, with --peers as JSON lines; to this file, if any")
          ->expected(0, 1);
  command->callback([words, with_peers, json, &chosen] {
    BenchPeersOptions& peers = words->peers;
    peers.names = CLI::detail::split(words->peers_names, ',');
    std::erase(peers.names, "");
    const bool about_peers =
        !peers.modes.empty() || !peers.clients.empty() || peers.rounds || !peers.report.empty();
    if (with_peers->count() > 0) {
      words->options.with_peers = peers;
    } else if (about_peers) {
      throw CLI::ValidationError("--modes, --clients, --rounds and --report", "need --peers");
    }
    words->options.json = json->count() > 0;
    chosen = words->options;
  });
}

// `netbinder help COMMAND` is `netbinder COMMAND --help`.
void add_help(CLI::App& app) {
  CLI::App* help = app.add_subcommand("help", "print the help of a command and exit");
  help->add_option("command", "the command; without one, all of them are listed")->expected(0, -1);
}

// Prints it before anything is parsed: afterwards the parser's help is always that of `help`.
std::expected<void, std::string> print_help(const CLI::App& app, const std::vector<std::string>& words) {
  if (const auto unknown = unknown_command(app, words)) return std::unexpected(*unknown);
  const CLI::App* at = &app;
  std::string path = app.get_name();
  for (const std::string& word : words) {
    if (word.starts_with('-') || at->get_subcommands([](const CLI::App*) { return true; }).empty()) break;
    if (at != &app) path += " " + at->get_name();
    at = at->get_subcommand(word);
  }
  std::fputs(at->help(at == &app ? "" : path).c_str(), stdout);
  return {};
}

void add_completion(CLI::App& app) {
  CLI::App* completion =
      app.add_subcommand("completion", "print a script that completes this command in a shell");
  completion->require_subcommand(1);
  const auto add = [&](const char* name, Shell shell) {
    CLI::App* command = completion->add_subcommand(name, std::string("for ") + name);
    command->callback([&app, shell] {
      std::fputs(completion_script(app, "netbinder", shell).c_str(), stdout);
      throw CLI::Success();
    });
  };
  add("bash", Shell::kBash);
  add("zsh", Shell::kZsh);
  CLI::App* manual = app.add_subcommand("manual", "print the commands for the manual page");
  manual->group("");  // for the build only
  const CLI::Option* markdown = manual->add_flag("--markdown")->description("as docs/TOOLS.md");
  manual->callback([&app, markdown] {
    std::fputs((markdown->count() > 0 ? document_commands : manual_commands)(app, "netbinder").c_str(),
               stdout);
    throw CLI::Success();
  });
}

}  // namespace

std::expected<Command, int> parse_command_line(int argc, char** argv) {
  CLI::App app{"netbinder: Android's Binder in userspace and across the network"};
  app.set_version_flag("--version", std::string("netbinder ") + kProgramVersion,
                       "print the version and exit");
  app.set_help_all_flag("--help-all", "print the help of all commands and exit");
  app.require_subcommand(1);
  Chosen chosen;
  add_run(app, chosen);
  add_session(app, chosen);
  add_status(app, chosen);
  add_top(app, chosen);
  add_reload(app, chosen);
  add_doctor(app, chosen);
  add_certs(app, chosen);
  add_debug_files(app, chosen);
  add_service(app, chosen);
  add_object_commands(app, chosen);
  add_aidl_dump(app, chosen);
  add_freeze(app, chosen);
  add_ping(app, chosen);
  add_bench(app, chosen);
  add_calls_commands(app, chosen);
  add_help(app);
  add_completion(app);
  unmark_values(app);
  const std::vector<std::string> words(argv + 1, argv + argc);
  const auto refuse = [](const std::string& why) {
    std::fprintf(stderr, "netbinder: %s\n", why.c_str());
    return std::unexpected(kBadCommandLine);
  };
  if (const auto unknown = unknown_command(app, words)) return refuse(*unknown);
  app.name("netbinder");
  if (!words.empty() && words.front() == "help") {
    const auto printed = print_help(app, {words.begin() + 1, words.end()});
    if (!printed) return refuse(printed.error());
    return std::unexpected(0);
  }
  try {
    app.name(argv[0]);
    app.parse(marked(argc, argv));
  } catch (const CLI::ParseError& error) {
    return std::unexpected(app.exit(error) == 0 ? 0 : kBadCommandLine);
  }
  return chosen;
}

}  // namespace netbinder::tools
