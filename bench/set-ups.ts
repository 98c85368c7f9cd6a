// SPDX-License-Identifier: Apache-2.0
import type { Step } from "./measure.ts";

type SetUp = Pick<Step, "setUp" | "tearDown">;

/**
 * What was set up for each contender and not torn down yet: a case that starts with the set-up of
 * the one before goes on with it. Loading the image anew for each case took minutes of a run.
 */
export class SetUps {
  readonly #run: (command: string) => Promise<void>;
  readonly #active = new Map<string, SetUp>();

  constructor(run: (command: string) => Promise<void>) {
    this.#run = run;
  }

  /** Makes the contender's set-up the one that the step wants, if it has another or none. */
  async enter({ contender, setUp, tearDown }: Step): Promise<void> {
    if (setUp !== undefined && this.#active.get(contender)?.setUp === setUp) return;
    await this.leave(contender);
    if (setUp === undefined) return;
    // Also after a set-up that failed half-way there is something to tear down.
    this.#active.set(contender, { setUp, tearDown });
    await this.#run(setUp);
  }

  /** Tears down what the contender has. */
  async leave(contender: string): Promise<void> {
    const tearDown = this.#active.get(contender)?.tearDown;
    this.#active.delete(contender);
    if (tearDown !== undefined) await this.#run(tearDown);
  }

  async leaveAll(): Promise<void> {
    for (const contender of [...this.#active.keys()]) {
      // Stores go with the bench's folder; nobody's figures are lost over it.
      await this.leave(contender).catch(() => undefined);
    }
  }
}
