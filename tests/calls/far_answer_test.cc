// SPDX-License-Identifier: Apache-2.0
//
// An agent answers tools of other hosts from its ring, and they use its answers or refuse its lies.
#include "tools/calls/far_answer.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "node-agent/call_entry_text.h"
#include "node-agent/recorded_answer.h"
#include "tools/calls/call_record.h"

namespace netbinder::tools {
namespace {

using nlohmann::json;

class FarAnswers : public ::testing::Test {
 protected:
  FarAnswers() {
    ring->header.host = 3;
    std::strcpy(ring->header.host_name, "gamma");
    std::strcpy(ring->header.boot, "boot");
  }
  void write(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t number = ++ring->header.written;
      call_ring::Entry& entry = ring->entries[(number - 1) % call_ring::kEntries];
      entry = {.number = number, .time_ns = 1000 + number, .trace = number, .span = number};
      entry.node = 7;
      entry.caller_pid = 50;
      entry.handler_host = 9;
      entry.handler_pid = 60;  // of another host
      entry.reason = 2;
    }
  }
  [[nodiscard]] json answer(std::uint64_t since) const {
    RecordedAnswer made(*ring, "1.1", since, {{3, "gamma"}, {9, "iota"}});
    int slices = 1;
    while (!made.go_on(*ring)) ++slices;
    EXPECT_LE(slices, RecordedAnswer::kMostEntries / RecordedAnswer::kEntriesOfASlice + 1);
    const std::string line = made.line(*ring);
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    return json::parse(line);
  }

  const std::unique_ptr<call_ring::Ring> ring = std::make_unique<call_ring::Ring>();
};

TEST(EntryText, ComesBackAsItWas) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 200; ++i) {
    call_ring::Entry entry;
    std::vector<unsigned char> bytes(sizeof entry);
    for (auto& byte : bytes) byte = static_cast<unsigned char>(random());
    std::memcpy(&entry, bytes.data(), sizeof entry);
    entry.number = 0;  // it is not sent
    std::string text;
    call_ring::append_text(entry, text);
    ASSERT_EQ(text.size(), call_ring::kSentChars);
    const auto back = call_ring::entry_of_text(text);
    ASSERT_TRUE(back);
    EXPECT_EQ(std::memcmp(&*back, &entry, sizeof entry), 0);
  }
  EXPECT_FALSE(call_ring::entry_of_text(""));
  EXPECT_FALSE(call_ring::entry_of_text(std::string(call_ring::kSentChars, '=')));
  EXPECT_FALSE(call_ring::entry_of_text(std::string(call_ring::kSentChars, '\xff')));
  EXPECT_FALSE(call_ring::entry_of_text(std::string(call_ring::kSentChars + 4, 'A')));
}

TEST_F(FarAnswers, TellWhatWasRecordedSince) {
  ring->names[7] = {.version = 2, .node = 7, .text = "a.IThing"};
  ring->programs[50] = {.version = 2, .pid = 50, .text = "caller"};
  ring->programs[60] = {.version = 2, .pid = 60, .text = "somebody else"};
  std::strcpy(ring->reasons[1].text, "it was full");
  write(10);
  const FarAnswer told = far_answer_of(answer(4));
  EXPECT_EQ(told.recording, "1.1");
  EXPECT_EQ(told.next, 10U);
  EXPECT_EQ(told.lost, 0U);
  EXPECT_FALSE(told.more);
  EXPECT_EQ(told.host, 3U);
  EXPECT_EQ(told.boot, "boot");
  EXPECT_EQ(told.agent_pid, ::getpid());
  EXPECT_EQ(told.hosts.at(9), "iota");
  EXPECT_EQ(told.interfaces, (std::map<std::uint32_t, std::string>{{7, "a.IThing"}}));
  EXPECT_EQ(told.programs, (std::map<std::int32_t, std::string>{{50, "caller"}}));
  EXPECT_EQ(told.reasons, (std::map<std::uint16_t, std::string>{{2, "it was full"}}));
  ASSERT_EQ(told.entries.size(), 6U);
  EXPECT_EQ(told.entries.front().span, 5U);
  EXPECT_EQ(told.entries.back().time_ns, 1010U);
  EXPECT_TRUE(far_answer_of(answer(10)).entries.empty());
  EXPECT_EQ(far_answer_of(answer(99)).next, 10U) << "there are no more";
}

TEST_F(FarAnswers, NamesOfOthersThatHaveTheirPlaceAreNotTold) {
  ring->names[7] = {.version = 2, .node = 7 + call_ring::kNames, .text = "another"};
  ring->programs[50] = {.version = 2, .pid = 50 + call_ring::kPrograms, .text = "another"};
  write(1);
  const FarAnswer told = far_answer_of(answer(0));
  EXPECT_TRUE(told.interfaces.empty());
  EXPECT_TRUE(told.programs.empty());
}

TEST_F(FarAnswers, AreBoundedAndTheRestComesNext) {
  write(RecordedAnswer::kMostEntries + 300);
  const json line = answer(0);
  EXPECT_LT(line.dump().size(), 4U << 20) << "another host takes 8 MiB";
  const FarAnswer first = far_answer_of(line);
  EXPECT_EQ(first.entries.size(), RecordedAnswer::kMostEntries);
  EXPECT_EQ(first.next, RecordedAnswer::kMostEntries);
  EXPECT_TRUE(first.more);
  const FarAnswer second = far_answer_of(answer(first.next));
  EXPECT_EQ(second.entries.size(), 300U);
  EXPECT_FALSE(second.more);
}

