// SPDX-License-Identifier: Apache-2.0
//
// The program around a peer:
//   PROGRAM --describe          a line of JSON for each peer it offers
//   PROGRAM --peer NAME --mode local|tcp|veth --bytes N --clients N --interval US --pinning
//   none|one|apart
//           --seconds S [--server-namespace PATH --client-namespace PATH --server-host A
//           --client-host A]
//                               one turn; a line of JSON with what was measured
// Exit status 0; 1 if it failed, with a line on stderr; 2 for bad words.
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>

#include "bench/peers/measure.h"
#include "bench/peers/peer.h"

namespace netbinder::bench {

namespace {

constexpr std::array<double, 17> kQuantiles = {0,     0.01,  0.05,   0.1,    0.25, 0.5,
                                               0.75,  0.9,   0.95,   0.98,   0.99, 0.995,
                                               0.998, 0.999, 0.9995, 0.9999, 1};

class BadWords : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

void describe_peers() {
  constexpr std::array<const char*, 4> kinds = {"netbinder", "peer", "limit", "echo"};
  for (const Peer* peer : peers()) {
    std::string modes;
    for (const Mode mode : {Mode::kLocal, Mode::kTcp, Mode::kVeth, Mode::kTls}) {
      if (!peer->has(mode)) continue;
      modes += (modes.empty() ? "\"" : ",\"") + std::string(text(mode)) + "\"";
    }
    std::printf(R"({"peer":"%s","kind":"%s","what":"%s","modes":[%s],"oneway":%s})"
                "\n",
                peer->name().c_str(), kinds[static_cast<std::size_t>(peer->kind())],
                peer->what().c_str(), modes.c_str(),
                peer->has(Work::kOneway) ? "true" : "false");
  }
}

class Words {
 public:
  Words(int argc, char** argv) {
    for (int i = 1; i < argc; i += 2) {
      if (i + 1 >= argc) throw BadWords(std::string(argv[i]) + " needs a value");
      words_[argv[i]] = argv[i + 1];
    }
  }
  std::string take(const std::string& name, const std::string& otherwise) {
    const auto found = words_.extract(name);
    return found.empty() ? otherwise : found.mapped();
  }
  std::uint32_t number(const std::string& name, const std::string& otherwise, std::uint32_t least,
                       std::uint32_t most) {
    const std::string word = take(name, otherwise);
    char* end = nullptr;
    const unsigned long value = std::strtoul(word.c_str(), &end, 10);
    if (word.empty() || *end != '\0' || value < least || value > most) {
      throw BadWords(name + " must be from " + std::to_string(least) + " to " +
                     std::to_string(most));
    }
    return static_cast<std::uint32_t>(value);
  }
  void expect_no_more() const {
    if (!words_.empty()) throw BadWords("there is no option " + words_.begin()->first);
  }

 private:
  std::map<std::string, std::string> words_;
};

Turn turn_of(Words& words) {
  Turn turn;
  const auto mode = mode_of(words.take("--mode", "local"));
  const auto pinning = pinning_of(words.take("--pinning", "none"));
  const auto work = work_of(words.take("--work", "call"));
  const auto load = load_of(words.take("--load", "none"));
  if (!mode || !pinning || !work || !load) {
    throw BadWords("there is no such mode, pinning, work or load");
  }
  turn.point = {.mode = *mode,
                .bytes = words.number("--bytes", "64", 0, 1U << 20),
                .clients = words.number("--clients", "1", 1, 64),
                .interval_us = words.number("--interval", "0", 0, 1'000'000),
                .pinning = *pinning,
                .work = *work,
                .load = *load};
  turn.seconds = std::strtod(words.take("--seconds", "0.2").c_str(), nullptr);
  if (!(turn.seconds > 0 && turn.seconds <= 60)) throw BadWords("--seconds must be up to 60");
  turn.server = {.namespace_path = words.take("--server-namespace", ""),
                 .host = words.take("--server-host", "127.0.0.1"),
                 .processor = std::nullopt};
  turn.client = {.namespace_path = words.take("--client-namespace", ""),
                 .host = words.take("--client-host", "127.0.0.1"),
                 .processor = std::nullopt};
  if ((turn.point.mode == Mode::kVeth) != !turn.server.namespace_path.empty() ||
      turn.server.namespace_path.empty() != turn.client.namespace_path.empty()) {
    throw BadWords("mode veth, and no other, needs both namespaces");
  }
  const auto processors = ::sysconf(_SC_NPROCESSORS_ONLN);
  if (*pinning == Pinning::kApart && processors < 2) throw BadWords("there is one processor only");
  if (*pinning != Pinning::kNone) turn.client.processor = 0;
  if (*pinning == Pinning::kOne) turn.server.processor = 0;
  if (*pinning == Pinning::kApart) turn.server.processor = 1;
  return turn;
}

// The turn's own, removed with it.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "bench-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) fail("no folder for the turn");
    path_ = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

void print(const Peer& peer, const Turn& turn, const Measured& measured) {
  const Latencies& latencies = *measured.latencies;
  const Point& point = turn.point;
  const auto calls = static_cast<double>(latencies.calls());
  const double calls_per_s = calls / measured.seconds;
  std::printf(
      R"({"peer":"%s","mode":"%s","bytes":%zu,"clients":%u,"interval_us":%u,"pinning":"%s",)"
      R"("work":"%s","load":"%s",)"
      R"("calls":%.0f,"seconds":%.4f,"p50_us":%.3f,"p99_us":%.3f,"p999_us":%.3f,"mean_us":%.3f,)"
      R"("calls_per_s":%.1f,"mb_per_s":%.2f,"cpu_us_per_call":%.3f,)"
      R"("others_percent":%.1f,"stolen_percent":%.1f,"quantiles":[)",
      peer.name().c_str(), text(point.mode).data(), point.bytes, point.clients, point.interval_us,
      text(point.pinning).data(), text(point.work).data(), text(point.load).data(), calls, measured.seconds, latencies.quantile_us(0.5),
      latencies.quantile_us(0.99), latencies.quantile_us(0.999), latencies.mean_us(), calls_per_s,
      calls_per_s * static_cast<double>(point.bytes) / 1e6,
      static_cast<double>(measured.cpu_ns) / 1000 / calls, measured.others_percent,
      measured.stolen_percent);
  const char* comma = "";
  for (const double part : kQuantiles) {
    std::printf("%s[%g,%.2f]", comma, part, latencies.quantile_us(part));
    comma = ",";
  }
  std::printf("]}\n");
}

int run(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--describe") {
    describe_peers();
    return 0;
  }
  Words words(argc, argv);
  const std::string name = words.take("--peer", peers().front()->name());
  Turn turn = turn_of(words);
  words.expect_no_more();
  for (const Peer* peer : peers()) {
    if (peer->name() != name) continue;
    if (!peer->has(turn.point.mode)) throw BadWords(name + " does not have this mode");
    const Folder folder;
    turn.folder = folder.path();
    print(*peer, turn, measure(*peer, turn));
    return 0;
  }
  throw BadWords("there is no peer " + name + " here");
}

}  // namespace

}  // namespace netbinder::bench

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  try {
    netbinder::bench::prepare(argv);
    return netbinder::bench::run(argc, argv);
  } catch (const netbinder::bench::BadWords& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
