// SPDX-License-Identifier: Apache-2.0

import { isLadeError } from "../../base/errors.ts";
import type { ContainerSummary } from "../../engine/container-types.ts";
import { goQuote } from "../../spec/go-quote.ts";
import { familiarName, familiarString, parseReference } from "../../spec/reference.ts";
import { goTime, humanSize, shortId, timeAgo, type ZoneAt } from "./human.ts";
import { labelMethod, labelsText } from "./labels.ts";
import type { ListView } from "./list-view.ts";
import { portsText } from "./port-text.ts";
import { ellipsis } from "./width.ts";

export interface ContainerViewOptions {
  readonly isTruncated: boolean;
  readonly hasSize: boolean;
  readonly nowMs: number;
  readonly zoneAt: ZoneAt;
}

const commandWidth = 20;
const mountWidth = 15;

/** The fields of a container's row; Docker's names and texts. */
export function containerView(options: ContainerViewOptions): ListView<ContainerSummary> {
  const { isTruncated, hasSize, nowMs, zoneAt } = options;
  return {
    goType: "*formatter.ContainerContext",
    fields: {
      ID: ({ Id }) => (isTruncated ? shortId(Id) : Id),
      Names: (container) => namesText(container, isTruncated),
      Image: (container) => imageText(container, isTruncated),
      Command: ({ Command }) => goQuote(isTruncated ? ellipsis(Command, commandWidth) : Command),
      CreatedAt: ({ Created }) => goTime(Created * 1000, zoneAt),
      RunningFor: ({ Created }) => timeAgo(Created * 1000, nowMs),
      // Docker knows it where it has images of several platforms under one name.
      Platform: () => null,
      Ports: ({ Ports }) => portsText(Ports),
      State: ({ State }) => State,
      Status: ({ Status }) => Status,
      Size: sizeText,
      Labels: ({ Labels }) => labelsText(Labels),
      Mounts: ({ Mounts }) => {
        const names = Mounts.map(({ Name, Source }) => Name || Source);
        return names.map((name) => (isTruncated ? ellipsis(name, mountWidth) : name)).join(",");
      },
      LocalVolumes: ({ Mounts }) =>
        String(Mounts.filter(({ Driver }) => Driver === "local").length),
      Networks: ({ NetworkSettings }) => Object.keys(NetworkSettings.Networks).join(","),
    },
    methods: { Label: labelMethod(({ Labels }) => Labels) },
    headers: containerHeaders,
    columns: [
      "ID",
      "Image",
      "Command",
      "RunningFor",
      "Status",
      "Ports",
      "Names",
      ...(hasSize ? ["Size"] : []),
    ],
  };
}

const containerHeaders = {
  ID: "CONTAINER ID",
  Names: "NAMES",
  Image: "IMAGE",
  Command: "COMMAND",
  CreatedAt: "CREATED AT",
  RunningFor: "CREATED",
  Platform: "PLATFORM",
  Ports: "PORTS",
  State: "STATE",
  Status: "STATUS",
  Size: "SIZE",
  Labels: "LABELS",
  Mounts: "MOUNTS",
  LocalVolumes: "LOCAL VOLUMES",
  Networks: "NETWORKS",
} as const;

/** Names without their slash; the short list leaves out those that links gave. */
function namesText({ Names }: ContainerSummary, isTruncated: boolean): string {
  const names = Names.map((name) => name.slice(1));
  const own = isTruncated ? names.find((name) => !name.includes("/")) : undefined;
  return own ?? names.join(",");
}

/** The image as it was named; the short list cuts digests. */
function imageText({ Image, ImageID }: ContainerSummary, isTruncated: boolean): string {
  if (Image === "") return "<no image>";
  if (!isTruncated) return Image;
  if (shortId(Image) === shortId(ImageID)) return shortId(Image);
  try {
    const { digest: _digest, ...reference } = parseReference(Image);
    return reference.tag === undefined ? familiarName(reference) : familiarString(reference);
  } catch (error) {
    if (!isLadeError(error)) throw error;
    return Image;
  }
}

function sizeText({ SizeRw = 0, SizeRootFs = 0 }: ContainerSummary): string {
  const size = humanSize(SizeRw, 3);
  return SizeRootFs > 0 ? `${size} (virtual ${humanSize(SizeRootFs, 3)})` : size;
}
