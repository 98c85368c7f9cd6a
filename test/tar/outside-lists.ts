// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { TarEntry, TarEntryType } from "../../src/tar/entry.ts";
import { runTool } from "../fixtures/outside-tools.ts";

/** What every reader tells of a member; names are one character a byte, without slashes behind. */
export interface ListedMember {
  readonly path: string;
  readonly type: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970, as a decimal number. */
  readonly mtime: string;
  /** Bytes with holes; 0 for what has no data. */
  readonly size: number;
  readonly linkPath: string;
  /** Major and minor; 0,0 for what is no device. */
  readonly device: string;
}

const types: Readonly<Record<string, TarEntryType>> = {
  "-": "file",
  h: "hardlink",
  l: "symlink",
  c: "character",
  b: "block",
  d: "directory",
  p: "fifo",
};

const withoutSlash = (path: string) => path.replace(/(?<=[^/])\/+$/, "");

export function listedMember(entry: TarEntry): ListedMember {
  const isDevice = entry.type === "character" || entry.type === "block";
  const isLink = entry.type === "hardlink" || entry.type === "symlink";
  return {
    path: withoutSlash(entry.path),
    type: entry.type,
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    mtime: decimalTime(entry.mtimeSeconds, entry.mtimeNanoseconds),
    size: entry.type === "file" ? entry.size : 0,
    linkPath: isLink ? entry.linkPath : "",
    device: isDevice ? `${entry.deviceMajor},${entry.deviceMinor}` : "0,0",
  };
}

function decimalTime(seconds: number, nanoseconds: number): string {
  const total = BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds);
  const size = total < 0n ? -total : total;
  const fraction = String(size % 1_000_000_000n).padStart(9, "0");
  return `${total < 0n ? "-" : ""}${size / 1_000_000_000n}.${fraction}`;
}

const line =
  /^(\S)(\S{9}) (\d+)\/(\d+) +(\d+|\d+,\d+) (-?\d+-\d\d-\d\d) (\d\d:\d\d:\d\d)(\.\d+)? +"((?:[^"\\]|\\.)*)"(?:(?: -> | link to )"((?:[^"\\]|\\.)*)")?$/;

/**
 * GNU tar's list of an archive in a file.
 *
 * @throws AssertionError where GNU tar refuses it
 */
export function gnuTarMembers(file: string): ListedMember[] {
  const flags = ["--numeric-owner", "--full-time", "--quoting-style=c", "-P"];
  const { status, stdout, stderr } = runTool("tar", [...flags, "-tvf", file]);
  assert.equal(status, 0, stderr);
  return stdout.toString("latin1").split("\n").slice(0, -1).map(gnuTarMember);
}

function gnuTarMember(text: string): ListedMember {
  const match = line.exec(text);
  assert.ok(match !== null, text);
  const [, flag = "", mode = "", uid, gid, size = "", day, time, fraction, path, link] = match;
  const seconds = Date.parse(`${day}T${time}Z`) / 1000;
  const nanoseconds = Number((fraction ?? ".").slice(1).padEnd(9, "0"));
  return {
    path: withoutSlash(unquoted(path ?? "")),
    type: types[flag] ?? flag,
    mode: modeOf(mode),
    uid: Number(uid),
    gid: Number(gid),
    mtime: decimalTime(seconds, nanoseconds),
    size: size.includes(",") ? 0 : Number(size),
    linkPath: unquoted(link ?? ""),
    device: size.includes(",") ? size : "0,0",
  };
}

const escapes: Readonly<Record<string, string>> = {
  ...{ a: "\x07", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" },
};

/** Undoes the quoting of C. */
function unquoted(text: string): string {
  return text.replaceAll(/\\([0-7]{3}|.)/g, (_, code: string) =>
    /^[0-7]{3}$/.test(code)
      ? String.fromCharCode(Number.parseInt(code, 8))
      : (escapes[code] ?? code),
  );
}

/** The bits that `rwsr-xr-t` shows. */
function modeOf(text: string): number {
  const special = [0o4000, 0o2000, 0o1000];
  let mode = 0;
  for (let index = 0; index < 9; index++) {
    const character = text[index] ?? "-";
    const isExecute = index % 3 === 2;
    const hasBit = isExecute ? /[xst]/.test(character) : character !== "-";
    if (hasBit) mode += 2 ** (8 - index);
    if (isExecute && /[sStT]/.test(character)) mode += special[(index - 2) / 3] ?? 0;
  }
  return mode;
}

// Python's list comes from one process that answers a line for each path it is given.
const pythonScript = `
import json, sys, tarfile
from decimal import Decimal
kinds = {b"0": "file", b"\\0": "file", b"7": "file", b"S": "file", b"1": "hardlink",
         b"2": "symlink", b"3": "character", b"4": "block", b"5": "directory", b"6": "fifo"}
def text(name):
    return name.encode("utf-8", "surrogateescape").decode("latin-1")
def member(m):
    kind = kinds.get(m.type, m.type.decode("latin-1"))
    device = kind in ("character", "block")
    time = Decimal(m.pax_headers.get("mtime", m.mtime))
    return dict(path=text(m.name), type=kind, mode=m.mode & 0o7777, uid=m.uid, gid=m.gid,
                mtime=format(time, ".9f"), size=m.size if kind == "file" else 0,
                linkPath=text(m.linkname) if m.issym() or m.islnk() else "",
                device="%d,%d" % (m.devmajor, m.devminor) if device else "0,0")
for line in sys.stdin:
    try:
        with tarfile.open(line[:-1], "r:", encoding="utf-8", errors="surrogateescape") as t:
            answer = [member(m) for m in t]
    except Exception as e:
        answer = repr(e)
    print(json.dumps(answer), flush=True)
`;

/** Python's tarfile, asked again and again. */
export interface PythonTar extends Disposable {
  members(file: string): Promise<ListedMember[]>;
}

export function startPython(): PythonTar {
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn(
    "python3",
    ["-c", pythonScript],
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async members(file) {
      child.stdin.write(`${file}\n`);
      const next = await answers.next();
      const answer: unknown = JSON.parse(next.value ?? '"no answer"');
      assert.ok(Array.isArray(answer), `python: ${String(answer)}`);
      return answer.map((member: ListedMember) => ({ ...member, path: withoutSlash(member.path) }));
    },
    [Symbol.dispose]: () => child.stdin.end(),
  };
}
