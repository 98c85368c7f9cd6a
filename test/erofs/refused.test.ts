// SPDX-License-Identifier: Apache-2.0

/** Entries that make no layer, as Docker can't unpack them either. */

import { describe, it } from "node:test";
import { encodeErofs } from "../../src/erofs/image.ts";
import { dir, file, hardLink, symlink } from "../fixtures/sample-image.ts";
import { type TarEntry, tar } from "../fixtures/tar-builder.ts";
import { sparseMember } from "../fixtures/tar-sparse.ts";
import { assertRefused } from "../tar/scan.ts";
import { treeOf } from "./lab.ts";

type Parts = readonly (TarEntry | Buffer)[];

const whiteoutDevice = (name: string): TarEntry => ({ name, type: "3", devMajor: 0, devMinor: 0 });

describe("a layer is refused", () => {
  const refused = (parts: Parts, code: Parameters<typeof assertRefused>[1], text: RegExp) => {
    const bytes = tar(parts);
    const encode = () => encodeErofs(treeOf(bytes), { tarOffset: 0, tarSize: bytes.length });
    assertRefused(encode, code, text);
  };
  const long = { longNames: "pax" } as const;
  const xattr = (name: string, value: string | Uint8Array) => ({
    pax: { [`SCHILY.xattr.${name}`]: value },
  });

  it("for hard links that lead to nothing, to themselves or to folders", () => {
    const link = (parts: Parts) => refused(parts, "LAYER_INVALID", /"l" is a hard link to "/);
    link([hardLink("l", "later"), file("later", "")]);
    link([hardLink("l", "l")]);
    link([file("l", ""), hardLink("l", "./l")]);
    link([dir("d/"), hardLink("l", "d")]);
    link([hardLink("l", "/")]);
    link([file(".wh.w", ""), hardLink("l", "w")]);
    link([whiteoutDevice("w"), hardLink("l", "w")]);
    link([file("f", ""), hardLink("l", "f/x")]);
    link([hardLink("l", ".wh..wh.plnk/1")]);
  });

  it("for files in what is no folder", () => {
    const inside = (parts: Parts) => refused(parts, "LAYER_INVALID", /lies in what is no folder/);
    inside([file("f", ""), file("f/x", "")]);
    inside([{ name: "p", type: "6" }, dir("p/x/")]);
    inside([symlink("a", "b"), symlink("b", "a"), file("a/x", "")]);
    inside([symlink("a", "f"), file("f", ""), file("a/x", "")]);
  });

  it("for names, targets, owners and devices that Linux can't have", () => {
    const name = "n".repeat(256);
    refused([file(`d/${name}`, "", long)], "LIMIT_EXCEEDED", /n": name of 256 bytes/);
    refused([file(`${name}/f`, "", long)], "LIMIT_EXCEEDED", /name of 256 bytes/);
    refused([file(`.wh.${name}`, "", long)], "LIMIT_EXCEEDED", /name of 260 bytes/);
    refused(
      [symlink("l", "t".repeat(4096), long)],
      "LIMIT_EXCEEDED",
      /"l": symlink target of 4096/,
    );
    refused([symlink("l", "")], "LAYER_INVALID", /"l" is a symlink to nothing/);
    const owner = (uid: string) => file("f", "", { pax: { uid } });
    refused([owner("4294967295")], "LIMIT_EXCEEDED", /"f": owner 4294967295:0/);
    refused([owner("4294967296")], "LIMIT_EXCEEDED", /"f": owner/);
    const device = { name: "c", type: "3", devMajor: 4096, devMinor: 1 };
    refused([device], "LIMIT_EXCEEDED", /"c": device 4096:1/);
  });

  it("for attributes that Linux can't have", () => {
    const size = 65_536;
    refused(
      [file("f", "", xattr("user.v", "v".repeat(size)))],
      "LIMIT_EXCEEDED",
      /"f": xattr user.v of 65536/,
    );
    refused(
      [file("f", "", xattr(`user.${"n".repeat(251)}`, ""))],
      "LIMIT_EXCEEDED",
      /name of 256 bytes/,
    );
    refused([file("f", "", xattr("user.", ""))], "LAYER_INVALID", /"f": xattr user. has no name/);
    const many = Object.fromEntries(
      [1, 2, 3, 4, 5].map((index) => [`SCHILY.xattr.user.${index}`, "v".repeat(60_000)]),
    );
    refused([file("f", "", { pax: many })], "LIMIT_EXCEEDED", /"f": xattrs of 300\d{3} bytes/);
  });

  it("for sparse files that can't be mapped", () => {
    const chunks = Array.from({ length: 20_000 }, (_, index) => ({
      offset: index * 2 ** 32,
      data: Buffer.alloc(512, "x"),
    }));
    const sparse = sparseMember({ name: "d/s", realSize: 2 ** 50, chunks, form: "pax-1.0" });
    refused([sparse], "LIMIT_EXCEEDED", /"d\/s": a sparse file of \d+ bytes in 20000 runs/);
  });

  it("where its tar lies on no block, or ends too early", () => {
    const bytes = tar([file("f", "x".repeat(1000))]);
    const encode = (tarOffset: number, tarSize: number) => () =>
      encodeErofs(treeOf(bytes), { tarOffset, tarSize });
    assertRefused(encode(100, bytes.length), "UNSUPPORTED", /starts at byte 100/);
    assertRefused(encode(2 ** 41, bytes.length), "UNSUPPORTED", /expected at most/);
    assertRefused(encode(0, 1024), "LAYER_INVALID", /ends at byte 1512 of a tar of 1024/);
  });
});
