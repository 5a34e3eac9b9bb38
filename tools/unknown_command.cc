// SPDX-License-Identifier: Apache-2.0
#include "tools/unknown_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <numeric>

namespace netbinder::tools {

namespace {

constexpr std::size_t kMostMistakes = 2;
constexpr std::size_t kMostLetters = 40;

// The letters to put in, take out, change or swap with the next one, to make `to` of `from`.
std::size_t mistakes(const std::string& from, const std::string& to) {
  std::vector<std::vector<std::size_t>> cost(from.size() + 1, std::vector<std::size_t>(to.size() + 1));
  for (std::size_t i = 0; i <= from.size(); ++i) cost[i][0] = i;
  std::iota(cost[0].begin(), cost[0].end(), 0);
  for (std::size_t i = 1; i <= from.size(); ++i) {
    for (std::size_t j = 1; j <= to.size(); ++j) {
      const bool same = from[i - 1] == to[j - 1];
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1]) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[from.size()][to.size()];
}

// The command that was meant, as far as that can be told.
std::string nearest(const std::vector<const CLI::App*>& commands, const std::string& word) {
  std::string best;
  std::size_t least = kMostMistakes + 1;
  if (word.size() > kMostLetters) return best;
  for (const CLI::App* command : commands) {
    const std::string& name = command->get_name();
    const std::size_t found = word.size() > 2 && name.starts_with(word) ? 1 : mistakes(word, name);
    if (found >= std::min(least, name.size())) continue;
    least = found;
    best = name;
  }
  return best;
}

}  // namespace

std::optional<std::string> unknown_command(const CLI::App& app, const std::vector<std::string>& words) {
  const CLI::App* at = &app;
  for (const std::string& word : words) {
    const auto commands = at->get_subcommands([](const CLI::App*) { return true; });
    if (commands.empty() || word.starts_with('-')) return std::nullopt;
    const auto found = std::ranges::find(commands, word, [](const CLI::App* each) { return each->get_name(); });
    if (found == commands.end()) {
      const std::string meant = nearest(commands, word);
      return "there is no command '" + word + "'" + (meant.empty() ? "" : "; did you mean '" + meant + "'?");
    }
    at = *found;
  }
  return std::nullopt;
}

}  // namespace netbinder::tools
