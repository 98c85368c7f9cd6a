// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import type { CreateContainerOptions } from "../../../src/engine/container-types.ts";
import { run as runTool } from "../../helpers/tools.ts";
import { run } from "../fake-context.ts";
import { badCases, caseFiles, goodCases } from "./cases.ts";
import { dockerClients, type FakeDaemon, startFakeDaemon } from "./fake-daemon.ts";

let daemon: FakeDaemon;
const folder = mkdtempSync(join(tmpdir(), "lade-docker-client-"));
const home = process.cwd();

before(async () => {
  daemon = await startFakeDaemon();
  for (const [name, content] of Object.entries(caseFiles)) {
    writeFileSync(join(folder, name), content);
  }
  process.chdir(folder);
});

after(async () => {
  process.chdir(home);
  await daemon[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

async function lade(args: readonly string[]) {
  let body: object | undefined;
  const createContainer = async (_engine: unknown, options: CreateContainerOptions) => {
    body = options.body;
    return { id: "a".repeat(64), warnings: [] };
  };
  const env = { FROM_ENV: "inherited" };
  return { ...(await run(["create", ...args], { useCases: { createContainer }, env })), body };
}

/** Members in which an empty object or list says something. */
const telling = new Set(["MaskedPaths", "ReadonlyPaths", "Init", "StopTimeout"]);
const sets = new Set(["ExposedPorts", "Volumes", "EndpointsConfig", "PortBindings"]);

/** The value without Go's zero values and without what a client says only because it must. */
function plain(value: unknown, name = "", isInSet = false): unknown {
  if (telling.has(name) && value !== null) return value;
  if (Array.isArray(value)) {
    if (name === "ConsoleSize" || value.length === 0) return undefined;
    const items = value.map((item) => plain(item, "", true));
    // Docker's client gathers these in maps, which have no order.
    return name === "Binds" || name === "Env" ? items.sort() : items;
  }
  if (typeof value === "object" && value !== null) return plainObject(value, name, isInSet);
  if (name === "MemorySwappiness" && value === -1) return undefined;
  return isInSet || value ? value : undefined;
}

function plainObject(value: object, name: string, isInSet: boolean): unknown {
  const members = Object.entries(value)
    .map(([key, member]) => [key, plain(member, key, sets.has(name))] as const)
    .filter(([, member]) => member !== undefined)
    .sort(([left], [right]) => (left < right ? -1 : 1));
  // Older clients don't name the network that nobody asked for.
  const isDefault = name === "EndpointsConfig" && isDeepStrictEqual(members, [["default", {}]]);
  if (isDefault || (members.length === 0 && !isInSet)) return undefined;
  return Object.fromEntries(members);
}

/** Runs some at once: a client takes a while to start. */
async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = [...items].reverse();
  const worker = async () => {
    for (let item = rest.pop(); item !== undefined; item = rest.pop()) await work(item);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
}

async function isRecent(client: string): Promise<boolean> {
  const { stdout } = await runTool(client, ["--version"]);
  return Number(/version (\d+)/.exec(stdout)?.[1]) >= 28;
}

/** What clients before 28 leave to the daemon: paths from here, addresses, and how to write capabilities. */
const laterForms = /^-v \.|src=\.|mac-address|^--ip |^--cap-/;

for (const client of dockerClients()) {
  test(`bodies are those of ${client}`, async () => {
    const recent = await isRecent(client);
    let compared = 0;
    await inParallel(goodCases, async (args) => {
      const line = args.join(" ");
      const theirs = await daemon.run(client, args, folder);
      const ours = await lade(args);
      assert.equal(ours.stderr, "", line);
      if (!recent && (theirs.code !== 0 || laterForms.test(line))) return;
      assert.equal(theirs.code, 0, `${line}: ${theirs.stderr}`);
      assert.deepEqual(plain(ours.body), plain(theirs.body), line);
      compared++;
    });
    assert.ok(compared > 120, `only ${compared} lines compared`);
  });

  test(`lines that ${client} refuses are refused`, async () => {
    const recent = await isRecent(client);
    await inParallel(badCases, async (args) => {
      const line = args.join(" ");
      const ours = await lade(args);
      assert.equal(ours.code, 125, line);
      assert.equal(ours.body, undefined, line);
      // The words have changed a lot over time.
      if (!recent) return;
      const theirs = await daemon.run(client, args, folder);
      assert.equal(ours.stderr, theirs.stderr.replaceAll("docker", "lade"), line);
      assert.equal(theirs.code, 125, line);
    });
  });
}
