// SPDX-License-Identifier: Apache-2.0

import type { serve } from "../api/serve.ts";
import type { checkStore } from "../engine/check.ts";
import type { openEngine } from "../engine/engine.ts";
import type { watchEvents } from "../engine/events.ts";
import type { imageHistory } from "../engine/history.ts";
import type { importImage } from "../engine/import.ts";
import type { inspectImage } from "../engine/inspect.ts";
import type { listImages } from "../engine/list.ts";
import type { listArchive } from "../engine/list-archive.ts";
import type { loadImages } from "../engine/load.ts";
import type { pruneImages } from "../engine/prune.ts";
import type { removeImage } from "../engine/remove.ts";
import type { saveImages } from "../engine/save.ts";
import type { diskUsage, systemInfo } from "../engine/system.ts";
import type { tagImage } from "../engine/tag.ts";
import { type ContainerUseCases, containerUseCases } from "./container-use-cases.ts";

/** The engine as the command line sees it. */
export interface UseCases extends ContainerUseCases {
  readonly openEngine: typeof openEngine;
  readonly checkStore: typeof checkStore;
  readonly diskUsage: typeof diskUsage;
  readonly imageHistory: typeof imageHistory;
  readonly importImage: typeof importImage;
  readonly inspectImage: typeof inspectImage;
  readonly listArchive: typeof listArchive;
  readonly listImages: typeof listImages;
  readonly loadImages: typeof loadImages;
  readonly pruneImages: typeof pruneImages;
  readonly removeImage: typeof removeImage;
  readonly saveImages: typeof saveImages;
  readonly serve: typeof serve;
  readonly systemInfo: typeof systemInfo;
  readonly tagImage: typeof tagImage;
  readonly watchEvents: typeof watchEvents;
}

/** The engine itself; each use case is loaded when it is first called, so that no command pays for others. */
export const useCases: UseCases = {
  ...containerUseCases,
  openEngine: async (...args) => (await import("../engine/engine.ts")).openEngine(...args),
  checkStore: async (...args) => (await import("../engine/check.ts")).checkStore(...args),
  diskUsage: async (...args) => (await import("../engine/system.ts")).diskUsage(...args),
  imageHistory: async (...args) => (await import("../engine/history.ts")).imageHistory(...args),
  importImage: async (...args) => (await import("../engine/import.ts")).importImage(...args),
  inspectImage: async (...args) => (await import("../engine/inspect.ts")).inspectImage(...args),
  listArchive: async (...args) => (await import("../engine/list-archive.ts")).listArchive(...args),
  listImages: async (...args) => (await import("../engine/list.ts")).listImages(...args),
  loadImages: async (...args) => (await import("../engine/load.ts")).loadImages(...args),
  pruneImages: async (...args) => (await import("../engine/prune.ts")).pruneImages(...args),
  removeImage: async (...args) => (await import("../engine/remove.ts")).removeImage(...args),
  saveImages: async (...args) => (await import("../engine/save.ts")).saveImages(...args),
  serve: async (...args) => (await import("../api/serve.ts")).serve(...args),
  systemInfo: async (...args) => (await import("../engine/system.ts")).systemInfo(...args),
  tagImage: async (...args) => (await import("../engine/tag.ts")).tagImage(...args),
  async *watchEvents(...args) {
    yield* (await import("../engine/events.ts")).watchEvents(...args);
  },
};
