// SPDX-License-Identifier: Apache-2.0

import { dir, file, hardLink, symlink } from "../fixtures/sample-image.ts";
import { base256, gnuLongName, type TarEntry } from "../fixtures/tar-builder.ts";
import { sampleChunks, sparseMember } from "../fixtures/tar-sparse.ts";

type Parts = readonly (TarEntry | Buffer)[];

/** One layer of a kind that is easily got wrong. */
export interface Shape {
  readonly name: string;
  readonly parts: () => Parts;
  /** What GNU tar makes another way, and so is no judge of. */
  readonly differs?: "times" | "everything";
}

const capability = Buffer.from("0100000200040000000000000000000000000000", "hex");
/** For owner, user 7, group, mask and others: version, then tag, permissions and ID of each. */
const acl = Buffer.from(
  [
    "02000000",
    "01000600ffffffff",
    "0200040007000000",
    "04000400ffffffff",
    "10000600ffffffff",
    "20000400ffffffff",
  ].join(""),
  "hex",
);

function xattrs(values: Readonly<Record<string, string | Uint8Array>>): Partial<TarEntry> {
  const records = Object.entries(values).map(([name, value]) => [`SCHILY.xattr.${name}`, value]);
  return { pax: Object.fromEntries(records) as Record<string, string | Uint8Array> };
}

const bytes = (text: string) => Buffer.from(text, "latin1");

function content(size: number): Buffer {
  return Buffer.from(Array.from({ length: size }, (_, index) => (index * 31 + size) % 251));
}

const plain: readonly Shape[] = [
  {
    name: "all kinds of files",
    parts: () => [
      dir("./", { mode: 0o711 }),
      dir("dev/"),
      { name: "dev/null", type: "3", mode: 0o666, devMajor: 1, devMinor: 3 },
      { name: "dev/big", type: "4", mode: 0o660, devMajor: 259, devMinor: 300_000 },
      { name: "dev/fifo", type: "6", mode: 0o622, uid: 3, gid: 4 },
      file("empty", ""),
      symlink("link", "no/such/place", { uid: 1000, gid: 1001 }),
      symlink("absolute", "/dev/null"),
    ],
  },
  {
    name: "modes and owners",
    parts: () => [
      file("setuid", "x", { mode: 0o4755 }),
      file("setgid", "x", { mode: 0o2755, uid: 5, gid: 6 }),
      file("none", "x", { mode: 0 }),
      file("large", "x", { uid: base256(70_000n, 8), gid: base256(4_000_000_000n, 8) }),
      dir("sticky/", { mode: 0o1777 }),
      dir("group/", { mode: 0o2775, gid: 50 }),
      dir("closed/", { mode: 0 }),
      file("closed/file", "x"),
    ],
  },
  {
    name: "times before 1970, after 2038 and of nanoseconds",
    parts: () => [
      file("old", "x", { pax: { mtime: "-1.5" } }),
      file("older", "x", { pax: { mtime: "-2000000000.000000001" } }),
      file("late", "x", { pax: { mtime: "5000000000.999999999" } }),
      dir("folder/", { pax: { mtime: "1700000000.123456789" } }),
      file("folder/in", "x"),
      symlink("link", "x", { pax: { mtime: "1700000000.25" } }),
    ],
  },
  {
    name: "hard links",
    parts: () => [
      dir("a/"),
      dir("b/"),
      file("a/one", "shared", { mode: 0o640 }),
      hardLink("b/two", "a/one", { mode: 0o640 }),
      hardLink("three", "./b/two", { mode: 0o640 }),
      symlink("link", "a/one"),
      hardLink("b/link", "link"),
      { name: "fifo", type: "6", mode: 0o600, mtime: 1 },
      hardLink("a/fifo", "fifo", { mode: 0o600, mtime: 1 }),
    ],
    differs: "times",
  },
  {
    name: "names of any bytes and lengths",
    parts: () => [
      { ...file("", "x"), name: bytes("\xff\xfe-no-text") },
      file("new\nline", "x"),
      file("back\\slash C:..\\x", "x"),
      file("ß", "1"),
      file("ss", "2"),
      file("e\u0301", "3"),
      file("\u00e9", "4"),
      file("n".repeat(255), "x", { longNames: "gnu" }),
      symlink("long-target", `/${"t".repeat(1000)}`, { longNames: "pax" }),
      file("..data", "x"),
      file("...", "x"),
      file("-rf", "x"),
    ],
  },
  {
    name: "folders deep within each other",
    parts: () => [file(`${"deeper/".repeat(300)}file`, "deep", { longNames: "pax" })],
    differs: "times",
  },
  {
    name: "files of sizes around blocks and pages",
    parts: () =>
      [0, 1, 511, 512, 513, 4095, 4096, 4097, 1_048_576, 2_500_001].map((size) =>
        file(`f${size}`, content(size)),
      ),
  },
  {
    name: "sparse files",
    parts: () => [
      sparseMember({ name: "s10", realSize: 5_000_000, chunks: sampleChunks(), form: "pax-1.0" }),
      sparseMember({ name: "s01", realSize: 5_000_000, chunks: sampleChunks(), form: "pax-0.1" }),
      sparseMember({ name: "hole", realSize: 70_000, chunks: [], form: "pax-1.0" }),
      sparseMember({
        name: "odd",
        realSize: 10_001,
        chunks: [
          { offset: 1, data: content(512) },
          { offset: 9000, data: "end" },
        ],
        form: "pax-1.0",
      }),
    ],
  },
  {
    name: "extended attributes and capabilities",
    parts: () => [
      file("tool", "x", { mode: 0o755, ...xattrs({ "security.capability": capability }) }),
      file("notes", "x", xattrs({ "user.one": "1", "user.bytes": bytes("\xff\n=") })),
      dir("folder/", xattrs({ "user.big": Buffer.alloc(2000, "v") })),
    ],
  },
  {
    name: "folders that no entry names",
    parts: () => [file("srv/deep/down/file", "x"), file("srv/other", "x")],
    differs: "times",
  },
  {
    name: "long names of all dialects",
    parts: () => [
      gnuLongName("L", `gnu/${"g".repeat(150)}`),
      file("gnu/cut", "x"),
      file(`pax/${"p".repeat(150)}`, "x", { longNames: "pax" }),
      file(`prefix/${"q".repeat(99)}`, "x", { longNames: "prefix" }),
    ],
    differs: "times",
  },
  { name: "nothing", parts: () => [] },
];

