// SPDX-License-Identifier: Apache-2.0

import { requireTool, runOrThrow } from "./tools.ts";

/** What Python sees of one file; it shares no code with lade. */
export interface FileFacts {
  readonly type: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Nanoseconds since 1970, as text: it does not fit a number. */
  readonly mtime: string;
  readonly size: number;
  readonly target: string;
  readonly device: string;
  /** First path, in order of names, of the same file. */
  readonly same: string;
  readonly xattrs: Readonly<Record<string, string>>;
  readonly sha256: string;
}

const script = `
import hashlib, json, os, stat, sys
root = os.fsencode(sys.argv[1])
kinds = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symlink",
         stat.S_IFCHR: "character", stat.S_IFBLK: "block", stat.S_IFIFO: "fifo", stat.S_IFSOCK: "socket"}
text = lambda b: b.decode("latin1")
facts, seen = {}, {}
def visit(path, rel):
    s = os.lstat(path)
    kind = kinds[stat.S_IFMT(s.st_mode)]
    first = rel if kind == "directory" else seen.setdefault((s.st_dev, s.st_ino), rel)
    xattrs = {}
    for name in os.listxattr(path, follow_symlinks=False):
        if not name.startswith(("trusted.", "security.selinux")):
            xattrs[name] = text(os.getxattr(path, name, follow_symlinks=False))
    digest = ""
    if kind == "file":
        h = hashlib.sha256()
        with open(path, "rb") as f:
            for chunk in iter(lambda: f.read(1 << 20), b""): h.update(chunk)
        digest = h.hexdigest()
    facts[text(rel)] = dict(type=kind, mode=stat.S_IMODE(s.st_mode), uid=s.st_uid, gid=s.st_gid,
        mtime=str(s.st_mtime_ns), size=s.st_size if kind == "file" else 0,
        target=text(os.readlink(path)) if kind == "symlink" else "",
        device="%d:%d" % (os.major(s.st_rdev), os.minor(s.st_rdev)) if kind in ("character", "block") else "",
        same=text(first), xattrs=xattrs, sha256=digest)
    if kind == "directory":
        for name in sorted(os.listdir(path)):
            visit(path + b"/" + name, rel + b"/" + name if rel else name)
sys.setrecursionlimit(5000)
visit(root, b"")
json.dump(facts, sys.stdout)
`;

/** All files below a folder, by path in bytes (one character each); the folder itself is "". */
export async function treeFacts(folder: string): Promise<Record<string, FileFacts>> {
  const python = requireTool("python3", "python3");
  const { stdout } = await runOrThrow(python, ["-c", script, folder]);
  return JSON.parse(stdout) as Record<string, FileFacts>;
}

/** The same without times, for trees whose folders were touched at different times. */
export function withoutTimes(
  facts: Readonly<Record<string, FileFacts>>,
): Record<string, Omit<FileFacts, "mtime">> {
  const entries = Object.entries(facts).map(([path, { mtime: _, ...rest }]) => [path, rest]);
  return Object.fromEntries(entries) as Record<string, Omit<FileFacts, "mtime">>;
}
