// SPDX-License-Identifier: Apache-2.0
#include "bench/driver/catalogue.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>

#include "bench/driver/program_run.h"

namespace netbinder::bench {

namespace {

struct Known {
  const char* program;  // netbinder-bench-…
  std::vector<const char*> peers;
  const char* package;  // what it needs to be built, if nothing else does
};

const std::array<Known, 8> kKnown = {{
    {"netbinder", {"netbinder"}, nullptr},
    {"socket", {"socket-polled", "socket"}, nullptr},
    {"ucx", {"ucx"}, "libucx-dev"},
    {"capnp", {"capnp"}, nullptr},
    {"grpc", {"grpc", "grpc-echo"}, "libgrpc++-dev, libprotobuf-dev and protobuf-compiler-grpc"},
    {"sd-bus", {"sd-bus"}, "libsystemd-dev"},
    {"aidl", {"aidl-echo"}, nullptr},
    {"limits", {"memcpy", "process_vm_readv"}, nullptr},
}};

constexpr int kDescribeSeconds = 10;

std::string why_absent(const Known& known, const std::string& path) {
  std::string why = path + " is not there";
  if (known.package != nullptr) {
    why += std::string("; it needs ") + known.package +
           " (scripts/install-deps.sh bench) and -DNETBINDER_BENCH_PEERS=ON";
  } else {
    why += "; it is built with -DNETBINDER_BUILD_BENCHES=ON";
  }
  return why;
}

void add_described(const std::string& path, const std::string& lines, std::vector<PeerHere>& here) {
  std::istringstream stream(lines);
  for (std::string line; std::getline(stream, line);) {
    const auto said = nlohmann::json::parse(line);
    PeerHere peer{.name = said.at("peer"),
                  .what = said.at("what"),
                  .kind = said.at("kind") == "limit"  ? PeerKind::kLimit
                          : said.at("kind") == "echo" ? PeerKind::kEcho
                                                      : PeerKind::kCalls,
                  .modes = {},
                  .program = path,
                  .oneway = said.value("oneway", false)};
    for (const auto& word : said.at("modes")) {
      if (const auto mode = mode_of(word.get<std::string>())) peer.modes.push_back(*mode);
    }
    here.push_back(std::move(peer));
  }
}

std::string known_names() {
  std::string names;
  for (const Known& known : kKnown) {
    for (const char* peer : known.peers) names += (names.empty() ? "" : ", ") + std::string(peer);
  }
  return names;
}

}  // namespace

bool PeerHere::has(Mode mode) const { return std::ranges::find(modes, mode) != modes.end(); }

Catalogue Catalogue::find(const std::string& folder, const std::vector<std::string>& wanted) {
  std::vector<std::string> unknown = wanted;
  const auto is_wanted = [&](const std::string& name) {
    std::erase(unknown, name);
    return wanted.empty() || std::ranges::find(wanted, name) != wanted.end();
  };
  Catalogue catalogue;
  for (const Known& known : kKnown) {
    std::vector<std::string> names;
    for (const char* peer : known.peers) {
      if (is_wanted(peer)) names.emplace_back(peer);
    }
    if (names.empty()) continue;
    const std::string path = folder + "/netbinder-bench-" + known.program;
    std::string why;
    std::vector<PeerHere> described;
    if (::access(path.c_str(), X_OK) != 0) {
      why = why_absent(known, path);
    } else if (const ProgramRun run = run_program({path, "--describe"}, kDescribeSeconds);
               run.status != 0) {
      why = path + " does not run here: " + run.err.substr(0, run.err.find('\n'));
    } else {
      add_described(path, run.out, described);
    }
    for (const std::string& name : names) {
      const auto found = std::ranges::find(described, name, &PeerHere::name);
      if (found != described.end()) {
        catalogue.here.push_back(*found);
      } else {
        catalogue.absent.push_back({name, why});
      }
    }
  }
  if (!unknown.empty()) {
    throw std::runtime_error("there is no peer " + unknown.front() + "; there are " +
                             known_names());
  }
  if (catalogue.here.empty()) {
    throw std::runtime_error("no peer is here: " + catalogue.absent.front().why);
  }
  return catalogue;
}

}  // namespace netbinder::bench
