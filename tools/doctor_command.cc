// SPDX-License-Identifier: Apache-2.0
//
// netbinder doctor: what keeps programs from working here, in plain words, with what to do about it.
#include <fmt/format.h>
#include <gnu/libc-version.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/base/uapi.h"
#include "tools/admin_client.h"
#include "tools/binder_client.h"
#include "tools/commands.h"
#include "tools/installation.h"
#include "transport/tcp/certificate.h"

namespace netbinder::tools {

namespace {

constexpr std::uint32_t kPing = B_PACK_CHARS('_', 'P', 'N', 'G');

enum class Weight : std::uint8_t { kFine, kWarning, kError };

struct Finding {
  Weight weight = Weight::kFine;
  std::string text;
  std::string remedy;  // empty if nothing is to be done
};

class Examination {
 public:
  explicit Examination(const DoctorOptions& options) : options_(options) {}

  std::vector<Finding> run() {
    examine_installation();
    examine_limits();
    if (examine_socket()) {
      examine_agent();
      examine_device();
    }
    return std::move(findings_);
  }

 private:
  void fine(std::string text) { findings_.push_back({Weight::kFine, std::move(text), {}}); }
  void warning(std::string text, std::string remedy) {
    findings_.push_back({Weight::kWarning, std::move(text), std::move(remedy)});
  }
  void error(std::string text, std::string remedy) {
    findings_.push_back({Weight::kError, std::move(text), std::move(remedy)});
  }

  void examine_installation() {
    try {
      fine("the preload library is " + shim_path());
    } catch (const std::runtime_error& missing) {
      error(missing.what(), "install netbinder as a whole, or set NETBINDER_SHIM to the library");
    }
    fine(fmt::format("the C library is glibc {}", gnu_get_libc_version()));
  }

  void examine_limits() {
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    constexpr rlim_t kFewFiles = 1024;
    if (files.rlim_cur < kFewFiles) {
      warning(fmt::format("a program may have {} descriptors only, and each open of a device takes some",
                          files.rlim_cur),
              "ulimit -n 4096");
    } else {
      fine(fmt::format("a program may have {} descriptors", files.rlim_cur));
    }
  }

  // Whether an agent can be asked.
  bool examine_socket() {
    const std::string& socket = options_.socket;
    struct stat status {};
    if (::stat(socket.c_str(), &status) != 0) {
      error(fmt::format("there is no agent's socket at {} ({})", socket, std::strerror(errno)),
            "start netbinderd, or set NETBINDER_SOCKET to where it is");
      return false;
    }
    if (!S_ISSOCK(status.st_mode)) {
      error(socket + " is no socket", "set NETBINDER_SOCKET to the agent's");
      return false;
    }
    if (::access(socket.c_str(), R_OK | W_OK) != 0) {
      error(fmt::format("this user may not use {}", socket),
            fmt::format("join the group of the socket (stat {}), or have its mode changed", socket));
      return false;
    }
    fine("the agent's socket is " + socket);
    return true;
  }

  void examine_agent() {
    nlohmann::json status;
    try {
      status = ask_agent(options_.socket, {{"command", "status"}});
    } catch (const std::runtime_error& silent) {
      error(silent.what(), "look at the agent's log; start it again if it is gone");
      return;
    }
    fine(fmt::format("the agent of host '{}' answers (pid {}, cluster '{}')",
                     status["host"].get<std::string>(), status["pid"].get<long>(),
                     status["cluster"].get<std::string>()));
    if (status.contains("membership")) examine_membership(status["membership"]);
    const auto list = status.value(nlohmann::json::json_pointer("/membership/list"), 0ULL);
    for (const auto& link : status["links"]) {
      examine_link(link);
      examine_list(link, list);
    }
  }

  void examine_membership(const nlohmann::json& membership) {
    if (membership["kind"] != "etcd") return;
    const std::string last_error = membership["last_error"];
    const std::uint64_t since_s = membership["since_ms"].get<std::uint64_t>() / 1000;
    if (membership["available"] != true) {
      error(fmt::format("etcd is away for {} s: {}", since_s, last_error),
            "is it running and reachable, and do user, password and certificates fit? Hosts stay as "
            "they were until then, and no program becomes the manager of a context");
      return;
    }
    fine(fmt::format("etcd {} at {} answers, for {} s", membership["version"].get<std::string>(),
                     membership["endpoint"].get<std::string>(), since_s));
    if (membership["joined"] != true) {
      error("this host has not joined the cluster: " + last_error,
            "give each host a name of its own (host); if an agent was lost, its name is free when its "
            "lease is over");
    }
    const double left_s = membership["lease_left_ms"].get<double>() / 1000;
    const std::uint32_t lease_s = membership["lease_s"];
    // It is renewed after a third of its time.
    if (left_s * 2 < lease_s) {
      warning(fmt::format("the lease of this host at etcd has {:.1f} s left of {}", left_s, lease_s),
              "etcd answers slowly: look at its load and disk, or set membership.lease_seconds higher");
    } else {
      fine(fmt::format("the lease of this host at etcd has {:.1f} s left of {}", left_s, lease_s));
    }
  }

