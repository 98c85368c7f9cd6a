// SPDX-License-Identifier: Apache-2.0

/** What Docker calls the storage driver: layers lie as tars under their digests. */
export const storageDriver = "lade";
