// SPDX-License-Identifier: Apache-2.0
//
// How a report looks. The colours of peers can be told apart by those who do not see all colours.
#pragma once

namespace netbinder::bench {

inline constexpr const char* kReportStyle = R"(
:root { color-scheme: light dark; --paper: #fff; --ink: #222; --faint: #777; --grid: #e4e4e4; --own: #fff3e6;
  --c0: #d55e00; --c1: #0072b2; --c2: #56b4e9; --c3: #009e73; --c4: #cc79a7; --c5: #8c6d1f; --c6: #7b3fb0; --c7: #555;
  --c8: #999; }
@media (prefers-color-scheme: dark) { :root { --paper: #16181c; --ink: #ddd; --faint: #999; --grid: #30343a; --own: #33261a;
  --c0: #ff8a3c; --c1: #4aa8e0; --c2: #9fd8f7; --c3: #2cc79a; --c4: #e8a3c6; --c5: #cfb25e; --c6: #b58ae0; --c7: #bbb;
  --c8: #888; } }
body { background: var(--paper); color: var(--ink); font: 15px/1.45 system-ui, sans-serif; max-width: 1180px; margin: 2em auto;
  padding: 0 1em; }
h1 { font-size: 1.7em; margin-bottom: .2em; } h2 { font-size: 1.25em; margin-top: 2em; border-bottom: 1px solid var(--grid); }
h3 { font-size: 1em; margin: 1.4em 0 .3em; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .92em; }
th, td { text-align: right; padding: .15em .7em; border-bottom: 1px solid var(--grid); white-space: nowrap; }
th { color: var(--faint); font-weight: normal; } td:first-child, th:first-child { text-align: left; }
.facts td { text-align: left; white-space: normal; vertical-align: top; } .own td { background: var(--own); font-weight: 600; }
.absent td { color: var(--faint); text-align: left; white-space: normal; } small { color: var(--faint); }
.wide { overflow-x: auto; } .shorts { display: flex; flex-wrap: wrap; gap: 1.5em; align-items: start; }
.warning { border-left: .3em solid var(--faint); padding: .4em .8em; background: var(--own); } .plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(520px, 100%), 1fr)); gap: 1em; } summary { cursor: pointer; color: var(--faint); }
.plot { width: 100%; max-width: 760px; height: auto; } .grid { stroke: var(--grid); }
.plot text { font: 12px system-ui, sans-serif; fill: var(--ink); } .plot .tick { fill: var(--faint); }
.plot .name { font-size: 14px; font-weight: 600; } .series path { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
.series circle { stroke: none; } .series.s0 path { stroke-width: 3.4; } .leader { fill: none; stroke-width: 1; opacity: .45; }
.s0 path, .leader.s0 { stroke: var(--c0); } .s0 circle, .plot text.s0 { fill: var(--c0); } .dot.s0 { background: var(--c0); }
.s1 path, .leader.s1 { stroke: var(--c1); } .s1 circle, .plot text.s1 { fill: var(--c1); } .dot.s1 { background: var(--c1); }
.s2 path, .leader.s2 { stroke: var(--c2); } .s2 circle, .plot text.s2 { fill: var(--c2); } .dot.s2 { background: var(--c2); }
.s3 path, .leader.s3 { stroke: var(--c3); } .s3 circle, .plot text.s3 { fill: var(--c3); } .dot.s3 { background: var(--c3); }
.s4 path, .leader.s4 { stroke: var(--c4); } .s4 circle, .plot text.s4 { fill: var(--c4); } .dot.s4 { background: var(--c4); }
.s5 path, .leader.s5 { stroke: var(--c5); } .s5 circle, .plot text.s5 { fill: var(--c5); } .dot.s5 { background: var(--c5); }
.s6 path, .leader.s6 { stroke: var(--c6); } .s6 circle, .plot text.s6 { fill: var(--c6); } .dot.s6 { background: var(--c6); }
.s7 path, .leader.s7 { stroke: var(--c7); } .s7 circle, .plot text.s7 { fill: var(--c7); } .dot.s7 { background: var(--c7); }
.s8 path, .leader.s8 { stroke: var(--c8); } .s8 circle, .plot text.s8 { fill: var(--c8); } .dot.s8 { background: var(--c8); }
.dot { display: inline-block; width: .7em; height: .7em; border-radius: 50%; }
)";

}  // namespace netbinder::bench
