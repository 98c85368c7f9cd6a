// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, it } from "node:test";
import { schemaVersion } from "../../src/content/schema.ts";
import { openStore } from "../../src/content/store.ts";
import { type Scratch, scratch } from "../fixtures/outside-tools.ts";

const nobody = 65_534;

let files: Scratch;
let count = 0;
before(() => {
  files = scratch();
  // Another user has to get as far as the stores.
  fs.chmodSync(files.path("."), 0o755);
});
after(() => files.close());

const newRoot = () => files.path(`store-${count++}`);

function made(root: string): string {
  openStore(root)[Symbol.dispose]();
  return join(root, "lade.db");
}

function assertRefused(root: string, code: string, message: RegExp): void {
  assert.throws(() => openStore(root)[Symbol.dispose](), { name: "LadeError", code, message });
}

describe("openStore", () => {
  it("makes a store that is its owner's only, and opens it again", () => {
    const root = join(newRoot(), "some/deep/folder");
    using store = openStore(root);
    store.database.run("INSERT INTO property VALUES ('name', 'value')");
    for (const folder of ["", "blobs/sha256", "indexes/sha256", "ingest"]) {
      assert.equal(fs.statSync(join(root, folder)).mode % 0o1000, 0o700, folder);
    }
    using again = openStore(root);
    assert.deepEqual(
      { ...again.database.get("SELECT * FROM property") },
      {
        name: "name",
        value: "value",
      },
    );
  });

  it("reads what is there at one moment, whatever others write meanwhile", () => {
    const root = newRoot();
    using reader = openStore(root);
    using writer = openStore(root);
    const write = (value: string) =>
      writer.database.run("INSERT OR REPLACE INTO property VALUES ('name', ?)", value);
    const read = () => reader.database.get<{ value: string }>("SELECT value FROM property")?.value;
    write("old");
    const seen = reader.database.snapshot(() => {
      const first = read();
      write("new");
      return [first, read(), reader.database.snapshot(read)];
    });
    assert.deepEqual(seen, ["old", "old", "old"]);
    assert.equal(read(), "new");
    assert.throws(
      () => reader.database.snapshot(() => assert.fail("in the middle")),
      /in the middle/,
    );
    // Nothing stays open that would be in the way of the next.
    reader.database.transaction(() => reader.database.run("DELETE FROM property"));
  });

  it("goes on where making it was interrupted", () => {
    const root = newRoot();
    fs.mkdirSync(join(root, "blobs"), { recursive: true });
    const database = made(root);
    assert.ok(fs.existsSync(join(root, "ingest")));
    const empty = newRoot();
    made(empty);
    // The file is made before its first page is written.
    fs.truncateSync(join(empty, "lade.db"));
    for (const suffix of ["-wal", "-shm"]) fs.rmSync(`${database}${suffix}`, { force: true });
    using store = openStore(empty);
    assert.deepEqual(store.database.all("SELECT * FROM image"), []);
  });

  it("refuses a file that is no database", () => {
    const root = newRoot();
    fs.writeFileSync(made(root), Buffer.alloc(4096, "no database"));
    assertRefused(root, "STORE_DAMAGED", /lade\.db: file is not a database/);
  });

  it("refuses a database with a damaged page", () => {
    const root = newRoot();
    const path = made(root);
    const bytes = fs.readFileSync(path);
    bytes.fill(0xff, 100, 4096);
    fs.writeFileSync(path, bytes);
    assertRefused(root, "STORE_DAMAGED", /lade\.db: .*malformed/);
  });

  it("refuses a folder in the place of the database", () => {
    const root = newRoot();
    fs.mkdirSync(join(root, "lade.db"), { recursive: true });
    assertRefused(root, "STORE_DENIED", /lade\.db: unable to open database file/);
  });

  it("refuses a store of another version, and leaves it as it is", () => {
    for (const version of [schemaVersion + 1, 99]) {
      const root = newRoot();
      const path = made(root);
      using connection = new DatabaseSync(path);
      connection.exec(`PRAGMA user_version = ${version}`);
      const message = new RegExp(`want format ${schemaVersion}, got ${version}`);
      assertRefused(root, "STORE_VERSION", message);
      assert.equal(connection.prepare("PRAGMA user_version").get()?.user_version, version);
    }
  });

  it("leaves no file open when it refuses", () => {
    const root = newRoot();
    fs.writeFileSync(made(root), Buffer.alloc(4096, "no database"));
    const open = () =>
      fs.readdirSync("/proc/self/fd").filter((fd) => {
        try {
          return fs.readlinkSync(`/proc/self/fd/${fd}`).startsWith(root);
        } catch {
          return false;
        }
      });
    assertRefused(root, "STORE_DAMAGED", /./);
    assert.deepEqual(open(), []);
  });

  it("refuses a path that leads through a file", () => {
    const path = files.write("a-file", Buffer.from("x"));
    assertRefused(join(path, "store"), "IO_FAILED", /^make store .*: /);
  });
});

