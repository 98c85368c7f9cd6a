// SPDX-License-Identifier: Apache-2.0

import { spawnSync } from "node:child_process";
import {
  closeSync,
  mkdtempSync,
  openSync,
  rmSync,
  statfsSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unmountBelow } from "./mounts.ts";

/** A file system of its own that is soon full. */
export interface SmallDisk extends Disposable {
  readonly folder: string;
  /** Fills it up so far that about this much is left. */
  leave(size: number): void;
}

function run(command: string, ...args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
  if (error !== undefined) throw error;
  if (status !== 0)
    throw new Error(`${command} ${args.join(" ")}: ${stderr} (tests of full disks need root)`);
}

/**
 * Mounts a small file system.
 *
 * @param size bytes
 */
export function mountSmallDisk(kind: "tmpfs" | "ext4", size: number): SmallDisk {
  const top = mkdtempSync(join(tmpdir(), "lade-disk-"));
  const folder = join(top, "mount");
  const unmount = () => {
    unmountBelow(top);
    rmSync(top, { recursive: true, force: true });
  };
  process.once("exit", unmount);
  run("mkdir", folder);
  if (kind === "tmpfs") {
    run("mount", "-t", "tmpfs", "-o", `size=${size}`, "tmpfs", folder);
  } else {
    const image = join(top, "image");
    run("truncate", "-s", String(size), image);
    run("mkfs.ext4", "-q", "-m", "0", image);
    run("mount", "-o", "loop", image, folder);
  }
  const filler = join(folder, "filler");
  return {
    folder,
    leave(left) {
      rmSync(filler, { force: true });
      const { bavail, bsize } = statfsSync(folder);
      const fill = bavail * bsize - left;
      if (fill <= 0) return;
      writeFileSync(filler, "");
      const fd = openSync(filler, "w");
      try {
        for (let done = 0; done < fill; ) {
          done += writeSync(fd, Buffer.alloc(Math.min(65_536, fill - done), 1));
        }
      } catch {
        // A little less is left than asked for.
      } finally {
        closeSync(fd);
      }
    },
    [Symbol.dispose]() {
      process.off("exit", unmount);
      unmount();
    },
  };
}
