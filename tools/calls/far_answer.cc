// SPDX-License-Identifier: Apache-2.0
#include "tools/calls/far_answer.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "node-agent/call_entry_text.h"
#include "node-agent/recorded_answer.h"
#include "tools/calls/call_record.h"
#include "tools/told.h"

namespace netbinder::tools {

namespace {

constexpr std::size_t kMostTextBytes = 128;  // of a name, as in the ring
constexpr std::int64_t kMostWallNs = std::int64_t{1} << 62;

std::string short_text(std::string text) {
  if (text.size() > kMostTextBytes) text = "?";
  return text;
}

// Texts by number, {"7": "…"}.
template <typename Number>
std::map<Number, std::string> texts_by_number(const Told& told, const char* name) {
  std::map<Number, std::string> texts;
  const Told member = told.object(name);
  for (const std::string& key : member.names()) {
    Number number{};
    const char* const end = key.data() + key.size();
    const auto [at, error] = std::from_chars(key.data(), end, number);
    if (error != std::errc{} || at != end) {
      throw Told::nonsense(std::string("in \"") + name + "\" something has no number");
    }
    texts[number] = short_text(member.text(key.c_str()));
  }
  return texts;
}

bool is_possible(const call_ring::Entry& entry) {
  return is_sound(entry) && entry.time_ns < FarAnswer::kMostNs &&
         entry.began_ns < FarAnswer::kMostNs && entry.oneway <= 1;
}

std::vector<call_ring::Entry> entries_of(std::string_view text) {
  if (text.size() % call_ring::kSentChars != 0 ||
      text.size() / call_ring::kSentChars > RecordedAnswer::kMostEntries) {
    throw Told::nonsense("its entries have another length");
  }
  std::vector<call_ring::Entry> entries;
  entries.reserve(text.size() / call_ring::kSentChars);
  for (; !text.empty(); text.remove_prefix(call_ring::kSentChars)) {
    const auto entry = call_ring::entry_of_text(text.substr(0, call_ring::kSentChars));
    if (!entry) throw Told::nonsense("its entries are no base64");
    if (is_possible(*entry)) entries.push_back(*entry);
  }
  return entries;
}

}  // namespace

FarAnswer far_answer_of(const nlohmann::json& answer) {
  const Told told(answer);
  if (told.number<std::uint64_t>("version") != call_ring::kVersion) {
    throw std::runtime_error("the agent is of another version and records calls in another form");
  }
  FarAnswer made{.recording = told.text("recording"),
                 .next = told.number<std::uint64_t>("next"),
                 .lost = told.number<std::uint64_t>("lost"),
                 .more = told.flag("more"),
                 .host = told.number<std::uint32_t>("host"),
                 .boot = short_text(told.text("boot")),
                 .wall_ns = told.number<std::int64_t>("wall_ns"),
                 .agent_pid = told.number<std::int32_t>("agent_pid"),
                 .hosts = texts_by_number<std::uint32_t>(told, "hosts"),
                 .interfaces = texts_by_number<std::uint32_t>(told, "interfaces"),
                 .programs = texts_by_number<std::int32_t>(told, "programs"),
                 .reasons = texts_by_number<std::uint16_t>(told, "reasons"),
                 .entries = entries_of(told.bare_text("entries"))};
  if (made.recording.empty() || made.recording.size() > kMostTextBytes) {
    throw Told::nonsense("its recording has no name");
  }
  if (made.wall_ns <= -kMostWallNs || made.wall_ns >= kMostWallNs) {
    throw Told::nonsense("its clock is of another age");
  }
  if (made.lost > made.next) throw Told::nonsense("more is lost than there was");
  return made;
}

}  // namespace netbinder::tools
