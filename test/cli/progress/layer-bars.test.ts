// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { layerBars } from "../../../src/cli/progress/layer-bars.ts";

const idA = `sha256:bacd3af13903${"a".repeat(52)}`;
const idB = `sha256:0123456789ab${"b".repeat(52)}`;

function bars(columns: number) {
  const written: string[] = [];
  const clock = { nowMs: 0 };
  const output = { isTerminal: true, columns, write: (text: string) => void written.push(text) };
  const { onProgress } = layerBars(output, () => clock.nowMs);
  const layer = (id: string, current: number, total?: number) => {
    written.length = 0;
    onProgress({ type: "layer", action: "load", id, current, total });
    return written.join("");
  };
  return { clock, layer };
}

test("draws Docker's bar and numbers in Docker's way", () => {
  const { clock, layer } = bars(120);
  assert.equal(
    layer(idA, 557_100, 55_560_000),
    "\n\u001b[1A\u001b[2K\rbacd3af13903: Loading layer " +
      `[>${" ".repeat(50)}]  557.1kB/55.56MB\r\u001b[1B`,
  );
  clock.nowMs = 100;
  assert.equal(
    layer(idA, 27_780_000, 55_560_000),
    "\u001b[1A\u001b[2K\rbacd3af13903: Loading layer " +
      `[${"=".repeat(25)}>${" ".repeat(25)}]  27.78MB/55.56MB\r\u001b[1B`,
  );
});

test("draws each layer on its own line", () => {
  const { layer } = bars(80);
  layer(idA, 1, 2);
  assert.equal(
    layer(idB, 2, 2),
    "\n\u001b[1A\u001b[2K\r0123456789ab: Loading layer       2B/2B\r\u001b[1B",
  );
  assert.equal(
    layer(idA, 2, 2),
    "\u001b[2A\u001b[2K\rbacd3af13903: Loading layer       2B/2B\r\u001b[2B",
  );
});

test("draws ten times a second at most, but always the end", () => {
  const { clock, layer } = bars(80);
  layer(idA, 1, 100);
  clock.nowMs = 99;
  assert.equal(layer(idA, 50, 100), "");
  assert.notEqual(layer(idA, 100, 100), "");
  clock.nowMs = 250;
  assert.notEqual(layer(idA, 100, 100), "");
});

test("shows names of members and lengths that are not known", () => {
  const { layer } = bars(120);
  assert.ok(
    layer("a\u001b/layer.tar", 5000).includes("\ra\\x1b/layer.tar: Loading layer      5kB\r"),
  );
});

test("shortens the digest in a member's name, and lines that would wrap", () => {
  const { layer } = bars(30);
  assert.ok(layer(`blobs/sha256/${"ab".repeat(32)}`, 5).includes("\rabababababab: Loading layer "));
  assert.ok(layer(`${"x".repeat(50)}`, 5).includes(`\r${"x".repeat(29)}…\r`));
});