/** What tools do differently; here the drivers have to agree with each other. */
const debatable: readonly Shape[] = [
  {
    name: "a path that comes twice, as other kinds",
    parts: () => [
      dir("d/"),
      file("d/gone", "x"),
      file("d", "now a file"),
      file("f", "first"),
      file("f", "second", { mode: 0o600 }),
      symlink("f2", "f"),
      dir("f2/"),
      file("f2/in", "x"),
      file("g", "x"),
      dir("g/"),
      file("g", "back"),
      hardLink("h", "f"),
      file("f", "third"),
    ],
    differs: "everything",
  },
  {
    // GNU tar keeps them in records of its own.
    name: "ACLs as Docker writes them",
    parts: () => [
      file("f", "x", { mode: 0o664, ...xattrs({ "system.posix_acl_access": acl }) }),
      file("less", "x", { mode: 0o600, ...xattrs({ "system.posix_acl_access": acl }) }),
      dir("d/", xattrs({ "system.posix_acl_default": acl })),
    ],
    differs: "everything",
  },
  {
    name: "files below symlinks",
    parts: () => [
      symlink("var/run", "/run"),
      dir("run/"),
      file("var/run/app.pid", "1\n"),
      symlink("up", "../../../.."),
      file("up/in", "inside"),
    ],
    differs: "everything",
  },
  {
    name: "attributes that only overlayfs may set, and nodes that mean a whiteout",
    parts: () => [
      dir("o/", xattrs({ "trusted.overlay.opaque": "y", "user.kept": "1" })),
      file("r", "x", xattrs({ "trusted.overlay.redirect": "/etc", "trusted.own": "1" })),
      { name: "w", type: "3", mode: 0o600, devMajor: 0, devMinor: 0 },
      { name: "b", type: "4", mode: 0o600, devMajor: 0, devMinor: 0 },
    ],
    differs: "everything",
  },
];

export const shapes: readonly Shape[] = [...plain, ...debatable];
