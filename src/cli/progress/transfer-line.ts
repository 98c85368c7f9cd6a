// SPDX-License-Identifier: Apache-2.0

import type { ProgressListener } from "../../base/progress.ts";
import type { TextOutput } from "../context.ts";
import { humanSize } from "../format/human.ts";
import { textWidth } from "../format/width.ts";
import { throttle } from "./throttle.ts";

const eraseLine = "\r\u001b[2K";

export interface TransferLineOptions {
  /** What is being done: `Saving`. */
  readonly verb: string;
  readonly now: () => number;
}

export interface TransferLine extends Disposable {
  /** Undefined where nobody would see the line. */
  readonly onProgress: ProgressListener | undefined;
}

/** A rate is worth showing once it rests on this much time. */
const minRateMs = 500;

/**
 * One line on a terminal that tells how far a transfer is, and is erased at its end:
 * `Saving: 412MB/857MB, 2/4 layers, 1.2GB/s, 4s left`.
 */
export function transferLine(output: TextOutput, { verb, now }: TransferLineOptions): TransferLine {
  if (!output.isTerminal) return { onProgress: undefined, [Symbol.dispose]() {} };
  const startMs = now();
  const isDue = throttle(now);
  const layers = new Map<string, boolean>();
  let isDrawn = false;
  return {
    onProgress(event) {
      if (event.type === "layer") {
        layers.set(event.id, event.current === event.total);
        return;
      }
      if (!isDue()) return;
      const { current, total } = event;
      const text = transferText({ current, total, layers, elapsedMs: now() - startMs });
      output.write(`${eraseLine}${fit(`${verb}: ${text}`, output.columns)}`);
      isDrawn = true;
    },
    [Symbol.dispose]() {
      if (isDrawn) output.write(eraseLine);
      isDrawn = false;
    },
  };
}

interface Transfer {
  readonly current: number;
  readonly total: number | undefined;
  /** Layers seen so far; true for those that are done. */
  readonly layers: ReadonlyMap<string, boolean>;
  readonly elapsedMs: number;
}

function transferText({ current, total, layers, elapsedMs }: Transfer): string {
  const parts = [
    total === undefined ? humanSize(current) : `${humanSize(current)}/${humanSize(total)}`,
  ];
  const done = [...layers.values()].filter(Boolean).length;
  if (layers.size > 0) parts.push(`${done}/${layers.size} layers`);
  if (elapsedMs >= minRateMs && current > 0) {
    parts.push(`${humanSize((current * 1000) / elapsedMs, 3)}/s`);
    if (total !== undefined && total > current) {
      parts.push(`${timeLeft(((total - current) * elapsedMs) / current)} left`);
    }
  }
  return parts.join(", ");
}

/** `1h2m3s`, rounded up to whole seconds. */
function timeLeft(durationMs: number): string {
  const seconds = Math.ceil(durationMs / 1000);
  const minutes = Math.trunc(seconds / 60);
  if (minutes === 0) return `${seconds}s`;
  const hours = Math.trunc(minutes / 60);
  if (hours === 0) return `${minutes}m${seconds % 60}s`;
  return `${hours}h${minutes % 60}m${seconds % 60}s`;
}

/** A line that wraps could not be erased. */
function fit(text: string, columns: number | undefined): string {
  if (columns === undefined || textWidth(text) < columns) return text;
  return text.slice(0, Math.max(0, columns - 1));
}
