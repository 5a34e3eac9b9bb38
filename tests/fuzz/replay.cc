// SPDX-License-Identifier: Apache-2.0
//
// The fuzz target without the fuzzer: replays the given files (for a directory, all in it), and
// then NETBINDER_FUZZ_INPUTS pseudo-random inputs, the same ones every time.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void replay(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "cannot read %s\n", path.c_str());
    std::exit(1);
  }
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  std::fprintf(stderr, "%s, %zu bytes\n", path.c_str(), bytes.size());
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    std::vector<std::filesystem::path> paths;
    if (std::filesystem::is_directory(argv[i])) {
      for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
        if (entry.is_regular_file()) paths.push_back(entry.path());
      }
    } else {
      paths.emplace_back(argv[i]);
    }
    std::sort(paths.begin(), paths.end());
    for (const auto& path : paths) replay(path);
  }
  const char* wanted = std::getenv("NETBINDER_FUZZ_INPUTS");
  const std::uint64_t count = wanted == nullptr ? 0 : std::strtoull(wanted, nullptr, 10);
  for (std::uint64_t seed = 1; seed <= count; ++seed) {
    std::mt19937_64 random(seed);
    std::vector<std::uint8_t> bytes(random() % 4096);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
    // A broken check aborts; this tells which input it was.
    if (std::getenv("NETBINDER_FUZZ_VERBOSE") != nullptr) {
      std::fprintf(stderr, "input %llu\n", static_cast<unsigned long long>(seed));
    }
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  }
  std::fprintf(stderr, "%llu pseudo-random inputs\n", static_cast<unsigned long long>(count));
}
