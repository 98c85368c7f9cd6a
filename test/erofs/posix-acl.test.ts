// SPDX-License-Identifier: Apache-2.0

/** ACLs as the kernel keeps them when they are set and the mode after them. */

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import { normalizeAcl } from "../../src/erofs/posix-acl.ts";
import { getXattr, setXattr } from "../../src/sys/xattr.ts";
import { dir, file, symlink } from "../fixtures/sample-image.ts";
import { tar } from "../fixtures/tar-builder.ts";
import { assertRefused } from "../tar/scan.ts";
import { openLab, treeOf, xattrsOf } from "./lab.ts";

type Entry = readonly [tag: number, permissions: number, id: number];
const noId = 0xffffffff;

function acl(entries: readonly Entry[], version = 2): string {
  const bytes = Buffer.alloc(4 + entries.length * 8);
  bytes.writeUInt32LE(version);
  entries.forEach(([tag, permissions, id], index) => {
    bytes.writeUInt16LE(tag, 4 + index * 8);
    bytes.writeUInt16LE(permissions, 6 + index * 8);
    bytes.writeUInt32LE(id, 8 + index * 8);
  });
  return bytes.toString("latin1");
}

const some: readonly Entry[] = [
  [1, 6, noId],
  [2, 4, 1000],
  [4, 5, noId],
  [16, 7, noId],
  [32, 1, noId],
];

/** What the kernel makes of an ACL and then a mode; "invalid" where it refuses. */
function byKernel(path: string, value: string, mode: number): string | undefined {
  try {
    setXattr(path, "system.posix_acl_access", Buffer.from(value, "latin1"));
  } catch {
    return "invalid";
  }
  fs.chmodSync(path, mode);
  return getXattr(path, "system.posix_acl_access")?.toString("latin1");
}

describe("normalizeAcl", () => {
  it("does as the kernel does", () => {
    using lab = openLab();
    let count = 0;
    const entry = fc.tuple(
      fc.constantFrom(1, 2, 2, 4, 8, 16, 32, 64),
      fc.nat({ max: 8 }),
      fc.constantFrom(noId, 1000, 1001, 0),
    );
    const ordered = fc
      .tuple(fc.array(fc.nat({ max: 3 })), fc.array(fc.nat({ max: 3 })), fc.boolean())
      .map(([users, groups, hasMask]): Entry[] => [
        [1, 6, 9],
        ...users.map((id): Entry => [2, 5, id]),
        [4, 4, noId],
        ...groups.map((id): Entry => [8, 3, id]),
        ...(hasMask ? [[16, 7, noId] as const] : []),
        [32, 2, noId],
      ]);
    fc.assert(
      fc.property(
        fc.oneof(ordered, fc.array(entry, { maxLength: 6 })),
        fc.integer({ min: 0, max: 0o7777 }),
        (entries, mode) => {
          const path = join(lab.folder, `f${count++}`);
          fs.writeFileSync(path, "");
          const value = acl(entries);
          assert.equal(normalizeAcl(value, mode), byKernel(path, value, mode));
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("refuses what is no ACL", () => {
    for (const value of ["", "\x02\0\0", acl(some, 1), acl(some).slice(0, -1)]) {
      assert.equal(normalizeAcl(value, 0), "invalid");
    }
  });
});

describe("ACLs of a layer", () => {
  const access = (value: string) => ({
    pax: { "SCHILY.xattr.system.posix_acl_access": Buffer.from(value, "latin1") },
  });
  const byDefault = (value: string) => ({
    pax: { "SCHILY.xattr.system.posix_acl_default": Buffer.from(value, "latin1") },
  });

  it("are shown, and count", () => {
    using lab = openLab();
    const root = lab.mount(
      tar([
        file("f", "x", { mode: 0o640, ...access(acl(some)) }),
        file("plain", "x", {
          mode: 0o640,
          ...access(acl(some.filter(([tag]) => tag !== 2 && tag !== 16))),
        }),
        dir("d/", byDefault(acl(some))),
        symlink("l", "f", access(acl(some))),
      ]),
    );
    const mask = some.map(([tag, permissions, id]): Entry => {
      if (tag === 1) return [tag, 6, id];
      if (tag === 16) return [tag, 4, id];
      return [tag, tag === 32 ? 0 : permissions, id];
    });
    assert.deepEqual(xattrsOf(join(root, "f")), { "system.posix_acl_access": acl(mask) });
    assert.deepEqual(xattrsOf(join(root, "plain")), {});
    assert.deepEqual(xattrsOf(join(root, "d")), { "system.posix_acl_default": acl(some) });
    assert.deepEqual(xattrsOf(join(root, "l")), {});
    assert.equal(fs.statSync(join(root, "f")).mode, 0o100640);
  });

  it("are refused where the kernel refuses them", () => {
    const refused = (parts: Parameters<typeof tar>[0], text: RegExp) =>
      assertRefused(() => treeOf(tar(parts)), "LAYER_INVALID", text);
    refused([file("f", "", access("junk"))], /"f": system.posix_acl_access is no valid ACL/);
    refused([file("f", "", byDefault(acl(some)))], /"f": system.posix_acl_default on what is no/);
  });
});
