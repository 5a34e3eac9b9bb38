// SPDX-License-Identifier: Apache-2.0
//
// Line plots as inline SVG, which need nothing else: logarithmic axes, a line for each series with
// a name at its end, and a tooltip for each point. Colours are the page's (classes s0, s1, …).
#pragma once

#include <string>
#include <vector>

namespace netbinder::bench {

struct Tick {
  double at = 0;
  std::string label;
};

struct PlotPoint {
  double x = 0;
  double y = 0;
  std::string tooltip;
};

struct Series {
  std::string name;
  std::size_t colour = 0;
  std::vector<PlotPoint> points;
};

struct Plot {
  std::string id;
  std::string title;
  std::string x_title;
  std::string y_title;
  std::vector<Tick> x_ticks;  // x is linear between them: the caller has transformed it
  std::vector<Series> series;
};

// y is logarithmic; values that are not above 0 are left out. An empty string if nothing is left.
std::string svg_of(const Plot& plot);

// For text between tags and for values of attributes.
std::string html_escaped(const std::string& text);

}  // namespace netbinder::bench
