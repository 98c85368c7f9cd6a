// SPDX-License-Identifier: Apache-2.0

import type { DocumentTemplate } from "./document.ts";

/** The template of a document's `--format`; undefined where that is empty or asks for JSON. */
export async function documentTemplate(format: string): Promise<DocumentTemplate | undefined> {
  if (format === "" || format === "json") return undefined;
  return (await import("./document.ts")).parseDocumentTemplate(format);
}

/** The same for the documents of images, which Docker's Go types see in their own way. */
export async function imageTemplate(format: string): Promise<DocumentTemplate | undefined> {
  if (format === "" || format === "json") return undefined;
  const [{ parseDocumentTemplate }, { imageViews }] = await Promise.all([
    import("./document.ts"),
    import("./inspect-views.ts"),
  ]);
  return parseDocumentTemplate(format, imageViews);
}
