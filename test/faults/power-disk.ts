// SPDX-License-Identifier: Apache-2.0

/** A disk whose power can be cut: all that the file system has not written yet is gone. */

import { closeSync, constants, mkdirSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { libcCalls } from "../../src/sys/calls.ts";
import { unmountBelow } from "../helpers/mounts.ts";
import { requireTool, run, runOrThrow } from "../helpers/tools.ts";

export interface DiskKind {
  readonly name: string;
  readonly type: "ext4" | "xfs";
  readonly options: string;
}

/** As most machines have them, as unkind as ext4 can be told to be, and XFS. */
export const diskKinds: readonly DiskKind[] = [
  { name: "ext4", type: "ext4", options: "" },
  {
    name: "ext4 commit=300,noauto_da_alloc",
    type: "ext4",
    options: "commit=300,noauto_da_alloc",
  },
  { name: "ext4 data=writeback", type: "ext4", options: "data=writeback" },
  { name: "xfs", type: "xfs", options: "" },
];

export interface PowerDisk extends AsyncDisposable {
  readonly folder: string;
  /** Cuts the power: from now on every write fails. */
  cut(): void;
  /** Unmounts and mounts again, as after a boot. Nothing may have files open on it. */
  restart(): Promise<void>;
  /** Makes a new, empty file system. */
  format(): Promise<void>;
}

// EXT4_IOC_SHUTDOWN of Linux' fs/ext4/ext4.h; XFS_IOC_GOINGDOWN of xfs_fs.h has the same number.
const shutdownRequest = 0x8004587dn;
/** `…_NOLOGFLUSH`: not even what is in the journal's memory is written. */
const withoutLogFlush = 2;

/** mkfs.xfs makes none that is smaller. */
const diskSize = 640 * 1024 * 1024;

const commands = {
  ext4: ["mkfs.ext4", "-q", "-F", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0"],
  xfs: ["mkfs.xfs", "-q", "-f"],
};

/**
 * Makes a file system in memory and mounts it. Needs root.
 *
 * @throws Error where the tools to make it are missing
 */
export async function makePowerDisk(kind: DiskKind): Promise<PowerDisk> {
  const [mkfs = "", ...options] = commands[kind.type];
  const program = requireTool(mkfs, kind.type === "xfs" ? "xfsprogs" : "e2fsprogs");
  const top = mkdtempSync(join("/dev/shm", "lade-power-"));
  const folder = join(top, "mount");
  const image = join(top, "image");
  const cleanUp = () => {
    unmountBelow(top);
    rmSync(top, { recursive: true, force: true });
  };
  process.once("exit", cleanUp);
  mkdirSync(folder);
  const mount = () => {
    const extra = kind.options === "" ? "" : `,${kind.options}`;
    return runOrThrow("mount", ["-t", kind.type, "-o", `loop${extra}`, image, folder]);
  };
  const format = async () => {
    rmSync(image, { force: true });
    await runOrThrow("truncate", ["-s", String(diskSize), image]);
    await runOrThrow(program, [...options, image]);
    await mount();
  };
  await format();
  return {
    folder,
    cut: () => shutDown(folder),
    async restart() {
      await release(folder, image);
      await mount();
    },
    async format() {
      await release(folder, image);
      await format();
    },
    async [Symbol.asyncDispose]() {
      process.off("exit", cleanUp);
      cleanUp();
    },
  };
}

function shutDown(folder: string): void {
  const fd = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const flags = Buffer.alloc(4);
    flags.writeUInt32LE(withoutLogFlush);
    if (libcCalls().ioctl(fd, shutdownRequest, flags) !== 0) {
      throw new Error(`${folder}: its power can't be cut (needs root, and ext4 or XFS)`);
    }
  } finally {
    closeSync(fd);
  }
}

const patienceMs = 10_000;

/**
 * Unmounts, and waits until the kernel has let go of the file system: one that something still holds
 * would be mounted again as it is, without power.
 */
async function release(folder: string, image: string): Promise<void> {
  const end = Date.now() + patienceMs;
  for (;;) {
    // A process that was killed may hold the folder for a moment longer.
    const { code, stderr } = await run("umount", [folder]);
    if (code === 0) break;
    if (Date.now() > end) throw new Error(`umount ${folder}: ${stderr}`);
    await delay(20);
  }
  while ((await runOrThrow("losetup", ["-j", image])).stdout !== "") {
    if (Date.now() > end) throw new Error(`${image}: another mount namespace holds it`);
    await delay(20);
  }
}
