// SPDX-License-Identifier: Apache-2.0

import { type DockerImages, makeDockerImages, makeRootTar } from "./images.ts";
import { type Lab, openLab } from "./lab.ts";

/** The lab that all tests here share, with what takes long to make. */
export interface SharedLab {
  readonly lab: Lab;
  /** A root file system with busybox, as a tar. */
  readonly rootTar: string;
  readonly images: DockerImages;
  /** Archive of all of docker's images that have a name. */
  readonly dockerArchive: string;
  /** Archive of `changed:1` alone: skopeo 1.9 can't read the other, where layers are symlinks. */
  readonly changedArchive: string;
}

let shared: Promise<SharedLab> | undefined;

/** The lab, made when the first test asks for it: so each test says itself what it lacks. */
export function sharedLab(): Promise<SharedLab> {
  shared ??= makeSharedLab();
  return shared;
}

async function makeSharedLab(): Promise<SharedLab> {
  const lab = await openLab();
  try {
    const rootTar = await makeRootTar(lab);
    const images = await makeDockerImages(lab, rootTar);
    const dockerArchive = lab.path("docker-all.tar");
    const names = Object.values(images).flatMap((image) => image.names);
    await lab.docker("save", "--output", dockerArchive, ...names);
    const changedArchive = lab.path("docker-changed.tar");
    await lab.docker("save", "--output", changedArchive, ...images.changed.names);
    return { lab, rootTar, images, dockerArchive, changedArchive };
  } catch (error) {
    await lab[Symbol.asyncDispose]();
    throw error;
  }
}

/** Ends what was started, also where that failed half-way. */
export async function closeSharedLab(): Promise<void> {
  const opened = await shared?.catch(() => undefined);
  await opened?.lab[Symbol.asyncDispose]();
}
