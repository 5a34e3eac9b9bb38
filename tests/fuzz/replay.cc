// SPDX-License-Identifier: Apache-2.0
//
// A fuzz target without the fuzzer, for every build: replays files (of a directory, all in it), and
// then inputs that are the same every time.
//
//     REPLAY [--random N] [--mutated N] [--verbose] PATH...
//         N inputs of pseudo-random bytes; N mutations of the files. A broken check aborts;
//         --verbose tells which input it was.
//     REPLAY --write-seeds DIRECTORY
//     REPLAY --check-seeds DIRECTORY
//         Exit status 1 if the directory has others than the target would write now.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "tests/fuzz/mutation.h"
#include "tests/fuzz/seeds.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace netbinder::fuzz {
namespace {

[[noreturn]] void usage() {
  std::fprintf(stderr,
               "usage: REPLAY [--random N] [--mutated N] [--verbose] PATH...\n"
               "       REPLAY --write-seeds DIRECTORY | --check-seeds DIRECTORY\n");
  std::exit(2);
}

// Nothing if it cannot be read.
std::vector<Bytes> read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return {};
  return {Bytes{std::istreambuf_iterator<char>(file), {}}};
}

int write_seeds(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  for (const Seed& seed : make_seeds()) {
    std::ofstream file(folder / seed.name, std::ios::binary);
    file.write(reinterpret_cast<const char*>(seed.bytes.data()),
               static_cast<std::streamsize>(seed.bytes.size()));
    if (!file.flush()) {
      std::fprintf(stderr, "cannot write %s\n", (folder / seed.name).c_str());
      return 1;
    }
  }
  return 0;
}

int check_seeds(const std::filesystem::path& folder) {
  int outdated = 0;
  for (const Seed& seed : make_seeds()) {
    const auto found = read(folder / seed.name);
    if (!found.empty() && found.front() == seed.bytes) continue;
    ++outdated;
    std::fprintf(stderr, "%s is not what is written now\n", (folder / seed.name).c_str());
  }
  if (outdated > 0) std::fprintf(stderr, "to mend it: --write-seeds %s\n", folder.c_str());
  return outdated > 0 ? 1 : 0;
}

std::vector<std::filesystem::path> files_of(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return {path};
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    if (entry.is_regular_file()) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

Bytes random_bytes(std::uint64_t number) {
  std::mt19937_64 random(number);
  Bytes bytes(random() % 4096);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

int run(int argc, char** argv) {
  std::uint64_t random = 0;
  std::uint64_t mutated = 0;
  bool verbose = false;
  std::vector<Bytes> inputs;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const auto value = [&] {
      if (++i == argc) usage();
      return argv[i];
    };
    if (argument == "--random") {
      random = std::strtoull(value(), nullptr, 10);
    } else if (argument == "--mutated") {
      mutated = std::strtoull(value(), nullptr, 10);
    } else if (argument == "--verbose") {
      verbose = true;
    } else if (argument == "--write-seeds") {
      return write_seeds(value());
    } else if (argument == "--check-seeds") {
      return check_seeds(value());
    } else if (argument.starts_with("-")) {
      usage();
    } else {
      for (const auto& path : files_of(argument)) {
        auto bytes = read(path);
        if (bytes.empty()) {
          std::fprintf(stderr, "cannot read %s\n", path.c_str());
          return 1;
        }
        std::fprintf(stderr, "%s, %zu bytes\n", path.c_str(), bytes.front().size());
        LLVMFuzzerTestOneInput(bytes.front().data(), bytes.front().size());
        inputs.push_back(std::move(bytes.front()));
      }
    }
  }
  if (mutated > 0 && inputs.empty()) {
    std::fprintf(stderr, "there is no file to mutate\n");
    return 1;
  }
  const auto run_all = [&](const char* kind, std::uint64_t count, auto make) {
    for (std::uint64_t number = 1; number <= count; ++number) {
      if (verbose) {
        std::fprintf(stderr, "%s input %llu\n", kind, static_cast<unsigned long long>(number));
      }
      const Bytes bytes = make(number);
      LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
    }
  };
  run_all("random", random, random_bytes);
  run_all("mutated", mutated, [&](std::uint64_t number) { return mutation(inputs, number); });
  std::fprintf(stderr, "%zu files, %llu random inputs, %llu mutated ones\n", inputs.size(),
               static_cast<unsigned long long>(random), static_cast<unsigned long long>(mutated));
  return 0;
}

}  // namespace
}  // namespace netbinder::fuzz

int main(int argc, char** argv) { return netbinder::fuzz::run(argc, argv); }
