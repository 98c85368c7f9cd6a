// SPDX-License-Identifier: Apache-2.0

/** Loop devices: files as block devices, for kernels that mount EROFS from nothing else. */

import * as fs from "node:fs";
import { isSystemError } from "../base/errors.ts";
import { libcCalls } from "./calls.ts";
import { checkCall } from "./errno.ts";
import { closeOnExec } from "./file.ts";

// <linux/loop.h>.
const getFreeDevice = 0x4c82n;
const configureDevice = 0x4c0an;
const readOnlyFlag = 1;
const autoClearFlag = 4;
/** struct loop_config: fd, block_size, struct loop_info64 (232 bytes), 8 reserved words. */
const configSize = 304;
const infoOffset = 8;
const flagsOffset = infoOffset + 52;

/** A loop device that shows a file; it goes when nothing has it open or mounted any more. */
export interface LoopDevice extends Disposable {
  /** Such as `/dev/loop3`. */
  readonly path: string;
}

const triesMax = 1000;

/**
 * Shows a file as a read-only block device. From kernel 5.8 on.
 *
 * Dispose of it when it is mounted: the mount keeps it.
 *
 * @throws SystemError ENOENT where there are no loop devices, EPERM without root
 */
export function openLoopDevice(file: string): LoopDevice {
  const backing = fs.openSync(file, fs.constants.O_RDONLY | closeOnExec);
  try {
    const control = fs.openSync("/dev/loop-control", fs.constants.O_RDWR | closeOnExec);
    try {
      return takeFree(control, backing);
    } finally {
      fs.closeSync(control);
    }
  } finally {
    fs.closeSync(backing);
  }
}

function takeFree(control: number, backing: number): LoopDevice {
  for (let tries = 0; ; tries++) {
    const number = libcCalls().ioctl(control, getFreeDevice, null);
    const path = `/dev/loop${checkCall(number, { syscall: "ioctl LOOP_CTL_GET_FREE" })}`;
    let fd: number | undefined;
    try {
      fd = fs.openSync(path, fs.constants.O_RDONLY | closeOnExec);
      configure(fd, backing);
      const opened = fd;
      return { path, [Symbol.dispose]: () => fs.closeSync(opened) };
    } catch (error) {
      if (fd !== undefined) fs.closeSync(fd);
      // Somebody else took it between the two calls.
      const isTaken = isSystemError(error, "EBUSY") || isSystemError(error, "ENXIO");
      if (!isTaken || tries === triesMax) throw error;
    }
  }
}

function configure(device: number, backing: number): void {
  const config = Buffer.alloc(configSize);
  config.writeUInt32LE(backing, 0);
  config.writeUInt32LE(512, 4);
  config.writeUInt32LE(readOnlyFlag | autoClearFlag, flagsOffset);
  const result = libcCalls().ioctl(device, configureDevice, config);
  checkCall(result, { syscall: "ioctl LOOP_CONFIGURE" });
}
