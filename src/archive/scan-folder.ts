// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { join } from "node:path";
import { ioError } from "../base/io-error.ts";
import { type Member, MemberTable } from "./member.ts";

/** `blobs/sha256/<digest>` is as deep as layouts and unpacked archives go. */
const maxDepth = 3;

export interface OpenFolder extends Disposable {
  readonly members: MemberTable;
}

/**
 * Lists the files of a folder that holds an OCI layout or an unpacked archive.
 *
 * Files are opened when they are looked up and stay open until the folder is disposed of.
 *
 * @throws LadeError IO_FAILED, STORE_DENIED for what can't be read
 */
export function scanFolder(path: string): OpenFolder {
  const opened: number[] = [];
  const members = new MemberTable(path);
  const open = (name: string): number => {
    try {
      // The listing saw a plain file; a link put in its place since is not followed.
      const fd = fs.openSync(join(path, name), fs.constants.O_RDONLY + fs.constants.O_NOFOLLOW);
      opened.push(fd);
      return fd;
    } catch (error) {
      throw ioError(error, `read ${join(path, name)}`);
    }
  };
  try {
    addFolder(members, { root: path, name: "", depth: 0, open });
  } catch (error) {
    throw ioError(error, `read folder ${path}`);
  }
  return {
    members,
    [Symbol.dispose]() {
      for (const fd of opened) fs.closeSync(fd);
    },
  };
}

interface FolderPart {
  readonly root: string;
  readonly name: string;
  readonly depth: number;
  readonly open: (name: string) => number;
}

function addFolder(members: MemberTable, part: FolderPart): void {
  for (const entry of fs.readdirSync(join(part.root, part.name), { withFileTypes: true })) {
    const name = part.name === "" ? entry.name : `${part.name}/${entry.name}`;
    if (entry.isDirectory()) {
      members.add(name, { type: "other" });
      if (part.depth < maxDepth) addFolder(members, { ...part, name, depth: part.depth + 1 });
    } else if (entry.isSymbolicLink()) {
      members.add(name, { type: "symlink", target: fs.readlinkSync(join(part.root, name)) });
    } else if (entry.isFile()) {
      members.add(name, { type: "file", member: lazyMember(name, part) });
    }
  }
}

function lazyMember(name: string, part: FolderPart): Member {
  let content: Member["content"] | undefined;
  return {
    name,
    size: fs.lstatSync(join(part.root, name)).size,
    get content() {
      content ??= { type: "range", fd: part.open(name), offset: 0 };
      return content;
    },
  };
}
