// SPDX-License-Identifier: Apache-2.0
//
// How long synchronous calls take, for the page of metrics: histograms for each context and
// interface. A call is counted when its reply is there; one that fails is not.
//
// An interface is what a call's payload begins with, so strangers name it: there is room for
// kMostInterfaces of them, the first that are called, and for one more of each context with all the
// others. Nodes share places in a table that remembers the interface of each. While calls of two
// nodes with one place overlap, those of one of them count among the others.
//
// All memory is there from the start: no allocation, no formatting in heard(). Owned by the agent,
// while [metrics] asks for it. Thread: the data-plane thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "host/call_listeners.h"
#include "node-agent/interface_search.h"
#include "node-agent/latency_histogram.h"

namespace netbinder {

class CallLatencies final : public CallListener {
 public:
  static constexpr std::size_t kMostInterfaces = 64;
  static constexpr std::size_t kMostContexts = 64;  // those beyond are one, kOther
  static constexpr std::string_view kOther = "other";
  static constexpr std::size_t kMostContextBytes = 255;    // no device has a longer name
  static constexpr std::size_t kMostInterfaceBytes = 128;  // a longer one counts among the others

  class Series {
   public:
    Series(std::string_view context, std::string_view interface);
    [[nodiscard]] std::string_view context() const { return {context_.data(), context_size_}; }
    [[nodiscard]] std::string_view interface() const {
      return {interface_.data(), interface_size_};
    }

    // From a call's beginning here to its reply's arrival: of calls to programs of this host, and
    // of other hosts.
    LatencyHistogram local;
    LatencyHistogram to_peer;
    // From a thread's reading a call to its reply, wherever the call comes from.
    LatencyHistogram handling;

   private:
    std::array<char, kMostContextBytes> context_;
    std::array<char, kMostInterfaceBytes> interface_;
    std::size_t context_size_, interface_size_;
  };

  CallLatencies();

  void heard(const CallReport& report, std::uint64_t now_ns) override;
  // They stay where they are, and more come behind them.
  [[nodiscard]] std::span<const Series> series() const { return series_; }

 private:
  using Place = std::uint16_t;  // in series_
  static constexpr std::size_t kNodes = 4096;

  void note_interface(const CallReport& report);
  [[nodiscard]] Series& series_of(const CallReport& report);
  [[nodiscard]] Place place_of(std::string_view context, std::string_view interface);
  [[nodiscard]] Place others_of(std::string_view context);
  [[nodiscard]] Place add(std::string_view context, std::string_view interface);

  std::vector<Series> series_;
  std::size_t interfaces_ = 0;  // in series_, without those of the others
  std::size_t contexts_ = 0;    // that have such a one
  InterfaceSearch<kNodes> search_;
  std::array<Place, kNodes> node_series_{};  // of the node that holds each place
};

}  // namespace netbinder
