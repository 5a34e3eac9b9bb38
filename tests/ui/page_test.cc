// SPDX-License-Identifier: Apache-2.0
//
// The page's policy, by which requests it may come, and values that are made anew.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "tools/ui/freshened.h"
#include "tools/ui/page_server.h"
#include "tools/ui/ui_page.h"

namespace netbinder::tools {
namespace {

using std::chrono::milliseconds;

TEST(UiPage, ItsPolicyNamesItsScriptAndItsStyleByTheirHashes) {
  // echo -n "alert('Hello, world.');" | openssl sha256 -binary | openssl base64
  const std::string policy =
      content_security_policy("<style></style><script>alert('Hello, world.');</script>");
  EXPECT_NE(policy.find("script-src 'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng=';"),
            std::string::npos)
      << policy;
  EXPECT_NE(policy.find("style-src 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=';"),
            std::string::npos)
      << policy;
  EXPECT_TRUE(policy.starts_with("default-src 'none'; "));
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
}

TEST(UiPage, IsOneFile) {
  const std::string page(ui_page_text());
  for (const char* from_elsewhere : {"src=", "@import", "url(", "innerHTML", "style=\""}) {
    EXPECT_EQ(page.find(from_elsewhere), std::string::npos) << from_elsewhere;
  }
}

TEST(UiHost, IsAnAddressOrThisMachine) {
  for (const char* own : {"127.0.0.1", "127.0.0.1:9556", "localhost:80", "localhost", "[::1]:80",
                          "[::1]", "10.0.0.1:1"}) {
    EXPECT_TRUE(is_own_host(own)) << own;
  }
  for (const char* other : {"", "evil.example", "evil.example:9556", "127.0.0.1.evil.example",
                            "localhost.evil.example", "[::1", "::1", "[evil]", "127.1", "0x7f.1"}) {
    EXPECT_FALSE(is_own_host(other)) << other;
  }
}

TEST(PageServer, ListensOnLoopbackUnlessItIsSaid) {
  const auto page = [](const std::string&) { return http::Answer{}; };
  EXPECT_THROW(PageServer("0.0.0.0:0", Asker::kThisUser, page), std::runtime_error);
  EXPECT_THROW(PageServer("localhost:0", Asker::kThisUser, page), std::runtime_error);
  EXPECT_THROW(PageServer("127.0.0.1", Asker::kThisUser, page), std::runtime_error);
  EXPECT_TRUE(PageServer("0.0.0.0:0", Asker::kAnybody, page).url().starts_with("http://0.0.0.0:"));
  const PageServer server("127.0.0.1:0", Asker::kThisUser, page);
  const std::string url = server.url();
  EXPECT_TRUE(url.starts_with("http://127.0.0.1:"));
  EXPECT_NE(url, "http://127.0.0.1:0/");
}

TEST(Freshened, IsMadeOnlyWhenSomebodyAsks) {
  const auto made = std::make_shared<std::atomic<int>>(0);
  Freshened<int> value(std::chrono::hours(1), [made] { return ++*made; });
  EXPECT_EQ(*made, 0);
  EXPECT_EQ(*value.get(std::chrono::seconds(60)), 1);
  EXPECT_EQ(*value.get(std::chrono::seconds(60)), 1) << "it is not old";
}

TEST(Freshened, IsMadeAnewWhenItIsOld) {
  const auto made = std::make_shared<std::atomic<int>>(0);
  Freshened<int> value(milliseconds(1), [made] { return ++*made; });
  EXPECT_EQ(*value.get(std::chrono::seconds(60)), 1);
  std::this_thread::sleep_for(milliseconds(2));
  EXPECT_GE(*value.get(std::chrono::seconds(60)), 2);
}

TEST(Freshened, TheLastOneStaysWhenNoneCanBeMade) {
  const auto go_on = std::make_shared<std::atomic<int>>(1);
  Freshened<int> value(milliseconds(1), [go_on] {
    while (*go_on == 0) std::this_thread::sleep_for(milliseconds(1));
    return 7;
  });
  EXPECT_EQ(*value.get(std::chrono::seconds(60)), 7);
  *go_on = 0;
  std::this_thread::sleep_for(milliseconds(2));
  const auto last = value.get(milliseconds(5));
  ASSERT_NE(last, nullptr);
  EXPECT_EQ(*last, 7);
  *go_on = 1;
}

}  // namespace
}  // namespace netbinder::tools
