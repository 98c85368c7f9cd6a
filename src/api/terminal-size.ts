// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import type { TerminalSize } from "../engine/container-types.ts";
import { goQuote } from "../spec/go-quote.ts";
import type { Query } from "./query.ts";

const largest = 2 ** 32 - 1;

/** The size in a request for resizing. @throws LadeError API_INVALID, in dockerd's words */
export function terminalSize(query: Query): TerminalSize {
  return { rows: read(query, "h", "height"), columns: read(query, "w", "width") };
}

function read(query: Query, name: string, word: string): number {
  const text = query.text(name);
  const fail = (reason: string) =>
    new LadeError("API_INVALID", `invalid resize ${word} ${goQuote(text)}: ${reason}`);
  if (!/^-?\d+$/.test(text)) throw fail("invalid syntax");
  const value = Number(text);
  if (text.startsWith("-") || value > largest) throw fail("value out of range");
  return value;
}
