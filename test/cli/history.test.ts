// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import type { HistoryItem } from "../../src/engine/types.ts";
import { idA, run } from "./fake-context.ts";

const items: HistoryItem[] = [
  {
    id: idA,
    created: "2026-03-15T11:59:00.9Z",
    createdBy: 'CMD ["sh"]',
    size: 0,
    comment: "buildkit",
    tags: ["hello:v1"],
  },
  {
    id: "<missing>",
    created: "1970-01-01T00:00:01Z",
    createdBy: `/bin/sh -c\tapt-get update && ${"x".repeat(40)}`,
    size: 75272345,
    comment: "",
    tags: [],
  },
];

async function history(...argv: string[]) {
  return await run(["history", ...argv, "hello"], {
    useCases: { imageHistory: async () => items },
  });
}

test("history shows Docker's table", async () => {
  assert.equal(
    (await history()).stdout,
    [
      "IMAGE          CREATED              CREATED BY                                      SIZE      COMMENT",
      '5be1fe893c14   About a minute ago   CMD ["sh"]                                      0B        buildkit',
      "<missing>      N/A                  /bin/sh -c apt-get update && xxxxxxxxxxxxxxx…   75.3MB    ",
      "",
    ].join("\n"),
  );
});

test("history -H=false shows dates and bytes as they are", async () => {
  const lines = (await history("-H=false")).stdout.split("\n");
  assert.match(lines[0] as string, /^IMAGE {10}CREATED AT {13}CREATED BY/);
  assert.match(lines[1] as string, /^5be1fe893c14 {3}2026-03-15T11:59:00Z {3}CMD/);
  assert.match(lines[2] as string, /^<missing> {6}1970-01-01T00:00:01Z .* 75272345 {3}$/);
});

test("history --no-trunc shows everything", async () => {
  const { stdout } = await history("--no-trunc");
  assert.ok(stdout.includes(idA));
  assert.ok(stdout.includes("x".repeat(40)));
});

test("history -q and --format json", async () => {
  assert.equal((await history("-q")).stdout, "5be1fe893c14\n<missing>\n");
  assert.equal(
    (await history("--format", "json")).stdout.split("\n")[0],
    '{"Comment":"buildkit","CreatedAt":"2026-03-15T11:59:00Z","CreatedBy":"CMD [\\"sh\\"]",' +
      '"CreatedSince":"About a minute ago","ID":"5be1fe893c14","Size":"0B"}',
  );
});

test("history keeps the lines of a step for programs, and shows them escaped in tables", async () => {
  const step = [{ ...(items[0] as HistoryItem), createdBy: "RUN <<EOF\necho\nEOF" }];
  const useCases = { imageHistory: async () => step };
  const raw = await run(["history", "--format", "{{.CreatedBy}}", "x"], { useCases });
  assert.equal(raw.stdout, "RUN <<EOF\necho\nEOF\n");
  const table = await run(["history", "x"], { useCases });
  assert.ok(table.stdout.includes("RUN <<EOF\\necho\\nEOF"));
});

test("history hands the platform over only where one is given", async () => {
  const got: unknown[] = [];
  const imageHistory = async (_engine: unknown, name: string, options: unknown) => {
    got.push([name, options]);
    return [];
  };
  await run(["history", "x"], { useCases: { imageHistory } });
  await run(["image", "history", "--platform", "linux/arm64", "x"], { useCases: { imageHistory } });
  assert.deepEqual(got, [
    ["x", {}],
    ["x", { platform: "linux/arm64" }],
  ]);
});
