// SPDX-License-Identifier: Apache-2.0

import type { ProgressEvent, ProgressListener } from "../../base/progress.ts";
import { progressBar } from "../../base/progress-bar.ts";
import type { TextOutput } from "../context.ts";
import { humanSize, shortId } from "../format/human.ts";
import { printable } from "../format/printable.ts";
import { ellipsis } from "../format/width.ts";
import { throttle } from "./throttle.ts";

const eraseLine = "\u001b[2K";
const up = (lines: number) => `\u001b[${lines}A`;
const down = (lines: number) => `\u001b[${lines}B`;

/** Docker shows no bar on a terminal that is not wider. */
const minColumnsForBar = 110;
const assumedColumns = 200;

type LayerEvent = Extract<ProgressEvent, { type: "layer" }>;

/**
 * Draws a line for each layer in the way of `docker load`, on a terminal:
 * `bacd3af13903: Loading layer [====>    ]  75.27MB/75.27MB`.
 *
 * The cursor rests below the last line between two drawings, so that other output can follow at any
 * time after the last event.
 */
export function layerBars(
  output: TextOutput,
  now: () => number,
): { readonly onProgress: ProgressListener } {
  const lines = new Map<string, { readonly index: number; readonly isDue: () => boolean }>();
  return {
    onProgress(event) {
      if (event.type !== "layer") return;
      let line = lines.get(event.id);
      if (line === undefined) {
        line = { index: lines.size, isDue: throttle(now) };
        lines.set(event.id, line);
        output.write("\n");
      }
      const isDone = event.current === event.total;
      if (!line.isDue() && !isDone) return;
      const distance = lines.size - line.index;
      const columns = output.columns ?? assumedColumns;
      // A line that wraps would take two, and the next drawing would miss it.
      const text = ellipsis(layerText(event, columns), columns);
      output.write(`${up(distance)}${eraseLine}\r${text}\r${down(distance)}`);
    },
  };
}

function layerText({ id, current, total }: LayerEvent, columns: number): string {
  return `${layerName(id)}: Loading layer ${barText(current, total, columns)}`;
}

const maxNameWidth = 40;

/** The short digest in a digest or a member's name, such as `blobs/sha256/…`; else the name. */
function layerName(id: string): string {
  const hex = /[0-9a-f]{64}/.exec(id)?.[0];
  return hex === undefined ? ellipsis(printable(id), maxNameWidth) : shortId(hex);
}

/** Docker's bar and numbers: `[=====>     ]  5.5MB/11MB`. */
function barText(current: number, total: number | undefined, columns: number): string {
  const done = humanSize(current).padStart(8);
  if (total === undefined || total <= 0) return current > 0 ? done : "";
  const bar = `${progressBar(current, total)} `;
  const numbers = current > total ? done : `${done}/${humanSize(total)}`;
  return `${columns > minColumnsForBar ? bar : ""}${numbers}`;
}
