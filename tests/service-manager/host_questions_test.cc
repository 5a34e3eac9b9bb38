// SPDX-License-Identifier: Apache-2.0
//
// Questions to other hosts' agents, as the built-in managers carry them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/service-manager/managed_cluster.h"

namespace netbinder::testing {
namespace {

using Heard = std::optional<std::expected<std::string, std::string>>;

class Questions : public ::testing::Test {
 protected:
  // Host 2 answers with this, once a question has come and `answers_` is set.
  void SetUp() override {
    cluster_.manager(2).questions().set_answers(
        [this](HostId from, std::uint32_t uid, const std::string& question,
               HostQuestions::Answer answer) {
          asked_.push_back(std::to_string(from.value()) + " " + std::to_string(uid) + " " + question);
          waiting_.push_back(std::move(answer));
        });
  }
  Heard& ask(const std::string& question, std::uint32_t uid = 1000) {
    heard_.push_back(std::make_unique<Heard>());
    cluster_.manager(1).questions().ask(
        HostId{2}, uid, question,
        [into = heard_.back().get()](std::expected<std::string, std::string> answer) {
          EXPECT_FALSE(into->has_value()) << "heard twice";
          *into = std::move(answer);
        });
    cluster_.settle();
    return *heard_.back();
  }
  void answer(std::size_t number, const std::string& text) {
    waiting_.at(number)(text);
    cluster_.settle();
  }

  ManagedCluster cluster_{2};
  std::vector<std::string> asked_;
  std::vector<HostQuestions::Answer> waiting_;
  std::vector<std::unique_ptr<Heard>> heard_;
};

TEST_F(Questions, AreAnsweredLater) {
  const Heard& heard = ask("how are you?");
  EXPECT_THAT(asked_, ::testing::ElementsAre("1 1000 how are you?"));
  EXPECT_FALSE(heard);
  answer(0, "well");
  ASSERT_TRUE(heard);
  EXPECT_EQ(heard->value(), "well");
}

TEST_F(Questions, AnswersOfAllSizesArriveByteForByte) {
  std::size_t number = 0;
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, HostQuestions::kPartBytes - 1, HostQuestions::kPartBytes,
        HostQuestions::kPartBytes + 1, 5 * HostQuestions::kPartBytes + 3,
        HostQuestions::kMaxAnswerBytes}) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 7 + i / 251);
    const Heard& heard = ask("?");
    answer(number++, text);
    ASSERT_TRUE(heard) << size;
    EXPECT_TRUE(heard->value() == text) << size;
  }
}

TEST_F(Questions, AnAnswerThatIsTooLongIsAnError) {
  const Heard& heard = ask("everything?");
  answer(0, std::string(HostQuestions::kMaxAnswerBytes + 1, 'x'));
  ASSERT_TRUE(heard);
  EXPECT_THAT(heard->value(), ::testing::HasSubstr("too long for another host"));
}

TEST_F(Questions, SeveralAreAnsweredInAnyOrder) {
  const Heard& first = ask("1");
  const Heard& second = ask("2");
  answer(1, "two");
  EXPECT_FALSE(first);
  EXPECT_EQ(second->value(), "two");
  answer(0, "one");
  EXPECT_EQ(first->value(), "one");
}

TEST_F(Questions, EndWithTheSession) {
  const Heard& heard = ask("?");
  cluster_.disconnect(1, 2);
  ASSERT_TRUE(heard);
  EXPECT_EQ(heard->error(), "its session has ended");
  answer(0, "too late");  // nobody is there to hear it
  const Heard& refused = ask("?");
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->error(), "it is not connected");
  cluster_.connect(1, 2);
  const Heard& again = ask("?");
  answer(1, "here");
  EXPECT_EQ(again->value(), "here");
}

TEST_F(Questions, OfThoseWithoutAnAnswerTheOldestEnds) {
  for (std::size_t i = 0; i < HostQuestions::kMaxAsked; ++i) (void)ask("?");
  EXPECT_FALSE(*heard_.front());
  (void)ask("one more");
  ASSERT_TRUE(*heard_.front());
  EXPECT_THAT((*heard_.front())->error(), ::testing::HasSubstr("too much was asked since"));
  EXPECT_FALSE(*heard_.at(1));
}

TEST_F(Questions, AHostKeepsTheLatestOfAnother) {
  for (std::size_t i = 0; i < HostQuestions::kMaxKeptForHost + 1; ++i) (void)ask("?");
  answer(0, "forgotten");
  EXPECT_FALSE(*heard_.at(0));
  answer(1, "kept");
  EXPECT_EQ((*heard_.at(1))->value(), "kept");
}

TEST_F(Questions, AQuestionThatIsTooLongIsNotAsked) {
  const Heard& heard = ask(std::string(HostQuestions::kMaxQuestionBytes + 1, '?'));
  ASSERT_TRUE(heard);
  EXPECT_EQ(heard->error(), "the question is too long");
  EXPECT_TRUE(asked_.empty());
}

}  // namespace
}  // namespace netbinder::testing
