// SPDX-License-Identifier: Apache-2.0

/**
 * Known attacks on what reads archives and runs containers, and what tests that they fail here.
 *
 * Rows are those of the fixtures: T tar and pax, P paths and links, W whiteouts and overlayfs, M
 * shapes that must not be refused, A archives and documents, D bombs, C config and start of
 * containers, X copying and exporting, R the API.
 */

import { debatableArchives } from "../fixtures/debatable.ts";
import { escapingLayers } from "../fixtures/escaping-layers.ts";
import { honestArchives } from "../fixtures/honest.ts";
import { hostileArchives } from "../fixtures/hostile.ts";

export type Way =
  | "load"
  | "import"
  | "run in place"
  | "run"
  | "cp"
  | "export"
  | "API load"
  | "API PUT archive"
  | "API";

export interface CorpusRow {
  /** Advisories, or whose test it is. */
  readonly of: string;
  readonly ways: readonly Way[];
  /** Tests that hold it without a fixture of its row: file and words of its title. */
  readonly tests?: readonly (readonly [file: string, title: string])[];
}

const numbered = (letter: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${letter}${index + 1}`);

export const rowsOfTheTable: readonly string[] = [
  ...numbered("T", 18),
  ...numbered("P", 17),
  ...numbered("W", 3),
  ...numbered("M", 12),
  ...numbered("A", 12),
  ...numbered("D", 6),
  ...numbered("C", 10),
  ...numbered("X", 9),
  ...numbered("R", 6),
];

const archive: readonly Way[] = ["load", "run in place"];
const layer: readonly Way[] = ["load", "import", "run in place"];
const everyWay: readonly Way[] = [
  ...layer,
  ...(["run", "cp", "export", "API load", "API PUT archive"] as const),
];

const inside = "runtime/inside.test.ts";
const spec = "runtime/spec.test.ts";
const users = "runtime/users.test.ts";
const copy = "engine/containers/copy.test.ts";
const hostileCopy = "engine/containers/copy-hostile.test.ts";
const race = "faults/swap-race.test.ts";
const shrinking = "fails for a file that becomes shorter while it is read";
const noApi = "reads no path of the host";

export const corpusMap: Readonly<Record<string, CorpusRow>> = {
  T1: { of: "CVE-2026-53655, GHSA-3pv8-6f4r-ffg2", ways: layer },
  T2: { of: "CVE-2025-62518", ways: layer },
  T3: { of: "CVE-2026-33055", ways: layer },
  T4: { of: "CVE-2026-59874, CVE-2025-8194", ways: layer },
  T5: { of: "CVE-2019-20907", ways: layer },
  T6: { of: "CVE-2026-59875", ways: layer },
  T7: { of: "CVE-2026-59871", ways: layer },
  T8: { of: "CVE-2022-2879", ways: layer },
  T9: { of: "CVE-2025-58183", ways: layer },
  T10: { of: "CVE-2026-32288", ways: layer },
  T11: { of: "CVE-2022-48303", ways: layer },
  T12: { of: "numbers that JavaScript can't hold", ways: layer },
  T13: { of: "apply-junk of containers/storage", ways: layer },
  T14: { of: "CVE-2024-28863", ways: layer },
  T15: { of: "CVE-2026-73566", ways: layer },
  T16: {
    of: "CVE-2025-64118",
    ways: ["export"],
    tests: [["rootfs/layer-writer.test.ts", shrinking]],
  },
  T17: { of: "CVE-2021-37712, CVE-2026-23950", ways: layer },
  T18: { of: "the last of two counts", ways: layer },
  P1: { of: "moby Test{Untar,ApplyLayer}InvalidFilenames", ways: everyWay },
  P2: { of: "CVE-2021-32804", ways: everyWay },
  P3: { of: "CVE-2014-6407, CVE-2015-8860, CVE-2024-12905", ways: everyWay },
  P4: { of: "CVE-2026-17106", ways: everyWay },
  P5: { of: "CVE-2026-26960", ways: everyWay },
  P6: { of: "CVE-2021-32803", ways: everyWay },
  P7: { of: "CVE-2026-23745, CVE-2026-24842", ways: everyWay },
  P8: { of: "CVE-2018-20834, CVE-2018-20835", ways: everyWay },
  P9: { of: "CVE-2021-32760", ways: everyWay },
  P10: { of: "CVE-2026-33056", ways: everyWay },
  P11: { of: "CVE-2021-29136", ways: everyWay },
  P12: { of: "CVE-2025-48387, CVE-2025-59343", ways: everyWay },
  P13: { of: "CVE-2025-45582, CVE-2020-10696", ways: everyWay },
  P14: {
    of: "CVE-2025-47290",
    ways: ["cp", "API PUT archive"],
    tests: [[race, "nothing leaves the container's root"]],
  },
  P15: { of: "CVE-2025-11395", ways: everyWay },
  P16: { of: "CVE-2021-37701, CVE-2021-37713, CVE-2026-29786, CVE-2026-31802", ways: everyWay },
  P17: { of: "links to themselves and in circles", ways: everyWay },
  W1: { of: "containerd Whiteout{Root,RootParent,Parent,CurrentDirectory}", ways: everyWay },
  W2: { of: "WhiteoutSymlinkPath, WhiteoutRelativePath", ways: everyWay },
  W3: {
    of: "attributes of overlayfs in a layer",
    ways: everyWay,
    tests: [[hostileCopy, "strips what overlayfs would take for its own"]],
  },
  ...Object.fromEntries(
    numbered("M", 12).map((row): [string, CorpusRow] => [
      row,
      { of: "regressions of moby/go-archive 0.3.0, tests of moby", ways: layer },
    ]),
  ),
  A1: { of: "CVE-2014-9358, CVE-2014-9356", ways: archive },
  A2: { of: "CVE-2024-3727", ways: archive },
  A3: { of: "CVE-2014-8179, umoci hardening.bats", ways: archive },
  A4: { of: "CVE-2021-21285", ways: archive },
  A5: { of: "CVE-2021-41190", ways: archive },
  A6: { of: "CVE-2023-25153, CVE-2020-1702", ways: archive },
  A7: { of: "deep JSON, __proto__, many labels", ways: archive },
  A8: { of: "CVE-2026-50195", ways: archive },
  A9: { of: "two members of one name", ways: archive },
  A10: { of: "CVE-2014-8178, CVE-2024-24557", ways: archive },
  A11: { of: "CVE-2020-15157", ways: archive },
  A12: { of: "layers that are file systems", ways: archive },
  D1: { of: "CVE-2017-14992, CVE-2026-59873", ways: archive },
  D2: { of: "windows and dictionaries of gigabytes", ways: archive },
  D3: { of: "CVE-2022-30631", ways: archive },
  D4: { of: "too many entries and layers", ways: layer },
  D5: {
    of: "CVE-2021-20291",
    ways: ["load", "run"],
    tests: [["faults/corpus.test.ts", "took too long"]],
  },
  D6: {
    of: "CVE-2014-9357, CVE-2026-41567",
    ways: ["load", "cp", "API PUT archive"],
    tests: [
      ["faults/corpus-api.test.ts", "runs no program of the image to unpack"],
      [copy, "takes compressed tars"],
    ],
  },
  C1: {
    of: "CVE-2022-23648, CVE-2020-1726",
    ways: ["run"],
    tests: [
      [
        "engine/containers/volumes.test.ts",
        "an image's volume that leads out of its root stays inside",
      ],
    ],
  },
  C2: {
    of: "CVE-2024-40635, CVE-2026-46680, CVE-2016-3697",
    ways: ["run"],
    tests: [[users, "(C2)"]],
  },
  C3: { of: "CVE-2024-9676, CVE-2026-47262", ways: ["run"], tests: [[users, "(C3)"]] },
  C4: {
    of: "CVE-2024-21626",
    ways: ["run"],
    tests: [
      [inside, "(C4)"],
      ["runtime/working-folder.test.ts", "(C4)"],
    ],
  },
  C5: { of: "CVE-2026-53488", ways: ["run"], tests: [[spec, "(C5)"]] },
  C6: {
    of: "CVE-2022-36109, CVE-2023-25173, CVE-2022-2989",
    ways: ["run"],
    tests: [
      [inside, "(C6)"],
      [spec, "(C6)"],
    ],
  },
  C7: {
    of: "CVE-2022-24769, CVE-2022-27649",
    ways: ["run"],
    tests: [
      [inside, "(C7)"],
      [spec, "(C7)"],
    ],
  },
  C8: {
    of: "CVE-2019-16884, CVE-2021-30465, CVE-2025-31133",
    ways: ["run"],
    tests: [[inside, "(C8)"]],
  },
  C9: {
    of: "texts that no process can have",
    ways: ["run", "API"],
    tests: [
      [spec, "(C9)"],
      ["faults/corpus-api.test.ts", "refuses configs that no process can have"],
    ],
  },
  C10: { of: "mount targets that are links", ways: ["run"], tests: [[inside, "(C10)"]] },
  X1: {
    of: "CVE-2018-15664",
    ways: ["cp", "export", "API PUT archive"],
    tests: [
      [race, "nothing leaves the container's root"],
      [hostileCopy, "(CVE-2018-15664)"],
    ],
  },
  X2: {
    of: "CVE-2019-14271",
    ways: ["cp"],
    tests: [["faults/corpus-api.test.ts", "enters no root of a container to copy"]],
  },
  X3: {
    of: "CVE-2026-41568, CVE-2026-42306",
    ways: ["cp"],
    tests: [[race, "nothing leaves the container's root"]],
  },
  X4: {
    of: "CVE-2021-41089",
    ways: ["cp"],
    tests: [[hostileCopy, "keeps to the container's root, whatever names and links there are"]],
  },
  X5: {
    of: "CVE-2019-18466, CVE-2019-10152",
    ways: ["cp"],
    tests: [[hostileCopy, "keeps to the container's root, whatever names and links there are"]],
  },
  X6: {
    of: "CVE-2023-0778",
    ways: ["export"],
    tests: [[race, "nothing leaves the container's root"]],
  },
  X7: {
    of: "moby PutContainerArchiveErrSymlinkInVolumeToReadOnlyRootfs",
    ways: ["cp"],
    tests: [[copy, "refuses what the container may not write itself"]],
  },
  X8: {
    of: "CVE-2026-53489",
    ways: ["run"],
    tests: [["runtime/logs.test.ts", "does not follow a link"]],
  },
  X9: {
    of: "pipes, sockets and devices in the way",
    ways: ["cp", "export"],
    tests: [
      [
        "rootfs/layer-writer.test.ts",
        "leaves sockets out, takes pipes and devices without opening them",
      ],
    ],
  },
  R1: {
    of: "CVE-2021-41091, CVE-2021-41103, CVE-2024-25621",
    ways: ["API"],
    tests: [["faults/corpus.test.ts", "shows the store to nobody but root (R1)"]],
  },
  R2: {
    of: "CVE-2020-15257, CVE-2025-9074",
    ways: ["API"],
    tests: [["faults/corpus-api.test.ts", "listens on a socket in the file system only"]],
  },
  R3: {
    of: "CVE-2024-41110, CVE-2026-34040: there is no hook that could be passed by",
    ways: ["API"],
    tests: [["api/serve-input.test.ts", "takes a length that lies for what it is"]],
  },
  R4: {
    of: "CVE-2022-23471, CVE-2022-31030, CVE-2025-64329",
    ways: ["API"],
    tests: [["api/processes.test.ts", "keeps nothing of clients that left"]],
  },
  R5: {
    of: "CVE-2024-36621, CVE-2024-36623",
    ways: ["load", "run"],
    tests: [["rootfs/mount-faults.test.ts", "are shared by 50 at once and all gone after them"]],
  },
  R6: {
    of: "escapes in URLs, bodies that are cut",
    ways: ["API"],
    tests: [
      ["faults/corpus-api.test.ts", "takes no path for another's"],
      ["api/images-faults.test.ts", "keeps nothing of what a client sent that left"],
      ["api/images.test.ts", noApi],
    ],
  },
};

/** The fixtures of a row, or all of them. */
export function fixturesOf(
  row?: string,
): readonly { readonly row: string; readonly name: string }[] {
  const layers = escapingLayers.map((one) => ({ row: one.row.split(" ")[0] ?? "", name: one.row }));
  const all = [...hostileArchives, ...honestArchives, ...debatableArchives, ...layers];
  return all
    .map((one) => ({ row: one.row, name: one.name }))
    .filter((one) => row === undefined || one.row === row);
}
