// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import type { TarEntry } from "../../src/tar/entry.ts";
import { encodeMember, endOfArchive, type NewMember, paddingOf } from "../../src/tar/writer.ts";
import { runTool, type Scratch, scratch } from "../fixtures/outside-tools.ts";
import { bytePath, type MemberWithData, newMember } from "./arbitrary.ts";
import { gnuTarMembers, listedMember, type PythonTar, startPython } from "./outside-lists.ts";
import { scan, scanOne } from "./scan.ts";

function archiveOf(members: readonly MemberWithData[]): Buffer {
  const parts = members.flatMap(({ member, data }) => [
    encodeMember(member),
    data,
    Buffer.alloc(paddingOf(data.length)),
  ]);
  return Buffer.concat([...parts, endOfArchive]);
}

function written(member: Partial<NewMember>): Buffer {
  return Buffer.concat([
    encodeMember({ path: "n", type: "file", mode: 0o644, ...member }),
    endOfArchive,
  ]);
}

/** The member as a reader has to see it. */
function wantedOf({ member, data }: MemberWithData): Omit<TarEntry, "dataOffset"> {
  const isFolder = member.type === "directory";
  return {
    path: isFolder && !member.path.endsWith("/") ? `${member.path}/` : member.path,
    linkPath: member.linkPath ?? "",
    type: member.type,
    mode: member.mode,
    uid: member.uid ?? 0,
    gid: member.gid ?? 0,
    mtimeSeconds: member.mtimeSeconds ?? 0,
    mtimeNanoseconds: member.mtimeNanoseconds ?? 0,
    size: data.length,
    storedSize: data.length,
    deviceMajor: member.deviceMajor ?? 0,
    deviceMinor: member.deviceMinor ?? 0,
    xattrs: member.xattrs ?? [],
    sparse: undefined,
  };
}

describe("encodeMember", () => {
  it("writes one header where all fits", () => {
    for (const member of [
      {},
      { path: "p".repeat(100) },
      { path: `${"p".repeat(155)}/${"n".repeat(100)}` },
      { uid: 8 ** 7 - 1, gid: 8 ** 7 - 1, mtimeSeconds: 8 ** 11 - 1 },
      { type: "symlink", linkPath: "l".repeat(100) },
      { type: "block", deviceMajor: 4095, deviceMinor: 1_048_575 },
      { size: 8 ** 11 - 1 },
    ] as const) {
      assert.equal(encodeMember({ path: "n", type: "file", mode: 0, ...member }).length, 512);
    }
  });

  it("writes a pax header before where something does not fit", () => {
    const cases: readonly Partial<NewMember>[] = [
      { path: "p".repeat(101) },
      { path: `${"p".repeat(156)}/n` },
      { path: "\xc3\xbc" },
      { path: "\xff" },
      { type: "symlink", linkPath: "l".repeat(101) },
      { type: "symlink", linkPath: "\x80" },
      { uid: 8 ** 7 },
      { gid: 4_294_967_294 },
      { mtimeSeconds: -1 },
      { mtimeSeconds: 8 ** 11 },
      { mtimeNanoseconds: 1 },
      { mtimeSeconds: -1, mtimeNanoseconds: 750_000_000 },
      { xattrs: [["user.a", ""]] },
    ];
    for (const member of cases) {
      const bytes = written(member);
      assert.ok(bytes.length > 512 + 1024, JSON.stringify(member));
      const wanted = { path: "n", type: "file", mode: 0o644, ...member } as const;
      const { dataOffset, ...entry } = scanOne(bytes);
      assert.equal(dataOffset, bytes.length - 1024);
      assert.deepEqual(entry, wantedOf({ member: wanted, data: Buffer.alloc(0) }));
    }
  });

  it("keeps sizes past what octal holds", () => {
    for (const size of [8 ** 11, 2 ** 40, Number.MAX_SAFE_INTEGER]) {
      const header = encodeMember({ path: "n", type: "file", mode: 0o644, size });
      const sizes: number[] = [];
      assert.throws(() => scan(header), { code: "TAR_TRUNCATED" });
      // The data are not there: only what the header says can be looked at.
      assert.match(header.toString("latin1"), new RegExp(`size=${size}\n`));
      assert.deepEqual(sizes, []);
    }
  });

  it("closes the name of a folder with a slash, once", () => {
    assert.equal(scanOne(written({ path: "d", type: "directory" })).path, "d/");
    assert.equal(scanOne(written({ path: "d/", type: "directory" })).path, "d/");
    const long = "d".repeat(100);
    assert.equal(scanOne(written({ path: long, type: "directory" })).path, `${long}/`);
  });

  it("gives equal bytes for equal members, without times and owners of its own", () => {
    fc.assert(
      fc.property(newMember, ({ member }) => {
        assert.ok(encodeMember(member).equals(encodeMember(structuredClone(member))));
      }),
    );
    const plain = encodeMember({ path: "blobs/", type: "directory", mode: 0o755 });
    assert.equal(
      plain.toString("latin1", 100, 156).replaceAll("\0", "."),
      "0000755.0000000.0000000.00000000000.00000000000.010306. ",
    );
  });

  it("comes back from the scanner as it was", () => {
    fc.assert(
      fc.property(fc.array(newMember, { maxLength: 5 }), (members) => {
        const entries = scan(archiveOf(members)).map(({ dataOffset: _, ...entry }) => entry);
        assert.deepEqual(entries, members.map(wantedOf));
      }),
      { numRuns: 500 },
    );
  });

  it("comes back whatever the length of its name", () => {
    for (let size = 1; size < 300; size++) {
      for (const path of ["n".repeat(size), `${"f/".repeat(size)}n`, `${"f".repeat(size)}/n`]) {
        for (const type of ["file", "directory"] as const) {
          const slash = type === "directory" ? "/" : "";
          assert.equal(scanOne(written({ path, type })).path, `${path}${slash}`);
        }
      }
    }
  });
});

