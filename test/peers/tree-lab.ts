// SPDX-License-Identifier: Apache-2.0

import { makeRootTar } from "./images.ts";
import { type Lab, openLab } from "./lab.ts";

/** What the judges of trees share: a docker daemon with one image. */
export interface TreeLab {
  readonly lab: Lab;
  /** A root file system with busybox, which docker has as `base:1`. */
  readonly rootTar: string;
}

let shared: Promise<TreeLab> | undefined;

export function treeLab(): Promise<TreeLab> {
  shared ??= makeTreeLab();
  return shared;
}

async function makeTreeLab(): Promise<TreeLab> {
  const lab = await openLab();
  try {
    const rootTar = await makeRootTar(lab);
    await lab.docker("import", rootTar, "base:1");
    return { lab, rootTar };
  } catch (error) {
    await lab[Symbol.asyncDispose]();
    throw error;
  }
}

export async function closeTreeLab(): Promise<void> {
  const opened = await shared?.catch(() => undefined);
  await opened?.lab[Symbol.asyncDispose]();
}
