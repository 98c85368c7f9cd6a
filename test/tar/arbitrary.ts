// SPDX-License-Identifier: Apache-2.0

import fc from "fast-check";
import type { NewMember } from "../../src/tar/writer.ts";
import { paxHeader, type TarEntry } from "../fixtures/tar-builder.ts";
import { type SparseFile, sparseMember } from "../fixtures/tar-sparse.ts";

const byte = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(..."abcdefgh._-".split("")) },
  {
    weight: 1,
    arbitrary: fc
      .integer({ min: 1, max: 255 })
      .filter((value) => value !== 0x2f)
      .map((value) => String.fromCharCode(value)),
  },
);

const part = fc
  .array(byte, { minLength: 1, maxLength: 24 })
  .map((bytes) => bytes.join(""))
  .filter((text) => text !== "." && text !== "..");

/** A relative path, one character a byte, up to some hundred bytes. */
export const bytePath = fc
  .oneof(
    { weight: 5, arbitrary: fc.array(part, { minLength: 1, maxLength: 3 }) },
    { weight: 2, arbitrary: fc.array(part, { minLength: 4, maxLength: 30 }) },
    {
      weight: 1,
      arbitrary: fc.integer({ min: 90, max: 270 }).map((size) => ["long", "n".repeat(size)]),
    },
  )
  .map((parts) => parts.join("/"));

const owner = fc.oneof(fc.nat({ max: 2000 }), fc.constantFrom(2_097_151, 2_097_152, 4_294_967_294));

const seconds = fc.oneof(
  fc.integer({ min: 0, max: 4_000_000_000 }),
  fc.integer({ min: -2_000_000_000, max: -1 }),
  fc.constantFrom(8 ** 11 - 1, 8 ** 11),
);

const bytesOf = (text: string) => Buffer.from(text, "latin1");

/** A member for the writer, with data to go behind it where it is a file. */
export interface MemberWithData {
  readonly member: NewMember;
  readonly data: Buffer;
}

const xattr = fc.tuple(
  part.map((name) => `user.${name.replaceAll("=", "_")}`),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
);

/** What any writer of layers may be given. */
export const newMember: fc.Arbitrary<MemberWithData> = fc
  .record({
    path: bytePath,
    link: bytePath,
    type: fc.constantFrom(
      ...(["file", "file", "file", "directory", "symlink", "hardlink"] as const),
      ...(["character", "block", "fifo"] as const),
    ),
    mode: fc.integer({ min: 0, max: 0o7777 }),
    uid: owner,
    gid: owner,
    mtimeSeconds: seconds,
    mtimeNanoseconds: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 999_999_999 })),
    devices: fc.tuple(fc.nat({ max: 4095 }), fc.nat({ max: 1_048_575 })),
    xattrs: fc.uniqueArray(xattr, { maxLength: 3, selector: ([name]) => name }),
    data: fc.uint8Array({ maxLength: 1500 }),
  })
  .map(({ path, link, devices, data, ...rest }): MemberWithData => {
    const isDevice = rest.type === "character" || rest.type === "block";
    const isLink = rest.type === "symlink" || rest.type === "hardlink";
    const body = rest.type === "file" ? Buffer.from(data) : Buffer.alloc(0);
    return {
      data: body,
      member: {
        ...rest,
        path,
        size: body.length,
        ...(isLink && { linkPath: link }),
        ...(isDevice && { deviceMajor: devices[0], deviceMinor: devices[1] }),
      },
    };
  });

const dialect = fc.constantFrom("ustar", "gnu", "v7");
const digits = fc.constantFrom("nul", "space");

/** A member as some maker or other writes it, by a writer that is not lade's. */
const foreignMember: fc.Arbitrary<TarEntry | Buffer> = fc
  .record({
    member: newMember,
    dialect,
    digits,
    longNames: fc.constantFrom("pax", "gnu"),
    timeInPax: fc.boolean(),
    sizeInPax: fc.boolean(),
    comment: fc.boolean(),
  })
  .map(({ member: { member, data }, ...style }): TarEntry => {
    const flags = {
      ...{ file: "0", hardlink: "1", symlink: "2", character: "3" },
      ...{ block: "4", directory: "5", fifo: "6" },
    } as const;
    const isDevice = member.type === "character" || member.type === "block";
    const slash = member.type === "directory" ? "/" : "";
    // The seventh edition knew no devices, and its folders only by the slash behind their names:
    // Python looks for that in the header only.
    const isPlainV7 =
      style.dialect === "v7" &&
      ["file", "directory"].includes(member.type) &&
      member.path.length < 100;
    const look = style.dialect === "v7" && !isPlainV7 ? "ustar" : style.dialect;
    const mtime = member.mtimeSeconds ?? 0;
    const pax: Record<string, string> = {};
    if (style.timeInPax && mtime >= 0) {
      pax.mtime = `${mtime}.${String(member.mtimeNanoseconds ?? 0).padStart(9, "0")}`;
    }
    if (style.sizeInPax) pax.size = String(data.length);
    if (style.comment) pax.comment = "\u00fc";
    return {
      name: bytesOf(`${member.path}${slash}`),
      linkName: bytesOf(member.linkPath ?? ""),
      type: isPlainV7 ? "\0" : flags[member.type],
      body: data,
      size: style.sizeInPax ? 0 : data.length,
      mode: member.mode,
      uid: member.uid ?? 0,
      gid: member.gid ?? 0,
      mtime,
      dialect: look,
      digits: style.digits,
      longNames: style.longNames,
      ...(isDevice && { devMajor: member.deviceMajor ?? 0, devMinor: member.deviceMinor ?? 0 }),
      ...(Object.keys(pax).length > 0 && { pax }),
    };
  });

const sparseFile: fc.Arbitrary<SparseFile> = fc
  .record({
    name: fc.constantFrom("disk", "folder/disk.img"),
    form: fc.constantFrom("old-gnu", "pax-0.0", "pax-0.1", "pax-1.0"),
    holes: fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 40 }),
    lastSize: fc.integer({ min: 1, max: 700 }),
    after: fc.nat({ max: 5000 }),
  })
  .map(({ name, form, holes, lastSize, after }) => {
    let offset = 0;
    const chunks = holes.map((hole, index) => {
      const size = index === holes.length - 1 ? lastSize : 512;
      const chunk = { offset: offset + hole * 512, data: Buffer.alloc(size, `${index}`) };
      offset = chunk.offset + size;
      return chunk;
    });
    return { name, form, chunks, realSize: offset + after };
  });

/** A member by itself, or behind a header that goes for all that follow and says nothing of them. */
const piece = fc.oneof(
  { weight: 8, arbitrary: foreignMember.map((entry) => [entry]) },
  { weight: 1, arbitrary: sparseFile.map((file) => [sparseMember(file)]) },
  {
    weight: 1,
    arbitrary: foreignMember.map((entry) => [paxHeader({ comment: "all" }, { type: "g" }), entry]),
  },
);

/** The parts of an archive on which all readers must agree. */
export const archiveParts: fc.Arbitrary<(TarEntry | Buffer)[]> = fc
  .array(piece, { maxLength: 6 })
  .map((pieces) => pieces.flat());
