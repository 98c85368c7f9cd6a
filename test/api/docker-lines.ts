// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Line, Scenario } from "../e2e/parity-scenarios.ts";
import { type ApiPair, openApiPair } from "../helpers/api-pair.ts";
import { type RunResult, run } from "../helpers/tools.ts";

const timeoutMs = 60_000;

/** What is chance, and where the words of Docker 20.10's daemon differ from those of later ones. */
const chance: readonly (readonly [RegExp, string])[] = [
  [/\b[0-9a-f]{64}\b/g, "ID"],
  [/\b[0-9a-f]{12}\b/g, "SHORT"],
  [/10\.9[89]\./g, "10.SUBNET."],
  [/\bcwd-docker\b/g, "cwd-lade"],
  [/\bContainer (ID|one|two) is (not running|already paused|not paused)/g, "container $1 is $2"],
  [/\bCannot kill container\b/g, "cannot kill container"],
  [/\bInvalid filter\b/g, "invalid filter"],
  [/Invalid container name \(\//g, "Invalid container name ("],
  [/ network \n/g, " network\n"],
];

function outcome({ stdout, stderr, code }: RunResult, line: Line): object {
  if (line.differs !== undefined) return { code };
  const plain = (text: string) => {
    const so = chance.reduce((value, [from, to]) => value.replaceAll(from, to), text);
    return line.isUnordered === true ? so.split("\n").sort().join("\n") : so;
  };
  return { code, stdout: plain(stdout), stderr: plain(stderr) };
}

/** Tests that Debian's docker command says the same of lade and of Docker, line by line. */
export function testDockerCommand(title: string, scenarios: readonly Scenario[]): void {
  describe(title, () => testLines(scenarios));
}

function testLines(scenarios: readonly Scenario[]): void {
  let pair: ApiPair;
  before(async () => {
    pair = await openApiPair("box");
  });
  after(() => pair[Symbol.asyncDispose]());

  function type(line: string, program: "lade" | "docker"): Promise<RunResult> {
    const cwd = join(pair.serve.folder, `cwd-${program}`);
    mkdirSync(cwd, { recursive: true });
    const host = program === "lade" ? pair.serve.host : pair.dockerHost;
    const subnet = program === "lade" ? "98" : "99";
    const words = line.replaceAll("%", `/usr/bin/docker -H ${host}`).replaceAll("SUBNET", subnet);
    return run("/bin/bash", ["-o", "pipefail", "-c", words], {
      cwd,
      env: { LC_ALL: "C", TZ: "UTC", HOME: pair.serve.folder },
      timeoutMs,
    });
  }

  for (const { title, lines } of scenarios) {
    describe(title, () => {
      for (const entry of lines) {
        const line: Line = typeof entry === "string" ? { line: entry } : entry;
        it(line.line, async () => {
          const [docker, lade] = await Promise.all([
            type(line.line, "docker"),
            type(line.line, "lade"),
          ]);
          assert.deepEqual(outcome(lade, line), outcome(docker, line));
        });
      }
    });
  }
}