TEST_F(FarAnswers, WhatWasOverwrittenIsCounted) {
  write(call_ring::kEntries + 40);
  const FarAnswer told = far_answer_of(answer(10));
  EXPECT_EQ(told.lost, 30U);
  EXPECT_EQ(told.entries.front().span, 41U);
  // Between two slices, too.
  RecordedAnswer made(*ring, "1.1", ring->header.written - 1000, {});
  EXPECT_FALSE(made.go_on(*ring));
  write(call_ring::kEntries - 900);
  while (!made.go_on(*ring)) {
  }
  const FarAnswer later = far_answer_of(json::parse(made.line(*ring)));
  EXPECT_EQ(later.lost, 0U) << "the oldest is still there";
  EXPECT_EQ(later.entries.size(), 1000U);
  RecordedAnswer slow(*ring, "1.1", ring->header.written - 1000, {});
  EXPECT_FALSE(slow.go_on(*ring));
  write(call_ring::kEntries - 500);
  while (!slow.go_on(*ring)) {
  }
  const FarAnswer cut = far_answer_of(json::parse(slow.line(*ring)));
  EXPECT_EQ(cut.lost, 500U - RecordedAnswer::kEntriesOfASlice);
  EXPECT_EQ(cut.entries.size() + cut.lost, 1000U);
  EXPECT_TRUE(cut.more);
}

// Each member in turn is missing, or is what it cannot be.
TEST_F(FarAnswers, WhateverIsMissingOrWrongIsTold) {
  write(3);
  const json good = answer(0);
  for (const auto& [name, value] : good.items()) {
    if (name == "host_name") continue;  // it is who was asked
    for (const json& wrong : {json(), json(-1e300), json(json::array()), json("\x01")}) {
      json bad = good;
      if (wrong.is_null()) {
        bad.erase(name);
      } else {
        bad[name] = wrong;
      }
      if (wrong.is_string() && (name == "boot" || name == "recording")) continue;
      EXPECT_THROW((void)far_answer_of(bad), std::runtime_error) << name << wrong;
    }
  }
  const auto expect_refused = [&](const char* name, const json& value) {
    json bad = good;
    bad[name] = value;
    EXPECT_THROW((void)far_answer_of(bad), std::runtime_error) << name << value;
  };
  expect_refused("version", call_ring::kVersion + 1);
  expect_refused("recording", "");
  expect_refused("recording", std::string(1000, 'x'));
  expect_refused("lost", 1000);
  expect_refused("wall_ns", std::numeric_limits<std::int64_t>::max());
  expect_refused("wall_ns", std::numeric_limits<std::int64_t>::min());
  expect_refused("entries", "AAAA");
  expect_refused("entries", std::string(call_ring::kSentChars, '!'));
  expect_refused("entries",
                 std::string(call_ring::kSentChars * (RecordedAnswer::kMostEntries + 1), 'A'));
  expect_refused("programs", json{{"x", "y"}});
  expect_refused("programs", json{{"7", 7}});
  expect_refused("reasons", json{{"70000", "y"}});
  EXPECT_THROW((void)far_answer_of(json(7)), std::runtime_error);
}

TEST_F(FarAnswers, EntriesThatCannotBeAreLeftOut) {
  write(7);
  ring->entries[0].point = kCallPoints;
  ring->entries[1].span = 0;
  ring->entries[2].time_ns = FarAnswer::kMostNs;
  ring->entries[3].began_ns = std::numeric_limits<std::uint64_t>::max();
  ring->entries[4].oneway = 2;
  ring->entries[5].reason = call_ring::kReasons + 1;
  json line = answer(6);
  for (const std::size_t i : {5U, 4U, 3U, 2U, 1U, 0U}) {
    std::string text = line["entries"];
    call_ring::append_text(ring->entries[i], text);
    line["entries"] = text;
  }
  const FarAnswer told = far_answer_of(line);
  ASSERT_EQ(told.entries.size(), 1U);
  EXPECT_EQ(told.entries.front().span, 7U);
}

TEST_F(FarAnswers, TextsDoNothingToATerminal) {
  write(1);
  json line = answer(0);
  line["programs"]["50"] = "\x1b[2Jx";
  line["interfaces"]["7"] = std::string(100'000, 'x');
  const FarAnswer told = far_answer_of(line);
  EXPECT_EQ(told.programs.at(50), "?[2Jx");
  EXPECT_EQ(told.interfaces.at(7), "?");
}

TEST(CallRecord, KnowsWhatCarriesQuestions) {
  CallRecord call;
  call.oneway = true;
  call.code = 10;
  call.caller.pid = 40;
  call.handler.host = HostId{2};
  EXPECT_TRUE(carries_question(call, 40));
  EXPECT_FALSE(carries_question(call, 41)) << "a program's";
  call.oneway = false;
  EXPECT_FALSE(carries_question(call, 40));
  call.oneway = true;
  call.code = 9;
  EXPECT_FALSE(carries_question(call, 40));
  call.code = 12;
  call.handler.host = HostId{};
  EXPECT_FALSE(carries_question(call, 40)) << "it stays here";
  call.caller.host = HostId{2};
  call.handler.pid = 40;
  EXPECT_TRUE(carries_question(call, 40));
}

}  // namespace
}  // namespace netbinder::tools
