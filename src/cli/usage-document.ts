// SPDX-License-Identifier: Apache-2.0

import type { DiskUsage } from "../engine/types.ts";
import type { Context } from "./context.ts";
import { containerView } from "./format/container-view.ts";
import { documentTemplate } from "./format/document-format.ts";
import { imageView } from "./format/image-view.ts";
import { toJson } from "./format/json.ts";
import { rowFields } from "./format/list-view.ts";
import { ownSize, usageImageRows } from "./format/usage-rows.ts";
import { volumeView } from "./format/volume-view.ts";

export interface UsageDocumentOptions {
  readonly usage: DiskUsage;
  /** `json` or a template. */
  readonly format: string;
}

/** `system df -v --format`: one document with a list for each kind of thing. */
export async function writeUsageDocument(
  context: Context,
  { usage, format }: UsageDocumentOptions,
): Promise<void> {
  const options = { isTruncated: false, nowMs: context.now(), zoneAt: context.zoneAt };
  const images = imageView({ ...options, hasDigests: false });
  const containers = containerView({ ...options, hasSize: true });
  const document = {
    Images: usageImageRows(usage).map((row) => rowFields(images, row)),
    Containers: usage.containers.map((container) => rowFields(containers, ownSize(container))),
    Volumes: usage.volumes.map((volume) => rowFields(volumeView, volume)),
    BuildCache: [],
  };
  const template = await documentTemplate(format);
  const text = template?.render(document, context.stdout) ?? toJson(document);
  context.stdout.write(`${text}\n`);
}
