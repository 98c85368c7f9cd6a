// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { openSideBySide, type SideBySide } from "./side-by-side.ts";

interface Line {
  readonly line: string;
  /** Events that lade or this version of Docker has fewer of than the other, and why. */
  readonly fewer?: { readonly pattern: RegExp; readonly why: string };
  /** Why the order may differ. */
  readonly unordered?: string;
}

const N = "--network none";

const createdAgain = {
  pattern: /^volume create data /,
  why: "Docker 20.10 tells of a volume that was there already",
};

const volumesAtCopy = {
  pattern: /^volume (mount|unmount) /,
  why: "Docker mounts every volume of a container to copy; lade those that the path leads to",
};

/** What people do, in both programs: both are to tell the same of it. `%` stands for the program. */
const lines: readonly (string | Line)[] = [
  "echo hello > file; tar -cf one.tar file",
  "% import -c 'LABEL a=b' one.tar img:1",
  "% import one.tar",
  "% tag img:1 img:2",
  "% tag img:1 img:1",
  { line: "% save -o saved.tar img:1 img:2 box", unordered: "Docker's order is chance" },
  "% rmi img:2",
  "% rmi img:1",
  "% tag nothing:1 img:3",
  "% volume create data",
  { line: "% volume create data", fewer: createdAgain },
  "% volume create other",
  "% volume rm other",
  `% create ${N} --name c0 box true`,
  "% start c0; % wait c0",
  "% start -a c0",
  {
    line: `% run ${N} --name c1 --label x=y -v data:/data:ro box sh -c 'exit 3'`,
    unordered: "the order of mounts is chance in Docker",
    fewer: createdAgain,
  },
  "% rm c1",
  `% run ${N} --rm --name c2 box true`,
  `% run -d ${N} --name c3 box sleep 1000`,
  "% exec c3 sh -c 'exit 4'",
  "% top c3",
  "% pause c3",
  "% unpause c3",
  "% rename c3 c4",
  "% update --memory 100m --memory-swap 200m c4",
  { line: "% cp file c4:/tmp/", fewer: volumesAtCopy },
  { line: "% cp c4:/tmp/file copied", fewer: volumesAtCopy },
  "% export -o export.tar c4",
  { line: "% commit -m text c4 made:1", unordered: "lade goes on before the layer is stored" },
  "% diff c4",
  "% logs c4",
  "% inspect c4",
  "% kill -s USR1 c4",
  "% restart -t 1 c4",
  "% stop -t 1 c4",
  "% start c4",
  "% kill c4; % wait c4",
  "% rm -v c4",
  `% run -d ${N} --name c5 box sleep 1000`,
  "% rm -f -v c5",
  "% network create --internal n1",
  "% network create --internal n2",
  "% create --name c6 --network n1 box sleep 1000",
  "% network connect n2 c6",
  "% network disconnect n2 c6",
  "% start c6",
  "% network connect n2 c6",
  {
    line: "% network disconnect n2 c6",
    fewer: { pattern: /^network disconnect /, why: "Docker 20.10 tells of it twice" },
  },
  "% rm -f -v c6",
  "% network rm n1",
  "% network prune -f",
  "% container prune -f",
  {
    line: "% volume prune -f",
    fewer: { pattern: /^volume destroy /, why: "Docker 20.10 tells only of the whole" },
  },
  "% rmi made:1",
  "% image prune -f",
];

/** Without what is chance, and what Docker 20.10 does not tell yet. */
function shown(text: string): string[] {
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => {
      const { Type, Action, Actor, scope, status, id, from } = JSON.parse(line);
      const { execDuration: _, reclaimed, ...attributes } = Actor.Attributes;
      const names = Object.keys(attributes).sort();
      const pairs = names.map((name) => `${name}=${attributes[name]}`);
      if (reclaimed !== undefined) pairs.push("reclaimed");
      const old = [status ?? "", id ?? "", from ?? ""].join("|");
      return `${Type} ${Action} ${Actor.ID} (${pairs.join(", ")}) ${scope} ${old}`
        .replaceAll(/\b[0-9a-f]{64}\b/g, "ID")
        .replaceAll("sha256:ID", "DIGEST");
    });
}

describe("what lade and Docker tell of the same commands", () => {
  let both: SideBySide;
  before(async () => {
    both = await openSideBySide("box");
  });
  after(() => both[Symbol.asyncDispose]());

  for (const entry of lines) {
    const line: Line = typeof entry === "string" ? { line: entry } : entry;
    it(line.line, async () => {
      const [lade, docker] = await Promise.all(
        [both.lade, both.docker].map(async (run) => {
          const since = now();
          const { code } = await run(line.line);
          // Docker tells of an end when it gets to it.
          await run("sleep 0.3");
          const { stdout, stderr } = await run(
            `% events --since ${since} --until ${now()} --format '{{json .}}'`,
          );
          assert.equal(stderr, "");
          const events = shown(stdout);
          return { code, events: line.unordered === undefined ? events : events.sort() };
        }),
      );
      assert.ok(lade !== undefined && docker !== undefined);
      assert.equal(lade.code, docker.code);
      const { fewer } = line;
      assert.deepEqual(common(lade.events, fewer), common(docker.events, fewer));
      if (fewer === undefined) return;
      const count = (events: readonly string[]) =>
        events.filter((event) => fewer.pattern.test(event)).length;
      assert.notEqual(count(lade.events), count(docker.events), `no longer so: ${fewer.why}`);
    });
  }
});

function now(): string {
  return (Date.now() / 1000).toFixed(3);
}

function common(events: readonly string[], fewer: Line["fewer"]): readonly string[] {
  return fewer === undefined ? events : events.filter((event) => !fewer.pattern.test(event));
}
