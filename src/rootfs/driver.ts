// SPDX-License-Identifier: Apache-2.0

/** Which way this machine's kernel takes layers: found out once in each boot, by trying. */

import * as fs from "node:fs";
import { join } from "node:path";
import { LadeError, messageOf } from "../base/errors.ts";
import { machineError } from "../base/io-error.ts";
import { bootId } from "../content/boot.ts";
import { removeIfPossible } from "../content/remove-if-possible.ts";
import { isKernelAtLeast } from "../sys/kernel.ts";
import { withLock } from "../sys/lock.ts";
import type { RootfsDriver } from "./plan.ts";
import { probeDriver } from "./probe.ts";
import { makeRunFolders, type RunPaths } from "./run-paths.ts";

export interface DriverChoice {
  readonly driver: RootfsDriver;
  /** Why, in words for people. */
  readonly reason: string;
}

/** The environment variable that sets the driver. */
export const driverSetting = "LADE_STORAGE_DRIVER";

const drivers: readonly RootfsDriver[] = ["erofs", "erofs-loop", "unpacked"];

export interface DriverPlaces {
  readonly run: RunPaths;
  /** The store's folder: what can be mounted depends on the file system that it lies in. */
  readonly storeRoot: string;
}

/**
 * Chooses how layers become folders.
 *
 * - `erofs`: the kernel (from 6.12 on) mounts the stored files.
 * - `erofs-loop`: it mounts them through loop devices.
 * - `unpacked`: layers are unpacked at first use.
 *
 * @param setting the value of LADE_STORAGE_DRIVER; the best that works where undefined or empty
 * @throws LadeError UNSUPPORTED for a setting that is none of these
 */
export function chooseDriver(setting: string | undefined, places: DriverPlaces): DriverChoice {
  if (setting) {
    const driver = drivers.find((one) => one === setting);
    if (driver !== undefined) return { driver, reason: `set by ${driverSetting}` };
    throw new LadeError(
      "UNSUPPORTED",
      `${driverSetting}: unknown storage driver ${JSON.stringify(setting)}, expected one of ${drivers.join(", ")}`,
    );
  }
  return process.geteuid?.() === 0 ? knownChoice(places) : guess("only root can try");
}

/** Who may not mount can't try either. */
function guess(why: string): DriverChoice {
  const reason = `by the kernel's version: ${why}`;
  return { driver: isKernelAtLeast(6, 12) ? "erofs" : "unpacked", reason };
}

/** Whoever tries what the kernel can do holds this. */
export function driverLockPath(run: RunPaths): string {
  return join(run.locks, "driver");
}

const choiceName = "driver.json";

interface Known extends DriverChoice {
  readonly boot: string;
  readonly storeRoot: string;
}

function knownChoice(places: DriverPlaces): DriverChoice {
  const { run, storeRoot } = places;
  const path = join(run.root, choiceName);
  const boot = bootId();
  const known = readKnown(path);
  if (known !== undefined && known.boot === boot && known.storeRoot === storeRoot) return known;
  try {
    makeRunFolders(run);
  } catch (error) {
    return guess(messageOf(error));
  }
  return withLock(driverLockPath(run), () => {
    const found: Known = { ...tryAll(places), boot, storeRoot };
    keep(path, found);
    return found;
  });
}

/** Removes what was being written down when its command was killed; by who holds the lock. */
export function forgetUnfinishedChoice(run: RunPaths): void {
  removeIfPossible(join(run.root, `${choiceName}.tmp`));
}

/** What can't be kept is found out again by the next command. */
function keep(path: string, found: Known): void {
  const beside = `${path}.tmp`;
  try {
    fs.writeFileSync(beside, JSON.stringify(found), { mode: 0o600 });
    fs.renameSync(beside, path);
  } catch (error) {
    if (machineError(error) === undefined) throw error;
    removeIfPossible(beside);
  }
}

function readKnown(path: string): Known | undefined {
  try {
    return JSON.parse(fs.readFileSync(path, "utf8")) as Known;
  } catch {
    // Not there yet, or cut off by a crash: it is made again.
    return undefined;
  }
}

function tryAll(places: DriverPlaces): DriverChoice {
  const problems: string[] = [];
  for (const driver of ["erofs", "erofs-loop"] as const) {
    try {
      probeDriver(driver, places);
      return { driver, reason: problems.join("; ") || "the kernel mounts layers as they lie" };
    } catch (error) {
      problems.push(`${driver}: ${messageOf(error)}`);
    }
  }
  return { driver: "unpacked", reason: problems.join("; ") };
}
