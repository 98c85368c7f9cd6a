// SPDX-License-Identifier: Apache-2.0

const nodeStart =
  "Half of a short command is the start of Node itself (`node -e 0` took 34 ms on this machine on the " +
  "day of the newest figures, when `lade images` took 62 ms; 22 ms and 43 ms on a faster day), which " +
  "docker's client does not have.";

/** Why a target is missed, by the target's id; printed beside the target when it is. */
export const missCauses: Readonly<Record<string, string>> = {
  "run-archive":
    "Hashing and indexing every layer in each round is nearly all of it, and differs with the " +
    "machine's day: 11.5 × on an earlier one.",
  "run-load": `${nodeStart} Two commands have it twice.`,
  "commit-small": nodeStart,
  images: nodeStart,
  "api-inspect-container-rate":
    "dockerd has the whole document in memory. lade looks whether the process still runs and whether " +
    "anybody wrote to the database, and writes 5 kB of JSON by Node's HTTP server.",
  "api-inspect-container-p99": "As for its requests a second.",
  "images-10000": `${nodeStart} The rest is 6 µs for each image: reading rows, making the table.`,
};
