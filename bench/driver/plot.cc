// SPDX-License-Identifier: Apache-2.0
#include "bench/driver/plot.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace netbinder::bench {

namespace {

constexpr double kWidth = 760;
constexpr double kHeight = 400;
constexpr double kLeft = 64;
constexpr double kRight = 130;  // for the names of series
constexpr double kTop = 36;
constexpr double kBottom = 48;
constexpr double kLineHeight = 14;

// Maps values to places on the drawing.
class Scale {
 public:
  explicit Scale(const Plot& plot) {
    for (const Tick& tick : plot.x_ticks) widen(least_x_, most_x_, tick.at);
    for (const Series& series : plot.series) {
      for (const PlotPoint& point : series.points) {
        if (point.y <= 0) continue;
        widen(least_x_, most_x_, point.x);
        widen(least_y_, most_y_, std::log10(point.y));
      }
    }
    if (most_x_ < least_x_) least_x_ = most_x_ = 0;  // there is nothing to show
    if (most_y_ < least_y_) least_y_ = most_y_ = 0;
    if (most_x_ <= least_x_) most_x_ = least_x_ + 1;
    least_y_ = std::floor(least_y_ * 3) / 3;
    most_y_ = std::max(std::ceil(most_y_ * 3) / 3, least_y_ + 0.5);
  }
  [[nodiscard]] bool empty() const { return least_y_ > most_y_ - 0.4; }
  [[nodiscard]] double x(double value) const {
    return kLeft + (value - least_x_) / (most_x_ - least_x_) * (kWidth - kLeft - kRight);
  }
  [[nodiscard]] double y(double value) const {
    const double part = (std::log10(value) - least_y_) / (most_y_ - least_y_);
    return kHeight - kBottom - part * (kHeight - kTop - kBottom);
  }
  // 1, 10, 100, … and what is between them if there are few of these.
  [[nodiscard]] std::vector<double> y_ticks() const {
    const bool fine = most_y_ - least_y_ < 2.5;
    std::vector<double> ticks;
    for (int power = static_cast<int>(std::floor(least_y_)); power <= std::ceil(most_y_); ++power) {
      for (const double times : {1.0, 2.0, 5.0}) {
        if (times != 1 && !fine) continue;
        const double value = times * std::pow(10, power);
        const double at = std::log10(value);
        if (at >= least_y_ - 1e-9 && at <= most_y_ + 1e-9) ticks.push_back(value);
      }
    }
    return ticks;
  }

 private:
  static void widen(double& least, double& most, double value) {
    least = std::min(least, value);
    most = std::max(most, value);
  }
  double least_x_ = 1e300;
  double most_x_ = -1e300;
  double least_y_ = 1e300;
  double most_y_ = -1e300;
};

std::string short_number(double value) {
  if (value >= 1e6) return fmt::format("{:g}M", value / 1e6);
  if (value >= 1e3) return fmt::format("{:g}k", value / 1e3);
  return fmt::format("{:g}", value);
}

std::string axes_of(const Plot& plot, const Scale& scale) {
  std::string svg;
  const double bottom = kHeight - kBottom;
  const double right = kWidth - kRight;
  for (const double value : scale.y_ticks()) {
    svg += fmt::format(
        "<line class=\"grid\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>\n", kLeft,
        right, scale.y(value), scale.y(value));
    svg += fmt::format(
        "<text class=\"tick\" text-anchor=\"end\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", kLeft - 6,
        scale.y(value) + 4, short_number(value));
  }
  for (const Tick& tick : plot.x_ticks) {
    svg += fmt::format(
        "<line class=\"grid\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1:.1f}\" y2=\"{2:.1f}\"/>\n",
        scale.x(tick.at), kTop, bottom);
    svg += fmt::format(
        "<text class=\"tick\" text-anchor=\"middle\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n",
        scale.x(tick.at), bottom + 16, html_escaped(tick.label));
  }
  svg += fmt::format("<text class=\"name\" x=\"{:.1f}\" y=\"18\">{}</text>\n", kLeft,
                     html_escaped(plot.title));
  svg += fmt::format(
      "<text class=\"tick\" text-anchor=\"middle\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n",
      (kLeft + right) / 2, kHeight - 10, html_escaped(plot.x_title));
  svg += fmt::format(
      "<text class=\"tick\" text-anchor=\"middle\" transform=\"translate(14 {:.1f}) "
      "rotate(-90)\">{}</text>\n",
      (kTop + bottom) / 2, html_escaped(plot.y_title));
  return svg;
}

std::string series_of(const Series& series, const Scale& scale) {
  std::string line;
  std::string marks;
  for (const PlotPoint& point : series.points) {
    if (point.y <= 0) continue;
    const double x = scale.x(point.x);
    const double y = scale.y(point.y);
    line += fmt::format("{}{:.1f} {:.1f}", line.empty() ? "M" : "L", x, y);
    marks += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\"><title>{}</title></circle>\n",
                         x, y, html_escaped(point.tooltip));
  }
  if (line.empty()) return {};
  return fmt::format("<g class=\"series s{}\"><path d=\"{}\"/>\n{}</g>\n", series.colour, line,
                     marks);
}

// Names at the ends of their lines, moved apart where they would be on top of each other.
std::string names_of(const Plot& plot, const Scale& scale) {
  struct Name {
    const Series* series;
    double x = 0;
    double y = 0;
  };
  std::vector<Name> names;
  for (const Series& series : plot.series) {
    const auto last = std::find_if(series.points.rbegin(), series.points.rend(),
                                   [](const PlotPoint& point) { return point.y > 0; });
    if (last == series.points.rend()) continue;
    names.push_back({&series, scale.x(last->x), scale.y(last->y) + 4});
  }
  std::ranges::sort(names, {}, &Name::y);
  for (std::size_t i = 1; i < names.size(); ++i) {
    names[i].y = std::max(names[i].y, names[i - 1].y + kLineHeight);
  }
  double room = kHeight - kBottom + 4;  // from below, if they have left the drawing
  for (auto name = names.rbegin(); name != names.rend(); ++name, room -= kLineHeight) {
    name->y = std::min(name->y, room);
  }
  std::string svg;
  for (const Name& name : names) {
    svg += fmt::format(
        "<path class=\"leader s{0}\" d=\"M{1:.1f} {2:.1f}L{3:.1f} {4:.1f}\"/>"
        "<text class=\"end s{0}\" x=\"{5:.1f}\" y=\"{6:.1f}\">{7}</text>\n",
        name.series->colour, name.x + 5, scale.y(name.series->points.back().y),
        kWidth - kRight + 10, name.y - 4, kWidth - kRight + 14, name.y,
        html_escaped(name.series->name));
  }
  return svg;
}

}  // namespace

std::string html_escaped(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '&':
        escaped += "&amp;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += c;
        break;
    }
  }
  return escaped;
}

std::string svg_of(const Plot& plot) {
  const Scale scale(plot);
  if (scale.empty()) return {};
  std::string svg = fmt::format(
      "<svg id=\"{}\" class=\"plot\" viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" "
      "aria-label=\"{}\">\n",
      plot.id, kWidth, kHeight, html_escaped(plot.title));
  svg += axes_of(plot, scale);
  for (const Series& series : plot.series) svg += series_of(series, scale);
  svg += names_of(plot, scale);
  return svg + "</svg>\n";
}

}  // namespace netbinder::bench
