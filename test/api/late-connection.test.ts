// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LateConnection } from "../../src/api/late-connection.ts";

const all = { stdin: true, stdout: true, stderr: true };

describe("a connection that comes late", () => {
  it("has output wait for it", async () => {
    const late = new LateConnection(all);
    const written: string[] = [];
    const first = late.streams.stdout?.(Buffer.from("one"));
    late.isFramed = false;
    late.open({
      input: (async function* () {
        yield Buffer.from("typed");
      })(),
      write: async (bytes) => void written.push(Buffer.from(bytes).toString()),
      gone: new AbortController().signal,
    });
    await first;
    await late.streams.stderr?.(Buffer.from("two"));
    assert.deepEqual(written, ["one", "two"]);
    const typed: string[] = [];
    for await (const bytes of late.streams.stdin ?? []) typed.push(String(bytes));
    assert.deepEqual(typed, ["typed"]);
  });

  it("holds nobody up whose client left before", async () => {
    const late = new LateConnection(all);
    const output = late.streams.stdout?.(Buffer.from("one"));
    const input = late.streams.stdin?.[Symbol.asyncIterator]().next();
    late.abandon();
    for (const waiting of [output, input, late.streams.stderr?.(Buffer.from("two"))]) {
      await assert.rejects(Promise.resolve(waiting), { code: "PIPE_CLOSED" });
    }
  });
});
