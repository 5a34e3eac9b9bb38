// SPDX-License-Identifier: Apache-2.0
#include "bench/driver/turns.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "bench/driver/namespaces.h"
#include "bench/driver/plan.h"
#include "bench/driver/program_run.h"

namespace netbinder::bench {

namespace {

constexpr int kTurnSeconds = 60;
constexpr double kSparseTimes =
    2;  // sparse turns are so many times as long, and have few calls still

std::vector<std::string> words_of_turn(const TurnsSetup& setup, const PeerHere& peer,
                                       const Point& point) {
  std::vector<std::string> words = {peer.program, "--peer", peer.name};
  for (const std::string& word : words_of(point)) words.push_back(word);
  const double seconds = point.interval_us == 0 ? setup.seconds : kSparseTimes * setup.seconds;
  words.insert(words.end(), {"--seconds", std::to_string(seconds)});
  if (point.mode == Mode::kVeth) {
    words.insert(words.end(),
                 {"--server-namespace", setup.namespaces->server_path(), "--client-namespace",
                  setup.namespaces->client_path(), "--server-host", Namespaces::kServerHost,
                  "--client-host", Namespaces::kClientHost});
  }
  return words;
}

TurnResult take_turn(const TurnsSetup& setup, const PeerHere& peer, const Point& point,
                     std::size_t round) {
  TurnResult turn{.peer = peer.name, .point = point, .round = round};
  const ProgramRun run = run_program(words_of_turn(setup, peer, point), kTurnSeconds);
  if (run.status != 0) {
    turn.error = run.err.empty() ? "exit status " + std::to_string(run.status) : run.err;
    while (turn.error.ends_with('\n')) turn.error.pop_back();
    std::ranges::replace(turn.error, '\n', ';');
    return turn;
  }
  const auto said = nlohmann::json::parse(run.out);
  turn.calls = said.at("calls");
  turn.p50_us = said.at("p50_us");
  turn.p99_us = said.at("p99_us");
  turn.p999_us = said.at("p999_us");
  turn.calls_per_s = said.at("calls_per_s");
  turn.mb_per_s = said.at("mb_per_s");
  turn.cpu_us_per_call = said.at("cpu_us_per_call");
  turn.others_percent = said.at("others_percent");
  turn.stolen_percent = said.at("stolen_percent");
  for (const auto& pair : said.at("quantiles")) turn.quantiles.emplace_back(pair[0], pair[1]);
  return turn;
}

// Those of a point in the order of this round.
std::vector<const PeerHere*> peers_in_turn(const TurnsSetup& setup, const Point& point,
                                           std::size_t round) {
  std::vector<const PeerHere*> peers;
  for (const PeerHere& peer : setup.peers) {
    if (takes_part(peer, point)) peers.push_back(&peer);
  }
  if (!peers.empty()) {
    std::ranges::rotate(peers, peers.begin() + static_cast<std::ptrdiff_t>(round % peers.size()));
  }
  return peers;
}

}  // namespace

std::size_t count_turns(const TurnsSetup& setup) {
  std::size_t count = 0;
  for (const Point& point : setup.points) count += peers_in_turn(setup, point, 0).size();
  return count * setup.rounds;
}

void take_turns(const TurnsSetup& setup, const std::function<void(const TurnResult&)>& told) {
  std::set<std::pair<std::string, Point>> failed;
  for (std::size_t round = 0; round < setup.rounds; ++round) {
    for (const Point& point : setup.points) {
      for (const PeerHere* peer : peers_in_turn(setup, point, round)) {
        if (failed.contains({peer->name, point})) continue;
        TurnResult turn = take_turn(setup, *peer, point, round);
        if (turn.error.empty() && turn.disturbed()) {
          TurnResult again = take_turn(setup, *peer, point, round);
          if (again.error.empty() && again.others_percent < turn.others_percent) {
            turn = std::move(again);
          }
        }
        if (!turn.error.empty()) failed.insert({peer->name, point});
        told(turn);
      }
    }
  }
}

}  // namespace netbinder::bench
