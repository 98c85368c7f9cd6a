// SPDX-License-Identifier: Apache-2.0

import type { VolumeDocument } from "../../engine/container-types.ts";
import { humanSize } from "./human.ts";
import { labelMethod, labelsText } from "./labels.ts";
import type { ListView } from "./list-view.ts";

/** Only volumes of a cluster have these. */
const notHere = () => "N/A";

/** The fields of a volume's row; Docker's names and texts. */
export const volumeView: ListView<VolumeDocument> = {
  goType: "*formatter.volumeContext",
  fields: {
    Name: ({ Name }) => Name,
    Driver: ({ Driver }) => Driver,
    Scope: ({ Scope }) => Scope,
    Mountpoint: ({ Mountpoint }) => Mountpoint,
    Labels: ({ Labels }) => labelsText(Labels),
    Links: ({ UsageData }) => (UsageData === undefined ? "N/A" : String(UsageData.RefCount)),
    Size: ({ UsageData }) => (UsageData === undefined ? "N/A" : humanSize(UsageData.Size)),
    Group: notHere,
    Availability: notHere,
    Status: notHere,
  },
  methods: { Label: labelMethod(({ Labels }) => Labels) },
  headers: {
    ID: "ID",
    Name: "VOLUME NAME",
    Group: "GROUP",
    Driver: "DRIVER",
    Scope: "SCOPE",
    Availability: "AVAILABILITY",
    Mountpoint: "MOUNTPOINT",
    Labels: "LABELS",
    Links: "LINKS",
    Size: "SIZE",
    Status: "STATUS",
  },
  columns: ["Driver", "Name"],
  quietField: "Name",
};
