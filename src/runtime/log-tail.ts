// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { read } from "../content/file-calls.ts";
import { parseLogLine } from "./log-lines.ts";
import type { LogRecord } from "./types.ts";

type Stream = LogRecord["stream"];

/** Where the last lines of a log begin on each stream; none for a stream without one. */
export type TailStarts = ReadonlyMap<Stream, number>;

const blockSize = 64 * 1024;
const newline = 0x0a;
/** How far back the beginning of a line is looked for among lines of the other stream. */
const longestSearch = 1024 * 1024;

/**
 * Finds where the last so many lines of a log begin, from its end backwards.
 *
 * Lines count by their ends. One that the monitor wrote in parts is there from its first part on,
 * which may lie before earlier ends of lines on the other stream.
 */
export async function findTail(fd: number, count: number): Promise<TailStarts> {
  const starts = new Map<Stream, number>();
  const { size } = fs.fstatSync(fd);
  const open = new Set<Stream>();
  let found = 0;
  let reached = size;
  if (count <= 0) return starts;
  for await (const { line, offset } of linesBackwards(fd, size)) {
    const parsed = parseLogLine(line);
    if (parsed === undefined) continue;
    const { stream, isWhole } = parsed;
    if (found === count) {
      if (isWhole) open.delete(stream);
      if (open.size === 0 || reached - offset > longestSearch) break;
      if (open.has(stream)) starts.set(stream, offset);
      continue;
    }
    // A part ends a line of its own where nothing follows it on its stream.
    if (isWhole || !open.has(stream)) found += 1;
    open.add(stream);
    starts.set(stream, offset);
    reached = offset;
  }
  return starts;
}

interface PlacedLine {
  readonly line: Buffer;
  readonly offset: number;
}

async function* linesBackwards(fd: number, size: number): AsyncGenerator<PlacedLine> {
  // The end of a line whose beginning lies in an earlier block, with its newline.
  let rest: Buffer[] = [];
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - blockSize);
    const block = await readBlock(fd, start, end - start);
    let lineEnd = block.length;
    for (;;) {
      // The last byte is the line's own newline, unless that came with the later block.
      const from = rest.length > 0 ? lineEnd - 1 : lineEnd - 2;
      const before = from < 0 ? -1 : block.lastIndexOf(newline, from);
      if (before < 0) break;
      const line = Buffer.concat([block.subarray(before + 1, lineEnd), ...rest]);
      rest = [];
      if (line.at(-1) === newline) yield { line, offset: start + before + 1 };
      lineEnd = before + 1;
    }
    rest.unshift(block.subarray(0, lineEnd));
    end = start;
  }
  const first = Buffer.concat(rest);
  if (first.at(-1) === newline) yield { line: first, offset: 0 };
}

async function readBlock(fd: number, offset: number, size: number): Promise<Buffer> {
  const block = Buffer.allocUnsafe(size);
  let done = 0;
  while (done < size) {
    const bytesRead = await read(fd, block.subarray(done), offset + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return block.subarray(0, done);
}
