// SPDX-License-Identifier: Apache-2.0
#include "tools/completion.h"

#include <CLI/CLI.hpp>
#include <string_view>
#include <vector>

namespace netbinder::tools {
namespace {

struct Word {
  std::string text;
  std::string about;
  std::vector<std::string> choices;  // of an option's value
  bool has_value = false;            // of an option
};

// The command and all below it; `path` is empty for the command itself, " service list" for one of
// those.
struct Level {
  std::string path;
  std::string about;
  std::vector<Word> commands;
  std::vector<Word> options;
  std::vector<Word> arguments;
};

// "TEXT:{tcp,rdma}" is how the parser describes an option with two values.
std::vector<std::string> choices_of(const std::string& type) {
  std::vector<std::string> choices;
  const auto open = type.find('{');
  const auto close = type.find('}', open == std::string::npos ? 0 : open);
  if (open == std::string::npos || close == std::string::npos) return choices;
  std::string_view left = std::string_view(type).substr(open + 1, close - open - 1);
  while (!left.empty()) {
    const auto comma = left.find(',');
    choices.emplace_back(left.substr(0, comma));
    left = comma == std::string_view::npos ? std::string_view() : left.substr(comma + 1);
  }
  return choices;
}

void add_levels(const CLI::App& app, const std::string& path, std::vector<Level>& levels) {
  Level level{
      .path = path, .about = app.get_description(), .commands = {}, .options = {}, .arguments = {}};
  const auto all = [](const CLI::App*) { return true; };
  for (const CLI::App* command : app.get_subcommands(all)) {
    level.commands.push_back({command->get_name(), command->get_description(), {}});
  }
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional() && option->get_lnames().empty()) {
      level.arguments.push_back({option->get_name(true), option->get_description(), {}});
      continue;
    }
    for (const std::string& name : option->get_lnames()) {
      level.options.push_back({"--" + name, option->get_description(),
                               choices_of(option->get_type_name()),
                               option->get_expected_min() > 0});
    }
  }
  levels.push_back(std::move(level));
  for (const CLI::App* command : app.get_subcommands(all)) {
    add_levels(*command, path + " " + command->get_name(), levels);
  }
}

// In single quotes, for either shell.
std::string in_quotes(const std::string& text) {
  std::string result = "'";
  for (const char each : text) result += each == '\'' ? std::string("'\\''") : std::string(1, each);
  return result + "'";
}

std::string texts(const std::vector<Word>& words) {
  std::string result;
  for (const Word& word : words) result += (result.empty() ? "" : " ") + word.text;
  return result;
}

// Follows the words before the one that is completed, to find the command that it belongs to.
std::string walk(const std::vector<Level>& levels) {
  std::string lines;
  for (const Level& level : levels) {
    if (level.path.empty()) continue;
    lines += "      " + in_quotes(level.path) + ") path=" + in_quotes(level.path) + " ;;\n";
  }
  return lines;
}

// `offer` is the shell's command that takes a list of words, in one word (bash) or many (zsh).
std::string values(const std::vector<Level>& levels, const std::string& offer, Shell shell) {
  std::string lines;
  for (const Level& level : levels) {
    for (const Word& option : level.options) {
      if (option.choices.empty()) continue;
      std::string choices;
      for (const std::string& choice : option.choices)
        choices += (choices.empty() ? "" : " ") + choice;
      lines += "    " + in_quotes(level.path + " " + option.text) + ") " + offer + " " +
               (shell == Shell::kBash ? in_quotes(choices) + " \"$current\"" : choices) +
               "; return ;;\n";
    }
  }
  return lines;
}

std::string bash(const std::vector<Level>& levels, const std::string& name) {
  const std::string offer = "_" + name + "_offer";
  std::string script = "# bash completion for " + name + "\n_" + name + R"(_offer() {
  mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2")
}
_)" + name + R"(() {
  local path='' word i
  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
  for ((i = 1; i < COMP_CWORD; ++i)); do
    word=${COMP_WORDS[i]}
    if [[ $word == -- ]]; then
      mapfile -t COMPREPLY < <(compgen -c -- "$current")
      return
    fi
    case "$path $word" in
)" + walk(levels) + R"(    esac
  done
  case "$path $before" in
)" + values(levels, offer, Shell::kBash) +
                       R"(  esac
  case "$path" in
)";
  for (const Level& level : levels) {
    script += "    " + in_quotes(level.path) + ") " + offer + " " +
              in_quotes(texts(level.commands) + " " + texts(level.options)) + " \"$current\" ;;\n";
  }
  return script + "  esac\n}\ncomplete -o default -F _" + name + " " + name + "\n";
}

std::string described(const std::vector<Word>& words) {
  std::string result;
  for (const Word& word : words) {
    std::string entry;
    for (const char each : word.text)
      entry += each == ':' ? std::string("\\:") : std::string(1, each);
    result += " " + in_quotes(entry + ":" + word.about);
  }
  return result;
}

