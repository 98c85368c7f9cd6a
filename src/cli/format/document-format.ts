// SPDX-License-Identifier: Apache-2.0

import type { DocumentTemplate, DocumentViews } from "./document.ts";

/** The template of a document's `--format`; undefined where that is empty or asks for JSON. */
export async function documentTemplate(format: string): Promise<DocumentTemplate | undefined> {
  if (format === "" || format === "json") return undefined;
  return (await import("./document.ts")).parseDocumentTemplate(format);
}

/** The template of an object's `--format`, whose documents are seen as Docker's Go types see them. */
export async function objectTemplate(
  format: string,
  views: () => Promise<DocumentViews>,
): Promise<DocumentTemplate | undefined> {
  if (format === "" || format === "json") return undefined;
  const [{ parseDocumentTemplate }, shapes] = await Promise.all([import("./document.ts"), views()]);
  return parseDocumentTemplate(format, shapes);
}

export async function imageTemplate(format: string): Promise<DocumentTemplate | undefined> {
  return await objectTemplate(format, async () => (await import("./inspect-views.ts")).imageViews);
}

export async function containerTemplate(format: string): Promise<DocumentTemplate | undefined> {
  return await objectTemplate(
    format,
    async () => (await import("./container-shape.ts")).containerViews,
  );
}

export async function networkTemplate(format: string): Promise<DocumentTemplate | undefined> {
  return await objectTemplate(
    format,
    async () => (await import("./container-shape.ts")).networkViews,
  );
}

export async function volumeTemplate(format: string): Promise<DocumentTemplate | undefined> {
  return await objectTemplate(
    format,
    async () => (await import("./container-shape.ts")).volumeViews,
  );
}
