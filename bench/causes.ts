// SPDX-License-Identifier: Apache-2.0

/** Why a target is missed, by the target's id; printed beside the target when it is. */
export const missCauses: Readonly<Record<string, string>> = {
  "load-pipe":
    "One thread reads the pipe, hashes and indexes: hashing alone is 0.5 s of it. The first step " +
    "would be a second thread for the hash.",
  "save-file":
    "By less than the 0.1 s that starting any command cost in that run, which is in every time.",
  images:
    "Starting any command cost 0.1 s in that run, which is in every time of this table. A shorter " +
    "run on the same machine had 6 ms for that, and 50 ms for `lade images` with it.",
  "images-10000":
    "The query and the table of 10,000 rows; it was not profiled yet. The cost of starting a " +
    "command in that run is in it, too.",
};
