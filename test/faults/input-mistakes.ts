// SPDX-License-Identifier: Apache-2.0

/** Checks of names, digests and limits that are taken out, and what must miss them. */

import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { docker25 } from "../fixtures/docker-oci.ts";
import { escapingLayers } from "../fixtures/escaping-layers.ts";
import { hostileArchives } from "../fixtures/hostile.ts";
import { run } from "../helpers/tools.ts";
import { auditFiles } from "./file-audit.ts";
import { type Finding, type Mistake, notFound, proofOf } from "./proof.ts";
import { raceAll } from "./swap-race.ts";

type Harness = "swapped folders" | "file audit" | "bit rot" | { readonly row: string };

interface InputMistake extends Mistake {
  readonly by: Harness;
}

const layerPath = "src/tar/layer-path.ts";

const followedLinks: Mistake["replacements"] = [
  {
    file: "src/sys/file.ts",
    find: "flags | closeOnExec | fs.constants.O_NOFOLLOW;",
    replace: "flags | closeOnExec;",
  },
];

const mistakes: readonly InputMistake[] = [
  {
    name: "a name that climbs out of a layer is taken",
    by: { row: "P1" },
    replacements: [
      {
        file: layerPath,
        find: "} else if (parts.pop() === undefined) {",
        replace: "} else if (parts.pop() === undefined && parts.length > 0) {",
      },
    ],
  },
  {
    name: "a whiteout of the folder itself is taken",
    by: { row: "W1" },
    replacements: [
      {
        file: layerPath,
        find: 'if (hidden === "" || hidden === "." || hidden === "..") {',
        replace: 'if (hidden === "x") {',
      },
    ],
  },
  {
    name: "a layer's digest is not checked",
    by: { row: "A3" },
    replacements: [
      {
        file: "src/engine/take-layers.ts",
        find: "  for (const layer of group.layers) checkDigests(layer, staged);\n",
        replace: "",
      },
    ],
  },
  {
    name: "a pax header may be of any size",
    by: { row: "T8" },
    replacements: [
      {
        file: "src/tar/scanner.ts",
        find: "if (header.size > limits.tarExtensionSize) {",
        replace: "if (header.size > 1e15) {",
      },
    ],
  },
  {
    name: "a symlink of a container is followed on the host",
    by: "swapped folders",
    replacements: followedLinks,
  },
  {
    name: "a symlink of a container is followed on the host",
    by: "file audit",
    replacements: followedLinks,
  },
  {
    name: "a path of a container may leave its root",
    by: "file audit",
    replacements: [
      {
        file: "src/sys/file.ts",
        find: "resolve: inRoot | noMagicLinks",
        replace: "resolve: noMagicLinks",
      },
    ],
  },
  {
    name: "a blob that changed is not hashed again",
    by: "bit rot",
    replacements: [
      {
        file: "src/content/blobs.ts",
        find: "  if ((await hashIfThere(path, signal)) !== digest) return false;\n",
        replace: "",
      },
    ],
  },
];

async function look({ by }: InputMistake, program: string): Promise<Finding> {
  const found = await findBy(by, program);
  const harness = typeof by === "string" ? by : `hostile archives, row ${by.row}`;
  return { cells: [harness, found === undefined ? notFound : "found"], found };
}

/** @returns the first thing that went wrong */
async function findBy(by: Harness, program: string): Promise<string | undefined> {
  if (by === "swapped folders") {
    const results = await raceAll({ millisecondsEach: 4000, program, stopsEarly: true });
    return results.flatMap(({ failures }) => failures)[0];
  }
  if (by === "file audit") return await findTouched(program);
  const folder = fs.mkdtempSync(join(tmpdir(), "lade-proof-"));
  try {
    return by === "bit rot"
      ? await findRot(folder, program)
      : await findLoaded(folder, program, by.row);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** A call that reached the folder outside, else one that could. */
async function findTouched(program: string): Promise<string | undefined> {
  const takes = (layer: number) => /^P(3|10)\b/.test(escapingLayers[layer]?.row ?? "");
  const failures = (await auditFiles({ program, takes })).flatMap((way) => way.failures);
  return failures.find((failure) => failure.includes("was reached")) ?? failures[0];
}

function ladeIn(folder: string, program: string) {
  const env = { LADE_ROOT: join(folder, "store"), LADE_RUN_ROOT: join(folder, "run") };
  const words = ["--disable-warning=ExperimentalWarning", program];
  return (...args: string[]) => run(process.execPath, [...words, ...args], { env });
}

/** An archive that must be refused, and is not, or by a mistake in lade only. */
async function findLoaded(
  folder: string,
  program: string,
  row: string,
): Promise<string | undefined> {
  const lade = ladeIn(folder, program);
  const path = join(folder, "image.tar");
  for (const { name, build } of hostileArchives.filter((one) => one.row === row)) {
    fs.writeFileSync(path, build());
    const { code, stderr } = await lade("load", "-i", path);
    if (code === 0) return `loaded: ${name}`;
    if (/mistake in lade|bug/i.test(stderr)) return `${name}: ${stderr.slice(0, 200)}`;
  }
  return undefined;
}

/** A save of what is damaged, which must fail, or a load that must heal it. */
async function findRot(folder: string, program: string): Promise<string | undefined> {
  const lade = ladeIn(folder, program);
  const path = join(folder, "image.tar");
  const out = join(folder, "out.tar");
  fs.writeFileSync(path, docker25().archive);
  await lade("load", "-i", path);
  const blobs = join(folder, "store/blobs/sha256");
  for (const name of fs.readdirSync(blobs)) {
    const blob = join(blobs, name);
    const bytes = fs.readFileSync(blob);
    bytes[Math.floor(bytes.length / 2)] = ((bytes[Math.floor(bytes.length / 2)] ?? 0) + 1) % 256;
    fs.chmodSync(blob, 0o600);
    fs.writeFileSync(blob, bytes);
    if ((await lade("load", "-i", path)).code !== 0) return `a load failed over ${name}`;
    if ((await lade("system", "check")).code !== 0) return `a load did not heal ${name}`;
    if ((await lade("save", "-o", out, "demo:1")).code !== 0) return `a save failed: ${name}`;
    fs.rmSync(out, { force: true });
  }
  return undefined;
}

export const inputProof = proofOf({
  goals: ["G5", "G10", "G12"],
  name: "proof-input",
  title: "Mistakes that were planted for G5, G10 and G12",
  head: ["harness", "found"],
  mistakes,
  look,
});