describe("what encodeMember writes, read by others", () => {
  let files: Scratch;
  let python: PythonTar;
  before(() => {
    files = scratch();
    python = startPython();
  });
  after(() => {
    files.close();
    python[Symbol.dispose]();
  });

  /** GNU tar 1.34 lists times before 1970 wrongly that have a fraction, though it unpacks them right. */
  const judged = newMember.map(({ member, data }): MemberWithData => {
    const isOld = (member.mtimeSeconds ?? 0) < 0;
    return { data, member: isOld ? { ...member, mtimeNanoseconds: 0 } : member };
  });

  it("is the same to GNU tar and to Python", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(judged, { maxLength: 8 }), async (members) => {
        const file = files.write("written.tar", archiveOf(members));
        const wanted = members.map((one) => listedMember({ ...wantedOf(one), dataOffset: 0 }));
        assert.deepEqual(gnuTarMembers(file), wanted);
        assert.deepEqual(await python.members(file), wanted);
      }),
      { numRuns: 150 },
    );
  });

  it("has times before 1970 when GNU tar unpacks it", () => {
    const times = [
      [-1, 1],
      [-1, 750_000_000],
      [-2, 500_000_000],
      [-1235, 12_345_679],
      [0, 1],
    ] as const;
    const members = times.map(([mtimeSeconds, mtimeNanoseconds], index): MemberWithData => {
      const member = { path: `n${index}`, type: "file", mode: 0o644 } as const;
      return { member: { ...member, mtimeSeconds, mtimeNanoseconds }, data: Buffer.alloc(0) };
    });
    const file = files.write("old.tar", archiveOf(members));
    const { status, stderr } = runTool("tar", ["-C", files.path("."), "-xf", file]);
    assert.equal(status, 0, stderr);
    for (const [index, [seconds, nanoseconds]] of times.entries()) {
      const { mtimeNs } = statSync(files.path(`n${index}`), { bigint: true });
      assert.equal(mtimeNs, BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds));
    }
  });

  it("has names of any bytes", async () => {
    await fc.assert(
      fc.asyncProperty(bytePath, bytePath, async (path, linkPath) => {
        const member = { path, linkPath, type: "symlink", mode: 0o777 } as const;
        const file = files.write("named.tar", archiveOf([{ member, data: Buffer.alloc(0) }]));
        for (const [found] of [gnuTarMembers(file), await python.members(file)]) {
          assert.deepEqual([found?.path, found?.linkPath], [path, linkPath]);
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe("paddingOf", () => {
  it("fills the last block", () => {
    const cases = [
      [0, 0],
      [1, 511],
      [511, 1],
      [512, 0],
      [513, 511],
      [2 ** 40 + 1, 511],
    ] as const;
    for (const [size, want] of cases) assert.equal(paddingOf(size), want);
  });
});
