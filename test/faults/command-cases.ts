// SPDX-License-Identifier: Apache-2.0

/** Each command that writes, with a store to run it on. */

import { appendFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { dir, file, sampleLayer, symlink } from "../fixtures/sample-image.ts";
import { requireTool } from "../helpers/tools.ts";
import { type Archives, makeArchives } from "./archives.ts";

export interface CaseFiles {
  readonly archives: Archives;
  /** The tar of a root with a shell. */
  readonly box: string;
  /** A folder for what commands write outside the store. */
  readonly out: string;
}

export interface CommandCase {
  readonly name: string;
  /** Commands that make the store first; none: the command makes it. */
  readonly before: (files: CaseFiles) => readonly (readonly string[])[];
  /** What is done to the store's files then. */
  readonly spoil?: (root: string) => void;
  readonly args: (files: CaseFiles) => readonly string[];
  /** A file that comes through a pipe. */
  readonly stdin?: (files: CaseFiles) => string;
  /** Commands after the same one again, that sweep what killed ones leave. */
  readonly sweep?: readonly (readonly string[])[];
  /** What else may be there: as after this command. */
  readonly between?: readonly string[];
}

const load = (files: CaseFiles, ...indexes: readonly number[]) =>
  indexes.map((index) => ["load", "-q", "-i", files.archives.images[index]?.path ?? ""]);
const importBox = ({ box }: CaseFiles) => ["import", box, "box:1"];
const boxArgs = (name: string) =>
  `--name ${name} --network none box:1 /bin/sh -c`.split(" ").concat("exit 0");
const makeBox = ["create", ...boxArgs("made")];
const copyIn = (files: CaseFiles) => ["cp", "-q", files.archives.files[0] ?? "", "made:/copied"];
const withBox = (files: CaseFiles) => [importBox(files), makeBox, copyIn(files)];
const pruneContainers = [["container", "prune", "-f"]];

/** Has `system check --repair` make an index, an EROFS image and a tar again. */
function spoil(root: string): void {
  const indexes = join(root, "indexes/sha256");
  const names = readdirSync(indexes).sort();
  const index = names.find((name) => !name.endsWith(".erofs"));
  const erofs = names.find((name) => name.endsWith(".erofs") && !name.startsWith(index ?? "-"));
  if (index === undefined || erofs === undefined) throw new Error("the store has two layers");
  rmSync(join(indexes, index));
  appendFileSync(join(indexes, erofs), "more");
}

export const commandCases: readonly CommandCase[] = [
  {
    name: "load, into a new store",
    before: () => [],
    args: (files) => load(files, 1)[0] ?? [],
  },
  {
    name: "load, plain",
    before: (files) => load(files, 1),
    args: (files) => load(files, 0)[0] ?? [],
  },
  {
    name: "load, from a pipe",
    before: (files) => load(files, 1),
    args: () => ["load", "-q"],
    stdin: ({ archives }) => archives.images[2]?.path ?? "",
  },
  {
    name: "load, another image of the name",
    before: (files) => load(files, 0, 2),
    args: (files) => load(files, 3)[0] ?? [],
  },
  {
    name: "import",
    before: (files) => load(files, 0),
    args: ({ archives }) => ["import", archives.trees[0] ?? "", "tree:1"],
  },
  { name: "tag", before: (files) => load(files, 0), args: () => ["tag", "app0:1", "other:1"] },
  { name: "rmi", before: (files) => load(files, 0, 1), args: () => ["rmi", "app1:1"] },
  {
    name: "image prune",
    before: (files) => load(files, 0, 1, 2, 3),
    args: () => ["image", "prune", "-a", "-f"],
  },
  {
    name: "save",
    before: (files) => load(files, 0, 1),
    args: ({ out }) => ["save", "-o", join(out, "saved.tar"), "app0:1", "app1:1"],
  },
  {
    name: "system check --repair",
    before: (files) => load(files, 0, 1),
    spoil,
    args: () => ["system", "check", "--repair"],
  },
  {
    name: "create",
    before: (files) => [importBox(files)],
    args: () => [...makeBox.slice(0, 5), "-v", "new:/etc", "-v", "/data", ...makeBox.slice(5)],
    sweep: pruneContainers,
  },
  { name: "cp", before: withBox, args: copyIn, sweep: pruneContainers },
  {
    name: "commit",
    before: withBox,
    args: () => ["commit", "made", "committed:1"],
    sweep: pruneContainers,
  },
  { name: "rm", before: withBox, args: () => ["rm", "made"], sweep: pruneContainers },
  {
    name: "container prune",
    before: withBox,
    args: () => pruneContainers[0] ?? [],
  },
  {
    name: "volume create",
    before: (files) => load(files, 0),
    args: () => ["volume", "create", "vol"],
  },
  {
    name: "volume rm",
    before: (files) => [...load(files, 0), ["volume", "create", "vol"]],
    args: () => ["volume", "rm", "vol"],
    sweep: [
      ["volume", "create", "other"],
      ["volume", "rm", "other"],
    ],
  },
  {
    name: "network create",
    before: (files) => load(files, 0),
    args: () => ["network", "create", "--subnet", "10.231.0.0/24", "n"],
  },
  {
    name: "network rm",
    before: (files) => [...load(files, 0), ["network", "create", "--subnet", "10.231.0.0/24", "n"]],
    args: () => ["network", "rm", "n"],
  },
  {
    name: "run --rm",
    before: (files) => [importBox(files)],
    args: () => ["run", "--rm", ...boxArgs("ran")],
    between: ["create", "--rm", ...boxArgs("ran")],
    sweep: pruneContainers,
  },
  {
    name: "start",
    before: withBox,
    args: () => ["start", "-a", "made"],
    sweep: pruneContainers,
  },
];

export function makeCaseFiles(folder: string): CaseFiles {
  const box = join(folder, "box.tar");
  const busybox = readFileSync(requireTool("busybox", "busybox-static"));
  const { tar } = sampleLayer([
    dir("bin/"),
    { ...file("bin/busybox", busybox), mode: 0o755 },
    symlink("bin/sh", "busybox"),
    dir("etc/"),
    file("etc/passwd", "root:x:0:0::/:/bin/sh\n"),
    dir("data/"),
    file("data/file", "from the image\n"),
  ]);
  writeFileSync(box, tar);
  return {
    archives: makeArchives(folder, [4000, 3000, 9000, 2500]),
    box,
    out: join(folder, "out"),
  };
}
