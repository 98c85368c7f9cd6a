// SPDX-License-Identifier: Apache-2.0

/**
 * Copies and exports while somebody in the container swaps a folder and a symlink to the host's
 * victim, with one system call each time: a path that is looked at twice is two things.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { join } from "node:path";
import { boxArchive } from "../engine/containers/box.ts";
import { file } from "../fixtures/sample-image.ts";
import { tar } from "../fixtures/tar-builder.ts";
import { type LadeServe, startLadeServe } from "../helpers/lade-serve.ts";
import { requireTool, run } from "../helpers/tools.ts";
import { makeVictim, secret, type Victim } from "./victim.ts";

export interface RaceResult {
  readonly name: string;
  readonly tries: number;
  readonly swaps: number;
  readonly failures: readonly string[];
}

interface Race {
  readonly serve: LadeServe;
  readonly id: string;
  readonly victim: Victim;
  /** The command to run, and what goes before its own words. */
  readonly lade: readonly string[];
}

interface RaceCase {
  readonly name: string;
  /** @returns all bytes that came out of the container */
  attempt(race: Race): Promise<string>;
}

// Through the container's own root, so that its symlinks are the container's.
const swapper = `
import ctypes, os, sys, time
root, end, count = sys.argv[1], time.time() + float(sys.argv[2]), 0
libc = ctypes.CDLL(None, use_errno=True)
a, b = os.fsencode(root + "/w/now"), os.fsencode(root + "/w/link")
folder = os.open(root + "/w", os.O_DIRECTORY)
print("ready", flush=True)
while time.time() < end:
    for _ in range(200):
        if libc.renameat2(folder, b"now", folder, b"link", 2) != 0:
            sys.exit(os.strerror(ctypes.get_errno()))
        count += 1
print(count, flush=True)
`;

const overwritten = tar([file("secret", "OVERWRITTEN"), file("sub/secret", "OVERWRITTEN")]);

async function byCommand({ lade, serve }: Race, ...words: string[]): Promise<string> {
  const [program = "", ...first] = lade;
  const env = { LADE_ROOT: serve.root, LADE_RUN_ROOT: serve.runRoot };
  const { stdout, stderr } = await run(program, [...first, ...words], { env });
  return stdout + stderr;
}

async function byApi(
  { serve }: Race,
  ...request: Parameters<LadeServe["request"]>
): Promise<string> {
  return (await serve.request(...request)).body.toString("latin1");
}

export const raceCases: readonly RaceCase[] = [
  {
    name: "cp out, by the command",
    attempt: (race) => byCommand(race, "cp", `${race.id}:/w/now/sub/secret`, "-"),
  },
  {
    name: "cp in, by the command",
    async attempt(race) {
      const source = join(race.serve.folder, "secret");
      fs.writeFileSync(source, "OVERWRITTEN");
      return byCommand(race, "cp", source, `${race.id}:/w/now/sub/secret`);
    },
  },
  { name: "export, by the command", attempt: (race) => byCommand(race, "export", race.id) },
  {
    name: "GET archive",
    attempt: async (race) =>
      (await byApi(race, "GET", `/containers/${race.id}/archive?path=/w/now/sub/`)) +
      (await byApi(race, "GET", `/containers/${race.id}/archive?path=/w/now/vol/../sub/secret`)) +
      (await byApi(race, "GET", `/containers/${race.id}/archive?path=/w`)),
  },
  {
    name: "PUT archive",
    attempt: async (race) => {
      const put = (path: string) =>
        byApi(race, "PUT", `/containers/${race.id}/archive?path=${path}`, { body: overwritten });
      return (await put("/w/now/")) + (await put("/w/now/sub")) + (await put("/w/now/vol"));
    },
  },
  {
    name: "export, by the API",
    attempt: (race) => byApi(race, "GET", `/containers/${race.id}/export`),
  },
];

export interface RaceOptions {
  readonly millisecondsEach: number;
  /** What Node starts for the command line and for the server; the sources, where undefined. */
  readonly program?: string | undefined;
  readonly stopsEarly?: boolean;
}

/** Runs all cases, one after the other, each against its own swapper. */
export async function raceAll(options: RaceOptions): Promise<RaceResult[]> {
  await using serve = await startLadeServe([], options.program);
  const victim = makeVictim(serve.folder);
  const entry = options.program ?? join(import.meta.dirname, "../../bin/main.ts");
  const lade = [process.execPath, "--disable-warning=ExperimentalWarning", entry];
  const made = await serve.request("POST", "/images/create?fromSrc=-&repo=box&tag=1", {
    body: boxArchive(),
  });
  if (made.status !== 200) throw new Error(made.body.toString());
  const results: RaceResult[] = [];
  // A link that is absolute, and one that climbs.
  const climbing = `${"../".repeat(20)}${victim.path.slice(1)}`;
  for (const target of [victim.path, climbing]) {
    const id = await startSwapped(serve, target);
    for (const one of raceCases) {
      const race = { serve, id, victim, lade };
      results.push(await raceOne(one, race, options.millisecondsEach));
      if (options.stopsEarly && results.at(-1)?.failures.length !== 0) return results;
    }
  }
  return results;
}

async function startSwapped(serve: LadeServe, target: string): Promise<string> {
  const script = `mkdir -p /w/now/sub && echo inside > /w/now/sub/secret && echo inside > /w/now/secret
busybox ln -s ${target} /w/link && touch /ready && sleep 100000`;
  const body = {
    Image: "box:1",
    Cmd: ["sh", "-c", script],
    HostConfig: { NetworkMode: "none", Binds: ["held:/w/now/vol"] },
  };
  const made = await serve.request("POST", "/containers/create", { body });
  const { Id: id } = made.json as { Id: string };
  await serve.request("POST", `/containers/${id}/start`);
  for (let tries = 0; tries < 200; tries++) {
    const { status } = await serve.request("HEAD", `/containers/${id}/archive?path=/ready`);
    if (status === 200) return id;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("the container is not ready");
}

async function raceOne(one: RaceCase, race: Race, milliseconds: number): Promise<RaceResult> {
  const { serve, id, victim } = race;
  const shown = (await serve.request("GET", `/containers/${id}/json`)).json as {
    State: { Pid: number };
  };
  const before = victim.facts();
  const python = requireTool("python3", "python3");
  const root = `/proc/${shown.State.Pid}/root`;
  const child = spawn(python, ["-c", swapper, root, String(milliseconds / 1000)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output: string[] = [];
  child.stdout.setEncoding("utf8").on("data", (text: string) => output.push(text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => output.push(text));
  const closed = once(child, "close");
  await once(child.stdout, "data");
  const failures: string[] = [];
  let tries = 0;
  while (child.exitCode === null && failures.length === 0) {
    const text = await one.attempt(race);
    tries++;
    if (text.includes(secret)) failures.push(`${one.name}: a file of the host came out`);
    if (victim.facts() !== before) failures.push(`${one.name}: the host's folder changed`);
  }
  child.kill();
  await closed;
  const swaps = Number(output.join("").trim().split("\n").at(-1));
  if (failures.length === 0 && !(swaps > 0)) failures.push(`${one.name}: ${output.join("")}`);
  return { name: one.name, tries, swaps: swaps || 0, failures };
}
