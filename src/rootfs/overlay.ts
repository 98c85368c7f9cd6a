// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { join } from "node:path";
import { isKernelAtLeast } from "../sys/kernel.ts";
import { attachMount, createFileSystem, mount } from "../sys/mount.ts";
import { removeAll } from "../sys/remove-all.ts";
import { inFolder } from "../sys/working-folder.ts";
import { plainPath } from "./layer-mounts.ts";

export interface Overlay {
  /** Lowest first; at least one, or two where there is no upper folder. */
  readonly lowers: readonly string[];
  /** Where changes go; without it the overlay is read-only. */
  readonly upper?: OverlayUpper | undefined;
  readonly target: string;
  /** A folder that this may make, for short names, and that is gone afterwards. */
  readonly scratch: string;
}

export interface OverlayUpper {
  readonly upper: string;
  readonly work: string;
  /** What is written need not survive a power cut. */
  readonly isTemporary?: boolean | undefined;
}

/**
 * - `redirect_dir=nofollow`, `metacopy=off`: nothing in a layer can show what lies elsewhere (a
 *   layer may carry overlayfs's own attributes, and some kernels follow them by default).
 * - `index=off`: a copied container or store stays mountable.
 * - `xino=on`: layers are file systems of their own; without it files and folders of one tree
 *   would lie on different devices, and `tar --one-file-system` would leave files out.
 * - `volatile` for what is removed at its end only: elsewhere what a container synced has to be there
 *   after a power cut.
 */
const fixedOptions = [
  ["redirect_dir", "nofollow"],
  ["metacopy", "off"],
  ["index", "off"],
  ["xino", "on"],
] as const;

/** How the kernel is told: one option a call, or all in one string. */
export type OverlayMethod = "options" | "string";

/**
 * Mounts an overlay.
 *
 * @param method found by the kernel's version where undefined
 * @throws SystemError
 */
export function mountOverlay(overlay: Overlay, method?: OverlayMethod): void {
  // `lowerdir+` came with Linux 6.7.
  const chosen = method ?? (isKernelAtLeast(6, 7) ? "options" : "string");
  if (chosen === "options") mountByOptions(overlay);
  else mountByString(overlay);
}

/**
 * Where nothing has to last, the kernel need not sync when it unmounts, which takes longer than all
 * the rest where others write much. It leaves a mark that keeps the next mount off.
 */
function upperOptions(upper: OverlayUpper): (readonly [string, string | null])[] {
  removeAll(join(upper.work, "work", "incompat"));
  // `volatile` came with Linux 5.10.
  return upper.isTemporary === true && isKernelAtLeast(5, 10) ? [["volatile", null]] : [];
}

function mountByOptions({ lowers, upper, target }: Overlay): void {
  const opened: number[] = [];
  const plain = (path: string) => plainPath(path, opened);
  try {
    const options: (readonly [string, string | null])[] = [["source", "overlay"], ...fixedOptions];
    for (const lower of lowers.toReversed()) options.push(["lowerdir+", plain(lower)]);
    if (upper !== undefined) {
      options.push(["upperdir", plain(upper.upper)], ["workdir", plain(upper.work)]);
      options.push(...upperOptions(upper));
    }
    const fd = createFileSystem({ type: "overlay", options });
    try {
      attachMount(fd, target);
    } finally {
      fs.closeSync(fd);
    }
  } finally {
    for (const fd of opened) fs.closeSync(fd);
  }
}

const shortNameBase = 36;

/**
 * All options have to fit into 4095 bytes, so each folder gets a name of one or two letters in a
 * folder that is the working folder meanwhile; such names need no escapes either.
 */
function mountByString({ lowers, upper, target, scratch }: Overlay): void {
  removeAll(scratch);
  fs.mkdirSync(scratch, { mode: 0o700 });
  try {
    const names = lowers.map((lower, index) => {
      const name = index.toString(shortNameBase);
      fs.symlinkSync(lower, join(scratch, name));
      return name;
    });
    const options: (readonly [string, string | null])[] = [
      ["lowerdir", names.toReversed().join(":")],
    ];
    if (upper !== undefined) {
      fs.symlinkSync(upper.upper, join(scratch, "upper"));
      fs.symlinkSync(upper.work, join(scratch, "work"));
      options.push(["upperdir", "upper"], ["workdir", "work"], ...upperOptions(upper));
    }
    options.push(...fixedOptions);
    const data = options
      .map(([key, value]) => (value === null ? key : `${key}=${value}`))
      .join(",");
    inFolder(scratch, () => mount({ source: "overlay", target, type: "overlay", data }));
  } finally {
    removeAll(scratch);
  }
}
