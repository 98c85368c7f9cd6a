// SPDX-License-Identifier: Apache-2.0

/**
 * The first bytes of an EROFS image: superblock and device table.
 *
 * @see linux, Documentation/filesystems/erofs.rst and fs/erofs/erofs_fs.h
 */

/** Everything that the image's metadata counts in; a tar's own unit. */
export const blockSize = 512;
const blockBits = 9;

const superOffset = 1024;
const superSize = 128;
const magic = 0xe0f5e1e2;

/** The device table begins right behind the superblock, in slots of this size. */
const deviceSlotSize = 128;
const deviceSlot = (superOffset + superSize) / deviceSlotSize;

/** Where the first inode may lie. */
export const metadataStart: number = superOffset + superSize + deviceSlotSize;

/** The block of the superblock ends here: its checksum covers what lies in it. */
export const headEnd: number = superOffset + blockSize;

/** Nodes are numbered by slots of this size from the start of the image. */
export const slotSize = 32;

const features = {
  /** Compatible: the superblock has a checksum; times are those of modification. */
  compatible: 0x1 + 0x2,
  /** Incompatible: files in chunks; data on other devices. */
  incompatible: 0x4 + 0x8,
} as const;

export interface Superblock {
  readonly rootSlot: number;
  readonly inodes: number;
  /** Of the image itself. */
  readonly blocks: number;
  /** Of the device with the files' data. */
  readonly deviceBlocks: number;
  /** 64 hexadecimal digits that name the layer: the device's tag, and the volume's UUID. */
  readonly digest: string | undefined;
}

/** Writes superblock and device table; everything that lies in the same block must be there already. */
export function writeSuperblock(image: Buffer, superblock: Superblock): void {
  const at = superOffset;
  image.writeUInt32LE(magic, at);
  image.writeUInt32LE(features.compatible, at + 8);
  image[at + 12] = blockBits;
  image.writeUInt16LE(superblock.rootSlot, at + 14);
  image.writeUInt32LE(superblock.inodes, at + 16);
  image.writeUInt32LE(superblock.blocks, at + 36);
  image.writeUInt32LE(features.incompatible, at + 80);
  image.writeUInt16LE(1, at + 86);
  image.writeUInt16LE(deviceSlot, at + 88);
  const device = at + superSize;
  image.writeUInt32LE(superblock.deviceBlocks, device + 64);
  if (superblock.digest !== undefined) {
    image.write(superblock.digest, device, 64, "latin1");
    Buffer.from(superblock.digest.slice(0, 32), "hex").copy(image, at + 48);
  }
  image.writeUInt32LE(crc32c(image.subarray(at, at + blockSize)), at + 4);
}

const castagnoli = 0x82f63b78;

/** CRC-32C without the final inversion, as the kernel counts the block of the superblock. */
function crc32c(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc % 2 === 0 ? 0 : castagnoli);
  }
  return crc >>> 0;
}