describe("a store of another user", () => {
  const isRoot = process.getuid?.() === 0;

  /** Opens the store, and does something with it, as a user who may do nothing by being root. */
  function asAnother(root: string, work = ""): { readonly code: string; readonly message: string } {
    const script = `
      if (${isRoot}) {
        process.setgid(${nobody});
        process.setuid(${nobody});
      }
      const { openStore } = await import("./src/content/store.ts");
      try {
        using store = openStore(${JSON.stringify(root)});
        ${work}
        console.log("{}");
      } catch ({ code, message }) {
        console.log(JSON.stringify({ code, message }));
      }`;
    const flags = ["--disable-warning=ExperimentalWarning", "--input-type=module", "-e", script];
    const child = spawnSync(process.execPath, flags, { encoding: "utf8" });
    assert.equal(child.status, 0, child.stderr);
    return JSON.parse(child.stdout);
  }

  /** For an owner who is not root, the folder's mode has to keep out the owner. */
  const close = (folder: string, mode: number) =>
    fs.chmodSync(folder, isRoot ? mode : mode - (mode % 0o1000) + (mode % 0o10) * 0o100);

  it("is denied", () => {
    const root = newRoot();
    made(root);
    close(root, 0o700);
    assert.equal(asAnother(root).code, "STORE_DENIED");
    fs.chmodSync(root, 0o700);
  });

  it("can't be made where that user may not write", () => {
    const parent = newRoot();
    fs.mkdirSync(parent);
    close(parent, 0o755);
    const { code, message } = asAnother(join(parent, "store"));
    assert.equal(code, "STORE_DENIED");
    assert.match(message, /^make store .*: permission denied$/);
    fs.chmodSync(parent, 0o755);
  });

  it("that can be read but not written is denied", () => {
    const root = newRoot();
    const path = made(root);
    const paths = [path, ...["ingest", ""].map((name) => join(root, name))];
    for (const each of paths) close(each, each === path ? 0o644 : 0o755);
    const write = `store.database.run("INSERT INTO property VALUES ('a', 'b')");`;
    assert.equal(asAnother(root, write).code, "STORE_DENIED");
    close(path, 0o600);
    assert.equal(asAnother(root).code, "STORE_DENIED");
    for (const each of paths) fs.chmodSync(each, 0o700);
  });
});

describe("the database", () => {
  it("takes all of a transaction or nothing", () => {
    using store = openStore(newRoot());
    const { database } = store;
    const names = () => database.all<{ name: string }>("SELECT name FROM property");
    const put = (name: string) => database.run("INSERT INTO property VALUES (?, '')", name);
    database.transaction(() => put("kept"));
    assert.throws(() => {
      database.transaction(() => {
        put("lost");
        throw new Error("no");
      });
    }, /^Error: no$/);
    assert.throws(() => database.transaction(() => [put("lost"), put("kept")]), /UNIQUE/);
    assert.deepEqual(
      names().map(({ name }) => name),
      ["kept"],
    );
    assert.equal(
      database.transaction(() => 5),
      5,
    );
  });

  it("is busy while another process writes, for as long as one waits", () => {
    const root = newRoot();
    const path = made(root);
    using other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE");
    using store = openStore(root);
    store.database.all("SELECT * FROM image");
    // Whoever waits a minute in a test has to wait less.
    store.database.all("PRAGMA busy_timeout = 20");
    assert.throws(() => store.database.transaction(() => 1), {
      code: "STORE_BUSY",
      message: /database is locked/,
    });
    other.exec("ROLLBACK");
    assert.equal(
      store.database.transaction(() => 1),
      1,
    );
  });

  it("tells a full disk", () => {
    using store = openStore(newRoot());
    const { database } = store;
    database.all("PRAGMA max_page_count = 1");
    assert.throws(
      () => database.run("INSERT INTO property VALUES ('a', ?)", "x".repeat(1_000_000)),
      { code: "DISK_FULL", message: /database or disk is full/ },
    );
  });

  it("passes on mistakes in the queries as they are", () => {
    using store = openStore(newRoot());
    assert.throws(
      () => store.database.all("SELECT nonsense"),
      (error: Error) => {
        return error.name === "Error" && /no such column/.test(error.message);
      },
    );
  });
});

describe("what a database remembers", () => {
  it("holds until somebody writes, here or in another process", () => {
    using store = openStore(newRoot());
    using other = openStore(store.paths.root);
    const { database } = store;
    let reads = 0;
    const count = () =>
      database.remember("count", () => {
        reads++;
        return database.get<{ count: number }>("SELECT COUNT(*) AS count FROM property")?.count;
      });
    const before = count();
    assert.equal(count(), before);
    assert.equal(reads, 1);
    other.database.run("INSERT INTO property VALUES ('theirs', '')");
    assert.equal(count(), Number(before) + 1);
    database.run("INSERT INTO property VALUES ('ours', '')");
    assert.equal(count(), Number(before) + 2);
    assert.equal(count(), Number(before) + 2);
    assert.equal(reads, 3);
  });

  it("is nothing of a transaction that is taken back", () => {
    using store = openStore(newRoot());
    const { database } = store;
    const read = () =>
      database.remember("x", () => database.get("SELECT 1 FROM property WHERE name = 'x'"));
    assert.throws(() =>
      database.transaction(() => {
        database.run("INSERT INTO property VALUES ('x', '')");
        assert.notEqual(read(), undefined);
        throw new Error("taken back");
      }),
    );
    assert.equal(read(), undefined);
  });
});
