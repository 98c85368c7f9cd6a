// SPDX-License-Identifier: Apache-2.0

/** What the engine tells while it works. The command line draws it, an API streams it. */
export type ProgressEvent =
  | {
      /** Bytes of one layer moved so far. */
      readonly type: "layer";
      readonly action: "load" | "save" | "import" | "verify";
      /** Digest of the layer where it is known, else the member's name. */
      readonly id: string;
      readonly current: number;
      /** Undefined while a stream has not told its length. */
      readonly total: number | undefined;
    }
  | {
      /** Bytes of the whole transfer, for rate and time left. */
      readonly type: "total";
      readonly current: number;
      readonly total: number | undefined;
    };

export type ProgressListener = (event: ProgressEvent) => void;
