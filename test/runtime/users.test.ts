// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { resolveUser } from "../../src/runtime/users.ts";

const folder = fs.mkdtempSync(join(tmpdir(), "lade-users-"));
after(() => fs.rmSync(folder, { recursive: true, force: true }));
let roots = 0;

const passwdText = `
# a comment
root:x:0:0:root:/root:/bin/sh
app:x:1000:1001:App:/home/app:/bin/sh
1005:x:0:0:trap:/:/bin/sh
99999999999:x:0:0:trap:/:/bin/sh
bad:x:no:0::/:/bin/sh
big:x:4294967295:0::/:
short:x
`;
const groupText = "root:x:0:\napp:x:1001:\nwheel:x:10:root,app\nextra:x:77:app\nbad:x:-5:\n";

function makeRoot(fill: (etc: string) => void): string {
  roots += 1;
  const root = join(folder, String(roots));
  fs.mkdirSync(join(root, "etc"), { recursive: true });
  fill(join(root, "etc"));
  return root;
}

const plain = makeRoot((etc) => {
  fs.writeFileSync(join(etc, "passwd"), passwdText);
  fs.writeFileSync(join(etc, "group"), groupText);
});
const empty = makeRoot(() => {});

function numbers(root: string, user: string, groups: readonly string[] = []) {
  const { uid, gid, additionalGids } = resolveUser(root, user, groups);
  return [uid, gid, additionalGids];
}

describe("resolveUser", () => {
  it("reads names and numbers as Docker does", () => {
    for (const [user, want] of [
      ["", [0, 0, [0, 10]]],
      ["root", [0, 0, [0, 10]]],
      ["app", [1000, 1001, [1001, 10, 77]]],
      ["1000", [1000, 1001, [1001, 10, 77]]],
      ["app:extra", [1000, 77, [77]]],
      ["app:5", [1000, 5, [5]]],
      [":extra", [0, 77, [77]]],
      ["4242", [4242, 0, [0]]],
      ["4242:4343", [4242, 4343, [4343]]],
      ["2147483647", [2147483647, 0, [0]]],
      // A number is never a name.
      ["1005", [1005, 0, [0]]],
    ] as const) {
      assert.deepEqual(numbers(plain, user), want, user);
    }
    assert.equal(resolveUser(plain, "app").home, "/home/app");
  });

  it("adds groups", () => {
    assert.deepEqual(numbers(plain, "app", ["extra", "5", "wheel"]), [
      1000,
      1001,
      [1001, 10, 77, 5],
    ]);
    assert.deepEqual(numbers(empty, "7", ["5"]), [7, 0, [0, 5]]);
  });

  it("needs no files for numbers", () => {
    assert.deepEqual(numbers(empty, ""), [0, 0, [0]]);
    assert.deepEqual(numbers(empty, "1000:1000"), [1000, 1000, [1000]]);
  });

  it("refuses unknown names in Docker's words", () => {
    for (const [root, user, groups, message] of [
      [plain, "nobody", [], "unable to find user nobody: no matching entries in passwd file"],
      [empty, "app", [], "unable to find user app: no matching entries in passwd file"],
      [plain, "app:x", [], "unable to find group x: no matching entries in group file"],
      [plain, "app", ["x"], "unable to find group x: no matching entries in group file"],
      [plain, "ä", [], "unable to find user ä: no matching entries in passwd file"],
    ] as const) {
      assert.throws(() => resolveUser(root, user, groups), { code: "CONTAINER_INVALID", message });
    }
  });

  it("refuses numbers out of range, whatever the files say of them (C2)", () => {
    for (const user of [
      "2147483648",
      "-1",
      "99999999999",
      "app:-1",
      "0:4294967296",
      "big",
      "bad",
    ]) {
      assert.throws(
        () => resolveUser(plain, user),
        { code: "CONTAINER_INVALID", message: "uids and gids must be in range 0-2147483647" },
        user,
      );
    }
    assert.throws(() => resolveUser(plain, "app", ["bad"]), { code: "CONTAINER_INVALID" });
  });

  it("stays in the container's root (C3)", () => {
    const outside = join(folder, "outside");
    fs.writeFileSync(outside, "app:x:0:0::/:\n");
    for (const target of [outside, `../../${"outside"}`, "../../../../../../../etc/passwd"]) {
      const root = makeRoot((etc) => fs.symlinkSync(target, join(etc, "passwd")));
      assert.throws(() => resolveUser(root, "app"), { code: "CONTAINER_INVALID" });
    }
    const folderLink = makeRoot((etc) => {
      fs.rmdirSync(etc);
      fs.symlinkSync("/etc", etc);
    });
    assert.throws(() => resolveUser(folderLink, "root"), { code: "CONTAINER_INVALID" });
    const inside = makeRoot((etc) => {
      fs.writeFileSync(join(etc, "real"), passwdText);
      fs.symlinkSync("/etc/real", join(etc, "passwd"));
    });
    assert.deepEqual(numbers(inside, "app"), [1000, 1001, [1001]]);
  });

  it("reads plain files only, and never waits (C3)", () => {
    const kinds: ((path: string) => void)[] = [
      (path) => fs.mkdirSync(path),
      (path) => spawnSync("mkfifo", [path]),
      (path) => spawnSync("mknod", [path, "c", "1", "5"]),
      (path) => fs.symlinkSync("passwd", path),
      (path) => fs.symlinkSync("/proc/self/fd/0", path),
    ];
    for (const make of kinds) {
      const root = makeRoot((etc) => make(join(etc, "passwd")));
      assert.deepEqual(numbers(root, "7"), [7, 0, [0]]);
      assert.throws(() => resolveUser(root, "app"), { code: "CONTAINER_INVALID" });
    }
  });

  it("stops at 10 MiB (C3)", () => {
    const large = makeRoot((etc) => {
      fs.writeFileSync(join(etc, "passwd"), "");
      fs.truncateSync(join(etc, "passwd"), 2 ** 30);
    });
    assert.throws(() => resolveUser(large, "app"), { code: "LIMIT_EXCEEDED" });
  });
});
