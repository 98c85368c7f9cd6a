// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import * as v from "valibot";
import { requireTool, run } from "../helpers/tools.ts";
import { openLoadedTarget, type Target } from "./target.ts";

/** Debian's own: another Python may come first on PATH, which has no docker-py or another one. */
const python = requireTool("/usr/bin/python3", "python3-docker");
const script = join(import.meta.dirname, "docker_py/run.py");

const Case = v.tuple([v.string(), v.string()]);

const cases = execFileSync(python, ["-B", script, "--list"], { encoding: "utf8" })
  .trimEnd()
  .split("\n")
  .map((line) => v.parse(Case, JSON.parse(line)));

describe("docker-py", () => {
  let target: Target;
  before(async () => {
    target = await openLoadedTarget();
  });
  after(() => target[Symbol.asyncDispose]());

  for (const [name, title] of cases) {
    it(title, async () => {
      const { code, stdout, stderr } = await run(python, ["-B", script, target.archive, name], {
        env: { DOCKER_HOST: target.host },
        timeoutMs: 120_000,
      });
      assert.equal(code, 0, `${name}: exit ${code}\n${stdout}${stderr.slice(-3000)}`);
    });
  }
});