  void examine_link(const nlohmann::json& link) {
    const std::string host = link["host"];
    const std::string state = link["state"];
    const std::string last_failure = link["last_failure"];
    if (state != "established") {
      error(fmt::format("host '{}' ({}) is not connected: {}", host,
                        link["address"].get<std::string>(),
                        last_failure.empty() ? state : last_failure),
            "is its agent running, its address right, and do both have the same hosts, cluster and "
            "certificates or key? Its log says more");
      return;
    }
    fine(fmt::format("host '{}' is connected over {}, round trip {} µs", host,
                     link["transport"].get<std::string>(),
                     link["round_trip_us"].get<std::uint64_t>()));
    if (link["clock_ahead_ms"].is_number_integer()) {
      examine_clock(host, link["clock_ahead_ms"].get<std::int64_t>());
    }
    const std::int64_t end_s = link["certificate_end_s"];
    constexpr std::int64_t kTwoWeeks = 14L * 24 * 60 * 60;
    if (end_s != 0 && end_s - std::time(nullptr) < kTwoWeeks) {
      warning(fmt::format("the certificate of host '{}' ends on {}", host, tcp::format_time(end_s)),
              fmt::format("netbinder certs host {} --renew, and copy the files there", host));
    }
  }

  // Lists without numbers (0) are not compared.
  void examine_list(const nlohmann::json& link, std::uint64_t own) {
    const std::uint64_t theirs = link.value("list", 0ULL);  // older agents do not tell
    if (own == 0 || theirs == 0 || own == theirs) return;
    warning(fmt::format("host '{}' has list {} of hosts, and this host list {}",
                        link["host"].get<std::string>(), theirs, own),
            fmt::format("give {} the newer list, and reload there; until then its programs become "
                        "managers of no context of the cluster",
                        own < theirs ? "this host" : "that host"));
  }

  void examine_clock(const std::string& host, std::int64_t ahead_ms) {
    // Certificates begin an hour early and logs are compared: seconds matter, milliseconds do not.
    constexpr std::int64_t kMuchMs = 2000;
    if (ahead_ms > -kMuchMs && ahead_ms < kMuchMs) {
      fine(fmt::format("the clock of host '{}' is {} ms from this one's", host, ahead_ms));
      return;
    }
    const double seconds = static_cast<double>(ahead_ms < 0 ? -ahead_ms : ahead_ms) / 1000;
    warning(fmt::format("the clock of host '{}' is {:.1f} s {} this one's", host, seconds,
                        ahead_ms > 0 ? "ahead of" : "behind"),
            "let both be set by NTP (timedatectl set-ntp true); certificates and logs go by it");
  }

  // Opens, maps, and makes one call: to the context's manager.
  void examine_device() {
    try {
      BinderClient client(options_.device);
      fine(options_.device + " can be opened and mapped");
      const auto start = std::chrono::steady_clock::now();
      const auto reply = client.call(0, kPing, {});
      const std::chrono::duration<double, std::micro> took =
          std::chrono::steady_clock::now() - start;
      if (!reply) {
        warning(fmt::format("nobody answers as the context manager of {}: {}", options_.device,
                            reply.error()),
                "start a service manager, or configure the built-in one (service_manager)");
        return;
      }
      client.free(*reply);
      fine(fmt::format("a call to the context manager took {:.0f} µs", took.count()));
    } catch (const std::runtime_error& failed) {
      error(failed.what(), "does this host's agent have the device? `netbinder status` lists them");
    }
  }

  const DoctorOptions& options_;
  std::vector<Finding> findings_;
};

std::string_view name(Weight weight) {
  switch (weight) {
    case Weight::kFine:
      return "ok";
    case Weight::kWarning:
      return "warning";
    case Weight::kError:
      break;
  }
  return "error";
}

}  // namespace

int carry_out(const DoctorOptions& options, char** argv) {
  try {
    ensure_preloaded(argv);
  } catch (const std::runtime_error&) {
    // The findings report this.
  }
  const std::vector<Finding> findings = Examination(options).run();
  Weight worst = Weight::kFine;
  nlohmann::json answer = nlohmann::json::array();
  for (const Finding& finding : findings) {
    worst = std::max(worst, finding.weight);
    if (options.json) {
      answer.push_back({{"weight", name(finding.weight)},
                        {"finding", finding.text},
                        {"remedy", finding.remedy}});
    } else {
      fmt::print("{:<8}{}\n", name(finding.weight), finding.text);
      if (!finding.remedy.empty()) fmt::print("        → {}\n", finding.remedy);
    }
  }
  if (options.json) fmt::print("{}\n", answer.dump(2));
  return static_cast<int>(worst);
}

}  // namespace netbinder::tools
