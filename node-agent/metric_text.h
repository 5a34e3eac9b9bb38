// SPDX-License-Identifier: Apache-2.0
//
// Writes metrics in Prometheus' text format (version 0.0.4). The samples of a metric come one after
// the other, behind its help and type. Labels may be any bytes: what is no UTF-8 becomes U+FFFD.
//
// A plain object, without I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace netbinder {

class MetricText {
 public:
  enum class Type : std::uint8_t { kCounter, kGauge, kHistogram };
  using Label = std::pair<std::string_view, std::string_view>;
  using Labels = std::initializer_list<Label>;

  // The samples that follow are of this metric. Each has a name of its own.
  void metric(std::string_view name, Type type, std::string_view help);
  void sample(Labels labels, std::uint64_t value);
  void sample(Labels labels, double value);
  // `counts` has one more than `bounds_ns`, each those that are in no place before it.
  void histogram(Labels labels, std::span<const std::uint64_t> bounds_ns,
                 std::span<const std::uint64_t> counts, std::uint64_t total_ns);

  [[nodiscard]] std::size_t samples() const { return samples_; }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  // The last label, where there is one more.
  struct More {
    std::string_view name = {};
    std::string_view value = {};
  };
  void line(std::string_view suffix, Labels labels, const More& more, std::string_view value);

  std::string name_;
  std::string text_;
  std::size_t samples_ = 0;
};

}  // namespace netbinder
