// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { renderChart, renderPanels } from "../../bench/chart.ts";
import { benchResults } from "./sample-results.ts";

const bar = /<rect x="150" y="\d+" width="([\d.]+)" height="11" fill="#[0-9a-f]{6}"\/>/g;

function barWidths(svg: string): number[] {
  return [...svg.matchAll(bar)].map((match) => Number(match[1]));
}

test("bars are as long as their values", () => {
  const svg = renderPanels([
    {
      title: "two",
      groups: [
        { label: "a", bars: [{ series: "lade", value: 1, text: "one" }] },
        { label: "b", bars: [{ series: "docker", value: 4, text: "four" }] },
      ],
    },
  ]);
  const [one, four] = barWidths(svg).slice(-2);
  assert(one !== undefined && four !== undefined);
  assert(Math.abs(four / one - 4) < 0.01);
});

test("a limit beyond all bars is inside the panel", () => {
  const svg = renderPanels([
    {
      title: "memory",
      groups: [{ label: "a", bars: [{ series: "load", value: 50, text: "50" }] }],
      limit: { value: 250, text: "limit" },
    },
  ]);
  const x = Number(/<line class="limit" x1="([\d.]+)"/.exec(svg)?.[1]);
  const width = barWidths(svg).at(-1) ?? 0;
  assert(Math.abs((x - 150) / width - 5) < 0.05);
  assert(x < 860);
});

test("text from outside can't break the markup", () => {
  const svg = renderPanels([
    {
      title: '<script>"&',
      groups: [{ label: "save > file", bars: [{ series: "x<y", value: 0, text: "&" }] }],
    },
  ]);
  assert.match(svg, /&lt;script&gt;&quot;&amp;/);
  assert.match(svg, /save &gt; file/);
  assert(!svg.includes("<script"));
  const opened = svg.match(/<(?:text|style)\b/g)?.length;
  assert.equal(svg.match(/<\/(?:text|style)>/g)?.length, opened);
});

test("the chart has a group for each charted case and for each size", () => {
  const svg = renderChart(benchResults());
  for (const label of ["load-file", "save-pipe", "import", "rmi", "100 MB", "10.0 GB"]) {
    assert(svg.includes(`text-anchor="end">${label}</text>`), label);
  }
  assert(!svg.includes(">load-redirect<"));
});

test("without growth there is one panel", () => {
  const svg = renderChart(benchResults({ growth: [] }));
  assert.equal(svg.match(/class="title"/g)?.length, 1);
});
