// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { join } from "node:path";
import fc from "fast-check";

/** Something that a container does to a tree; what can't be done there and then is left. */
export type Change =
  | { readonly type: "write"; readonly path: string; readonly text: string; readonly mode: number }
  | { readonly type: "folder"; readonly path: string; readonly mode: number }
  | { readonly type: "remove"; readonly path: string }
  | { readonly type: "symlink"; readonly path: string; readonly target: string }
  | { readonly type: "link"; readonly path: string; readonly other: string }
  | { readonly type: "rename"; readonly path: string; readonly other: string }
  | { readonly type: "owner"; readonly path: string; readonly uid: number }
  | { readonly type: "time"; readonly path: string; readonly seconds: number };

/** Few names, so that changes meet. */
const name = fc.constantFrom("a", "b", "c", "\u00e9", "x y");
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
const mode = fc.constantFrom(0o644, 0o755, 0o600, 0o4711, 0o1777);

export const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ type: fc.constant("write" as const), path, text: fc.string(), mode }),
  fc.record({ type: fc.constant("folder" as const), path, mode }),
  fc.record({ type: fc.constant("remove" as const), path }),
  fc.record({ type: fc.constant("remove" as const), path }),
  fc.record({ type: fc.constant("symlink" as const), path, target: path }),
  fc.record({ type: fc.constant("link" as const), path, other: path }),
  fc.record({ type: fc.constant("rename" as const), path, other: path }),
  fc.record({ type: fc.constant("owner" as const), path, uid: fc.constantFrom(0, 5, 70_000) }),
  fc.record({ type: fc.constant("time" as const), path, seconds: fc.integer({ min: -9, max: 9 }) }),
);

export function apply(root: string, change: Change): void {
  const at = join(root, change.path);
  // Symlinks in the middle of a path may lead anywhere.
  if (!isPlain(root, change.path)) return;
  if ("other" in change && !isPlain(root, change.other)) return;
  try {
    applyTo(root, at, change);
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
  }
}

function isPlain(root: string, path: string): boolean {
  const parts = path.split("/");
  return parts.every((_, index) => {
    const stat = fs.lstatSync(join(root, ...parts.slice(0, index)), { throwIfNoEntry: false });
    return stat === undefined || stat.isDirectory();
  });
}

function applyTo(root: string, at: string, change: Change): void {
  const isLink = fs.lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  switch (change.type) {
    case "write":
      if (isLink) return;
      fs.writeFileSync(at, change.text);
      fs.chmodSync(at, change.mode);
      return;
    case "folder":
      fs.mkdirSync(at, { recursive: true });
      fs.chmodSync(at, change.mode);
      return;
    case "remove":
      fs.rmSync(at, { recursive: true });
      return;
    case "symlink":
      fs.symlinkSync(change.target, at);
      return;
    case "link":
      fs.linkSync(join(root, change.other), at);
      return;
    case "rename":
      fs.renameSync(join(root, change.other), at);
      return;
    case "owner":
      fs.lchownSync(at, change.uid, change.uid + 1);
      return;
    case "time":
      fs.lutimesSync(at, change.seconds, change.seconds + 0.5);
  }
}
