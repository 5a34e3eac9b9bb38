// SPDX-License-Identifier: Apache-2.0
#include "node-agent/metric_text.h"

#include <fmt/format.h>

#include "core/base/utf8.h"

namespace netbinder {

namespace {

enum class Quoted : bool { kNo, kYes };

void append_escaped(std::string& text, std::string_view value, Quoted quoted) {
  while (!value.empty()) {
    const std::size_t length = utf8_length(value);
    const char first = value.front();
    if (length == 0) {
      text += "\uFFFD";
    } else if (first == '\\') {
      text += "\\\\";
    } else if (first == '\n') {
      text += "\\n";
    } else if (first == '"' && quoted == Quoted::kYes) {
      text += "\\\"";
    } else {
      text += value.substr(0, length);
    }
    value.remove_prefix(length == 0 ? 1 : length);
  }
}

std::string_view word(MetricText::Type type) {
  switch (type) {
    case MetricText::Type::kCounter:
      return "counter";
    case MetricText::Type::kGauge:
      return "gauge";
    case MetricText::Type::kHistogram:
      break;
  }
  return "histogram";
}

double seconds(std::uint64_t ns) { return static_cast<double>(ns) / 1e9; }

}  // namespace

void MetricText::metric(std::string_view name, Type type, std::string_view help) {
  name_ = name;
  text_ += "# HELP " + name_ + " ";
  append_escaped(text_, help, Quoted::kNo);
  text_ += "\n# TYPE " + name_ + " ";
  text_ += word(type);
  text_ += '\n';
}

void MetricText::line(std::string_view suffix, Labels labels, const More& more,
                      std::string_view value) {
  ++samples_;
  text_ += name_;
  text_ += suffix;
  char before = '{';
  const auto put = [&](std::string_view name, std::string_view of) {
    text_ += std::exchange(before, ',');
    text_ += name;
    text_ += "=\"";
    append_escaped(text_, of, Quoted::kYes);
    text_ += '"';
  };
  for (const auto& [name, of] : labels) put(name, of);
  if (!more.name.empty()) put(more.name, more.value);
  if (before == ',') text_ += '}';
  text_ += ' ';
  text_ += value;
  text_ += '\n';
}

void MetricText::sample(Labels labels, std::uint64_t value) {
  line({}, labels, {}, fmt::format_int(value).c_str());
}

void MetricText::sample(Labels labels, double value) {
  line({}, labels, {}, fmt::format("{}", value));
}

void MetricText::histogram(Labels labels, std::span<const std::uint64_t> bounds_ns,
                           std::span<const std::uint64_t> counts, std::uint64_t total_ns) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    sum += counts[i];
    const std::string bound =
        i < bounds_ns.size() ? fmt::format("{}", seconds(bounds_ns[i])) : "+Inf";
    line("_bucket", labels, {.name = "le", .value = bound}, fmt::format_int(sum).c_str());
  }
  line("_sum", labels, {}, fmt::format("{}", seconds(total_ns)));
  line("_count", labels, {}, fmt::format_int(sum).c_str());
}

}  // namespace netbinder
