// SPDX-License-Identifier: Apache-2.0

import { type FSWatcher, watch } from "node:fs";
import { basename, dirname } from "node:path";

/** A commit is written first, then synced, and only then seen: so long after each write we look. */
const looksAfterWriteMs: readonly number[] = [0, 3, 12, 50, 200, 800];

/** Between two looks, however much is written. */
const leastPauseMs = 3;

/** Without a write: should the kernel have told nothing, as on network file systems. */
const idlePauseMs = 2000;

/** Where the kernel watches nothing more for this user (`fs.inotify.max_user_watches`). */
const blindPauseMs = 250;

/**
 * Tells when another process, or this one, may have changed a database. Cheap while nothing
 * happens: a timer every two seconds.
 */
export class WriteWatch implements Disposable {
  #watcher: FSWatcher | undefined;
  #lookIndex = 0;
  #wake: (() => void) | undefined;

  /** @param databasePath of a SQLite database in WAL mode that the caller has open */
  constructor(databasePath: string) {
    const logName = `${basename(databasePath)}-wal`;
    try {
      // The folder and not the file, which goes and comes back when nobody has the database open.
      this.#watcher = watch(dirname(databasePath), (_event, name) => {
        if (name === logName) this.#noteWrite();
      });
      this.#watcher.on("error", () => this.#goBlind());
    } catch {
      this.#watcher = undefined;
    }
  }

  /** Waits until it is time to look again, at most so long; ends early when the signal is aborted. */
  async next(options: { readonly atMostMs: number; readonly signal: AbortSignal }): Promise<void> {
    const { atMostMs, signal } = options;
    const { promise, resolve } = Promise.withResolvers<void>();
    const begun = performance.now();
    let timer = setTimeout(resolve, Math.min(this.#pauseMs(), atMostMs));
    this.#wake = () => {
      const soon = Math.max(0, leastPauseMs - (performance.now() - begun));
      clearTimeout(timer);
      timer = setTimeout(resolve, Math.min(soon, atMostMs));
      this.#wake = undefined;
    };
    const end = () => resolve();
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
    await promise;
    signal.removeEventListener("abort", end);
    clearTimeout(timer);
    this.#wake = undefined;
  }

  [Symbol.dispose](): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  #noteWrite(): void {
    this.#lookIndex = 0;
    this.#wake?.();
  }

  #goBlind(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
    this.#wake?.();
  }

  #pauseMs(): number {
    if (this.#watcher === undefined) return blindPauseMs;
    const pause = looksAfterWriteMs[this.#lookIndex] ?? idlePauseMs;
    this.#lookIndex++;
    return Math.max(leastPauseMs, pause);
  }
}
