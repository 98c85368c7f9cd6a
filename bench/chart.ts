// SPDX-License-Identifier: Apache-2.0
import {
  type BenchResults,
  type CaseResult,
  findMeasurement,
  peakMemoryOf,
  timeOf,
} from "./results.ts";
import { formatSeconds, formatSize } from "./stats.ts";

export interface Bar {
  readonly series: string;
  readonly value: number;
  /** What stands at the bar's end. */
  readonly text: string;
}

export interface BarGroup {
  readonly label: string;
  readonly bars: readonly Bar[];
}

export interface Panel {
  readonly title: string;
  readonly groups: readonly BarGroup[];
  /** A line across the panel that bars should stay left of. */
  readonly limit?: { readonly value: number; readonly text: string };
}

const CHARTED = [
  "load-file",
  "load-pipe",
  "load-gzip",
  "save-file",
  "save-pipe",
  "import",
  "rmi",
] as const;

/** Told apart by people who see colours differently, on white and on dark ground. */
const colors = new Map([
  ["lade", "#d55e00"],
  ["docker", "#0072b2"],
  ["podman", "#009e73"],
  ["skopeo", "#8d6cab"],
  ["floor", "#8c8c8c"],
  ["load", "#d55e00"],
  ["save", "#e69f00"],
]);
const OTHER_COLOR = "#555555";

const WIDTH = 860;
const LEFT = 150;
const RIGHT = 90;
const BAR = 13;
const GROUP_GAP = 12;
const TITLE = 34;
const LEGEND = 24;
const FOOT = 14;

/** `docs/benchmarks.svg`: medians of the cases that move an image, and lade's memory by size. */
export function renderChart(results: BenchResults): string {
  const panels: Panel[] = [
    {
      title: `Median time with an image of ${results.image.layerCount} layers, ${formatSize(results.image.size)} (shorter is better)`,
      groups: timeGroups(results.cases),
    },
    {
      title: "Peak memory of lade by size of the archive",
      groups: memoryGroups(results.growth),
      limit: { value: 250e6, text: formatSize(250e6) },
    },
  ];
  return renderPanels(panels.filter((panel) => panel.groups.length > 0));
}

function timeGroups(cases: readonly CaseResult[]): BarGroup[] {
  return CHARTED.flatMap((id) => {
    const result = cases.find((one) => one.id === id);
    if (result === undefined) return [];
    const bars = result.measurements.flatMap((measurement): Bar[] => {
      const median = timeOf(measurement)?.median;
      if (median === undefined) return [];
      return [{ series: measurement.contender, value: median, text: formatSeconds(median) }];
    });
    return bars.length === 0 ? [] : [{ label: result.title.replaceAll("`", ""), bars }];
  });
}

function memoryGroups(growth: readonly CaseResult[]): BarGroup[] {
  const sizes = [...new Set(growth.flatMap((result) => result.size ?? []))];
  return sizes.map((size) => ({
    label: formatSize(size),
    bars: growth
      .filter((result) => result.size === size)
      .flatMap((result): Bar[] => {
        const peak = peakMemoryOf(findMeasurement(result, "lade"));
        if (peak === undefined) return [];
        return [{ series: result.id.replace("growth-", ""), value: peak, text: formatSize(peak) }];
      }),
  }));
}

/** Panels of horizontal bars, one above the other, each with its own scale from zero. */
export function renderPanels(panels: readonly Panel[]): string {
  const parts: string[] = [];
  let top = 0;
  for (const panel of panels) {
    const { svg, height } = renderPanel(panel, top);
    parts.push(svg);
    top += height;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top}" width="${WIDTH}" height="${top}" role="img">`,
    "<style>",
    "text { font: 12px system-ui, sans-serif; fill: #24292f; } .title { font-weight: 600; font-size: 14px; }",
    ".ground { fill: #ffffff; } .limit { stroke: #24292f; stroke-dasharray: 4 3; }",
    "@media (prefers-color-scheme: dark) { text { fill: #e6edf3; } .ground { fill: #0d1117; } .limit { stroke: #e6edf3; } }",
    "</style>",
    `<rect class="ground" width="${WIDTH}" height="${top}"/>`,
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}

function renderPanel(panel: Panel, top: number): { svg: string; height: number } {
  const bars = panel.groups.flatMap((group) => group.bars);
  const largest = Math.max(panel.limit?.value ?? 0, ...bars.map((bar) => bar.value));
  const scale = largest > 0 ? (WIDTH - LEFT - RIGHT) / largest : 0;
  const parts = [
    `<text class="title" x="12" y="${top + 22}">${escapeXml(panel.title)}</text>`,
    renderLegend([...new Set(bars.map((bar) => bar.series))], top + TITLE),
  ];
  const first = top + TITLE + LEGEND;
  let y = first;
  for (const group of panel.groups) {
    const middle = y + (group.bars.length * BAR) / 2 + 4;
    parts.push(
      `<text x="${LEFT - 10}" y="${middle}" text-anchor="end">${escapeXml(group.label)}</text>`,
    );
    for (const bar of group.bars) {
      const width = Math.max(1, bar.value * scale);
      const color = colors.get(bar.series) ?? OTHER_COLOR;
      parts.push(
        `<rect x="${LEFT}" y="${y}" width="${width.toFixed(1)}" height="${BAR - 2}" fill="${color}"/>`,
        `<text x="${(LEFT + width + 6).toFixed(1)}" y="${y + BAR - 3}">${escapeXml(bar.text)}</text>`,
      );
      y += BAR;
    }
    y += GROUP_GAP;
  }
  if (panel.limit !== undefined) {
    const x = (LEFT + panel.limit.value * scale).toFixed(1);
    parts.push(
      `<line class="limit" x1="${x}" x2="${x}" y1="${first - 4}" y2="${y - GROUP_GAP + 4}"/>`,
      `<text x="${x}" y="${first - 8}" text-anchor="middle">${escapeXml(panel.limit.text)}</text>`,
    );
  }
  return { svg: parts.join("\n"), height: y + FOOT - top };
}

function renderLegend(series: readonly string[], y: number): string {
  return series
    .map((name, index) => {
      const x = LEFT + index * 95;
      const color = colors.get(name) ?? OTHER_COLOR;
      return (
        `<rect x="${x}" y="${y}" width="11" height="11" fill="${color}"/>` +
        `<text x="${x + 16}" y="${y + 10}">${escapeXml(name)}</text>`
      );
    })
    .join("\n");
}

function escapeXml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
