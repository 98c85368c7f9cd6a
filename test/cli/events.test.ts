// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LadeError } from "../../src/base/errors.ts";
import type { EventMessage, EventsOptions } from "../../src/engine/events.ts";
import { type FakeOptions, run } from "./fake-context.ts";

const die: EventMessage = {
  status: "die",
  id: "c0ffee",
  from: "box:1",
  Type: "container",
  Action: "die",
  Actor: { ID: "c0ffee", Attributes: { exitCode: "3", image: "box:1", name: "<web>" } },
  scope: "local",
  time: 1_774_000_000,
  timeNano: 1_774_000_000_000_000_042n,
};

const prune: EventMessage = {
  Type: "volume",
  Action: "prune",
  Actor: { ID: "", Attributes: {} },
  scope: "local",
  time: 1_774_000_001,
  timeNano: 1_774_000_001_500_000_000n,
};

async function events(args: readonly string[], options: FakeOptions = {}) {
  const asked: EventsOptions[] = [];
  const result = await run(["events", ...args], {
    ...options,
    useCases: {
      async *watchEvents(_engine: unknown, wanted: EventsOptions) {
        asked.push(wanted);
        yield die;
        yield prune;
      },
    },
  });
  return { ...result, asked: asked[0] };
}

describe("lade events", () => {
  it("prints Docker's lines, in local time with all digits", async () => {
    const { stdout, code, closed } = await events([]);
    assert.equal(
      stdout,
      "2026-03-20T09:46:40.000000042Z container die c0ffee (exitCode=3, image=box:1, name=<web>)\n" +
        "2026-03-20T09:46:41.500000000Z volume prune \n",
    );
    assert.deepEqual([code, closed], [0, 1]);
    const west = await events([], { zone: { offset: "-0330", name: "NST" } });
    assert.match(west.stdout, /^2026-03-20T06:16:40\.000000042-03:30 /);
    const east = await events([], { zone: { offset: "+0200", name: "CEST" } });
    assert.match(east.stdout, /^2026-03-20T11:46:40\.000000042\+02:00 /);
  });

  it("is the same as `system events`", async () => {
    const { stdout, stderr } = await run(["system", "events", "--help"]);
    assert.match(stdout + stderr, /Print what happens to images/);
  });

  it("writes JSON as Docker does, also by a template", async () => {
    const expected =
      '{"status":"die","id":"c0ffee","from":"box:1","Type":"container","Action":"die","Actor":{"ID":"c0ffee","Attributes":{"exitCode":"3","image":"box:1","name":"<web>"}},"scope":"local","time":1774000000,"timeNano":1774000000000000042}\n' +
      '{"Type":"volume","Action":"prune","Actor":{"ID":"","Attributes":{}},"scope":"local","time":1774000001,"timeNano":1774000001500000000}\n';
    assert.equal((await events(["--format", "json"])).stdout, expected);
    assert.equal((await events(["--format", "{{json .}}"])).stdout, expected);
  });

  it("gives templates the fields of Docker's type", async () => {
    const fields =
      '{{.Status}}|{{.ID}}|{{.From}}|{{.Type}}|{{.Action}}|{{.Actor.ID}}|{{.Actor.Attributes.exitCode}}|{{index .Actor.Attributes "nope"}}|{{.Scope}}|{{.Time}}|{{.TimeNano}}';
    const { stdout } = await events(["--format", fields]);
    assert.equal(
      stdout,
      "die|c0ffee|box:1|container|die|c0ffee|3||local|1774000000|1774000000000000042\n" +
        "|||volume|prune||<no value>||local|1774000001|1774000001500000000\n",
    );
  });

  it("refuses a template that no event fits, before it opens the store", async () => {
    const unknown = await events(["--format", "{{.Nope}}"]);
    assert.equal(
      unknown.stderr,
      `Error parsing format: template: :1:2: executing "" at <.Nope>: can't evaluate field Nope in type *events.Message\n`,
    );
    const open = await events(["--format", "{{.ID"]);
    assert.equal(open.stderr, "Error parsing format: template: :1: unclosed action\n");
    for (const { code, opened } of [unknown, open]) {
      assert.equal(code, 64);
      assert.deepEqual(opened, []);
    }
  });

  it("hands on times and filters", async () => {
    const { asked } = await events([
      ...["--since", "10m", "--until", "2026-03-15T12:00:00.5Z"],
      ...["-f", "type=container", "--filter", "Event=die"],
    ]);
    const nowNs = BigInt(Date.parse("2026-03-15T12:00:00Z")) * 1_000_000n;
    assert.equal(asked?.sinceNs, nowNs - 600_000_000_000n);
    assert.equal(asked?.untilNs, nowNs + 500_000_000n);
    assert.deepEqual(asked?.filters, [
      { key: "type", value: "container" },
      { key: "event", value: "die" },
    ]);
    const open = await events([]);
    assert.deepEqual([open.asked?.sinceNs, open.asked?.untilNs], [undefined, undefined]);
  });

  it("refuses what is no time or filter, and operands", async () => {
    const time = await events(["--since", "abc"]);
    assert.match(time.stderr, /^failed to parse value as time or duration: "abc"\n/);
    assert.deepEqual([time.code, time.opened], [1, []]);
    const filter = await events(["-f", "x"]);
    assert.match(filter.stderr, /bad format of filter \(expected name=value\)/);
    assert.equal(filter.code, 125);
    assert.equal((await events(["x"])).code, 1);
  });

  it("tells of an end before the beginning as Docker's daemon does", async () => {
    const message = "`since` time (5) cannot be after `until` time (1)";
    const { stderr, code } = await run(["events"], {
      useCases: {
        // biome-ignore lint/correctness/useYield: it fails before
        async *watchEvents() {
          throw new LadeError("FILTER_INVALID", message);
        },
      },
    });
    assert.deepEqual([stderr, code], [`Error response from daemon: ${message}\n`, 1]);
  });

  it("ends with Docker's exit code on Ctrl-C", async () => {
    const controller = new AbortController();
    const { code, stdout, stderr } = await run(["events"], {
      interrupt: { controller, signalNumber: 2 },
      useCases: {
        async *watchEvents(_engine: unknown, { signal }: EventsOptions) {
          yield die;
          controller.abort();
          signal?.throwIfAborted();
        },
      },
    });
    assert.deepEqual([code, stderr], [130, ""]);
    assert.match(stdout, /container die/);
  });

  it("shows nothing that drives a terminal", async () => {
    const evil = { ...die, Actor: { ID: "c0", Attributes: { name: "\u001b[2J" } } };
    const { stdout } = await run(["events"], {
      stdout: { isTerminal: true },
      useCases: {
        async *watchEvents() {
          yield evil;
        },
      },
    });
    assert.ok(!stdout.includes("\u001b"), stdout);
  });
});
