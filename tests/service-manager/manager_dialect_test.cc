// SPDX-License-Identifier: Apache-2.0
//
// How the tools ask a manager that understands one version of Android only: by the built-in one's answers,
// as if it were that.
#include "tools/manager_dialect.h"

#include <algorithm>
#include <string>

#include "tests/service-manager/service_client.h"

namespace netbinder::testing {
namespace {

using tools::ManagerDialect;

class ToolsDialect : public ::testing::TestWithParam<Android> {
 protected:
  Received ask(const ManagerDialect::Request& asked) {
    Request request;
    request.payload().data = asked.parcel.data;
    request.payload().offsets = asked.parcel.offsets;
    return client_.call(asked.code, request);
  }
  static ParcelView view(const Received& reply) { return {reply.data, reply.offsets}; }

  ManagedCluster cluster_{1, GetParam().dialect == "classic" ? "auto" : GetParam().dialect};
  ServiceClient client_{cluster_, 1, 100, GetParam()};
  ServiceClient other_{cluster_, 1, 200, GetParam()};
};

INSTANTIATE_TEST_SUITE_P(Android, ToolsDialect, ::testing::ValuesIn(androids()),
                         [](const auto& tested) { return tested.param.name; });

TEST_P(ToolsDialect, IsFoundOutByOneQuestion) {
  // The first candidate with as many words in front of the interface's name.
  const std::size_t candidate = GetParam().token_words == 1 ? 0 : GetParam().token_words == 3 ? 1 : 2;
  const ManagerDialect& asking = ManagerDialect::candidates().at(candidate);
  const Received answer =
      ask({.code = ManagerDialect::kQuestionCode, .parcel = asking.question()});
  const auto dialect = asking.understood(view(answer), answer.is_status());
  ASSERT_TRUE(dialect);
  EXPECT_EQ(dialect->check("x").code, GetParam().check);
  EXPECT_EQ(dialect->add("x", 1).code, GetParam().add);
  EXPECT_EQ(dialect->list(0).code, GetParam().list);

  const Received added = ask(dialect->add("tool", 0x1000));
  ParcelReader result(view(added));
  EXPECT_FALSE(added.is_status());
  EXPECT_TRUE(dialect->begin_result(result));
  EXPECT_TRUE(other_.check("tool"));
  const Received listed = ask(dialect->list(0));
  ParcelReader names(view(listed));
  ASSERT_TRUE(dialect->begin_result(names));
  if (dialect->lists_at_once()) {
    EXPECT_EQ(names.i32(), 2);
    EXPECT_EQ(names.string16(), "manager");
  }
  EXPECT_EQ(names.string16(), "tool");
}

TEST_P(ToolsDialect, ARefusalIsNoAnswer) {
  for (const ManagerDialect& each : ManagerDialect::candidates()) {
    EXPECT_FALSE(each.understood({}, true));
  }
}

}  // namespace
}  // namespace netbinder::testing
