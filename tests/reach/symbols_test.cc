// SPDX-License-Identifier: Apache-2.0
//
// The symbols that the preload library needs from the programs that it is loaded into.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <sstream>
#include <string>

namespace netbinder::testing {
namespace {

std::string output_of(const std::string& command) {
  std::string text;
  std::FILE* const pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return text;
  std::array<char, 4096> part;
  while (const std::size_t got = std::fread(part.data(), 1, part.size(), pipe)) {
    text.append(part.data(), got);
  }
  EXPECT_EQ(::pclose(pipe), 0) << command;
  return text;
}

TEST(Symbols, AreThoseOfOldCLibraries) {
  std::istringstream lines(output_of("readelf --wide --dyn-syms " NETBINDER_SHIM_FILE));
  int seen = 0;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t at = line.find("@GLIBC_2.");
    if (at == std::string::npos || line.find(" UND ") == std::string::npos) continue;
    ++seen;
    EXPECT_LE(std::stoi(line.substr(at + 9)), 31) << line;
  }
  EXPECT_GT(seen, 20);
}

TEST(Symbols, ComeFromTheCLibraryOnly) {
  std::istringstream lines(output_of("readelf --wide --dynamic " NETBINDER_SHIM_FILE));
  int needed = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.find("(NEEDED)") == std::string::npos) continue;
    ++needed;
    const bool known = line.find("[libc.so.") != std::string::npos ||
                       line.find("[libdl.so.") != std::string::npos ||
                       line.find("[libpthread.so.") != std::string::npos ||
                       line.find("[ld-linux") != std::string::npos;
    EXPECT_TRUE(known) << line;
  }
  EXPECT_GE(needed, 2);
}

}  // namespace
}  // namespace netbinder::testing
