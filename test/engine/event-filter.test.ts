// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { EventDocument } from "../../src/content/events.ts";
import { compileEventFilter } from "../../src/engine/event-filter.ts";

function event(
  Type: EventDocument["Type"],
  Action: string,
  ID: string,
  Attributes: Record<string, string> = {},
): EventDocument {
  return { Type, Action, Actor: { ID, Attributes }, scope: "local", time: 1, timeNano: 1n };
}

const imageId = `sha256:${"ab".repeat(32)}`;

const events: Readonly<Record<string, EventDocument>> = {
  start: event("container", "start", "c0ffee11", { image: "box:1", name: "web", tier: "front" }),
  exec: event("container", "exec_create: sh -c x", "c0ffee11", { image: "box:1", name: "web" }),
  health: event("container", "health_status: healthy", "dead", { image: "r.io/a/b", name: "db" }),
  tag: event("image", "tag", imageId, { name: "box:2", tier: "back" }),
  volume: event("volume", "mount", "webdata", { driver: "local", container: "c0ffee11" }),
  network: event("network", "connect", "beef", { name: "webnet", type: "bridge" }),
};

function matching(...filters: string[]): string[] {
  const isWanted = compileEventFilter(
    filters.map((text) => {
      const at = text.indexOf("=");
      return { key: text.slice(0, at), value: text.slice(at + 1) };
    }),
  );
  return Object.keys(events).filter((name) => isWanted(events[name] as EventDocument));
}

describe("filters of events", () => {
  const all = Object.keys(events);
  const cases: readonly (readonly [filters: string[], expected: string[]])[] = [
    [[], all],
    [["type=container"], ["start", "exec", "health"]],
    [
      ["type=container", "type=image"],
      ["start", "exec", "health", "tag"],
    ],
    [["type=contain"], []],
    [["event=start"], ["start"]],
    [["event=star"], []],
    [
      ["event=start", "event=tag"],
      ["start", "tag"],
    ],
    [["event=exec_create"], ["exec"]],
    [["event=exec_create: sh -c x"], ["exec"]],
    [["event=exec_create: sh"], []],
    [["event=health_status"], ["health"]],
    [["event=health_status: healthy"], ["health"]],
    // One open action makes beginnings of them all.
    [["event=exec_start", "event=sta"], ["start"]],
    [["container=c0ff"], ["start", "exec"]],
    [["container=web"], ["start", "exec", "volume", "network"]],
    [["container=db"], ["health"]],
    [["volume=webdata"], ["volume"]],
    [["network=beef"], ["network"]],
    [["network=webn"], ["network"]],
    [["daemon=nothing"], []],
    [["node=beef"], ["network"]],
    [["image=box"], ["start", "exec", "tag"]],
    [["image=box:1"], ["start", "exec"]],
    [["image=bo"], []],
    [["image=r.io/a/b"], ["health"]],
    [[`image=${imageId}`], ["tag"]],
    [["label=tier"], ["start", "tag"]],
    [["label=tier=front"], ["start"]],
    [
      ["label=tier", "label=name"],
      ["start", "tag"],
    ],
    [["label=tier=front", "label=name=db"], []],
    [["scope=local"], all],
    [["scope=swarm"], []],
    [["type=container", "event=start", "image=box"], ["start"]],
    [["no-such-filter=1"], all],
  ];
  for (const [filters, expected] of cases) {
    it(filters.join(" ") || "none", () => assert.deepEqual(matching(...filters), expected));
  }
});