std::string zsh(const std::vector<Level>& levels, const std::string& name) {
  std::string script = "#compdef " + name + "\n_" + name + R"(() {
  local path_='' word before=${words[CURRENT-1]}
  local -a commands options
  for word in ${words[2,CURRENT-1]}; do
    if [[ $word == -- ]]; then
      _command_names
      return
    fi
    case "$path_ $word" in
)";
  std::string walked = walk(levels);
  for (std::size_t at = 0; (at = walked.find(") path=", at)) != std::string::npos; at += 8) {
    walked.replace(at, 7, ") path_=");
  }
  script += walked + R"(    esac
  done
  case "$path_ $before" in
)" + values(levels, "compadd --", Shell::kZsh) +
            "  esac\n  case \"$path_\" in\n";
  for (const Level& level : levels) {
    script += "    " + in_quotes(level.path) + ")\n      commands=(" + described(level.commands) +
              " )\n      options=(" + described(level.options) + " )\n      ;;\n";
  }
  return script + R"(  esac
  (( ${#commands} )) && _describe command commands
  _describe -o option options
  _files
}
_)" + name +
         " \"$@\"\n";
}

// ---- documents ----

std::string heading_of(const Level& level, const std::string& name) {
  std::string heading = name + level.path;
  for (const Word& argument : level.arguments) heading += " " + argument.text;
  return heading;
}

// Every command has these; documents leave them out.
bool is_help(const Word& word) { return word.text == "--help" || word.text == "--help-all"; }

// As man(7) has it: a hyphen of an option is no dash, and no line begins with a request.
std::string roff(const std::string& text) {
  std::string result;
  for (const char each : text) {
    if (each == '-')
      result += "\\-";
    else if (each == '\\')
      result += "\\e";
    else
      result += each;
  }
  return result.starts_with('.') || result.starts_with('\'') ? "\\&" + result : result;
}

void add_words(const std::vector<Word>& words, std::string& page) {
  for (const Word& word : words) {
    if (is_help(word)) continue;
    page += ".TP\n\\fB" + roff(word.text) + "\\fR";
    if (!word.choices.empty()) {
      page += " ";
      for (const std::string& choice : word.choices) {
        page += (&choice == &word.choices.front() ? "" : "|") + roff(choice);
      }
    } else if (word.has_value) {
      page += " \\fIVALUE\\fR";
    }
    page += "\n" + roff(word.about) + "\n";
  }
}

std::string in_table(const std::string& text) {
  std::string result;
  for (const char each : text) result += each == '|' ? std::string("\\|") : std::string(1, each);
  return result;
}

std::string as_sentence(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z')
    text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text + ".";
}

// With a space before it.
std::string value_of(const Word& word) {
  if (word.choices.empty()) return word.has_value ? " VALUE" : "";
  std::string choices;
  for (const std::string& choice : word.choices) choices += (choices.empty() ? " " : ",") + choice;
  return choices;
}

}  // namespace

std::string manual_commands(const CLI::App& app, const std::string& name) {
  std::vector<Level> levels;
  add_levels(app, "", levels);
  std::string page = ".SH COMMANDS\n";
  for (const Level& level : levels) {
    if (level.path.empty() || !level.commands.empty()) continue;  // its commands say more
    page += ".SS " + roff(heading_of(level, name)) + "\n" + roff(level.about) + "\n";
    add_words(level.arguments, page);
    add_words(level.options, page);
  }
  return page;
}

std::string document_commands(const CLI::App& app, const std::string& name) {
  std::vector<Level> levels;
  add_levels(app, "", levels);
  std::string page = "# The commands of " + name + "\n\nMade by `" + name +
                     " manual --markdown`. Exit statuses, where a command does not say otherwise: 0 "
                     "is success, 1 a failure or a negative answer, 2 a wrong command line; `run` and "
                     "`session` end as their command does.\n";
  for (const Level& level : levels) {
    if (level.path.empty() || !level.commands.empty()) continue;  // its commands say more
    page += "\n## " + heading_of(level, name) + "\n" + as_sentence(level.about) + "\n";
    std::string rows;
    for (const std::vector<Word>* words : {&level.arguments, &level.options}) {
      for (const Word& word : *words) {
        if (is_help(word)) continue;
        rows += "| `" + word.text + value_of(word) + "` | " + in_table(word.about) + " |\n";
      }
    }
    if (!rows.empty()) page += "\n| | |\n|---|---|\n" + rows;
  }
  return page;
}

std::string completion_script(const CLI::App& app, const std::string& name, Shell shell) {
  std::vector<Level> levels;
  add_levels(app, "", levels);
  return shell == Shell::kBash ? bash(levels, name) : zsh(levels, name);
}

}  // namespace netbinder::tools
