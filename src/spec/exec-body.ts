// SPDX-License-Identifier: Apache-2.0

/** Bodies of requests for execs. */

import * as v from "valibot";
import { bodyStruct } from "./body-struct.ts";
import { size, textList } from "./schema.ts";

const consoleSize = v.tuple([size, size]);

export const execCreateBody = bodyStruct({
  AttachStdin: v.boolean(),
  AttachStdout: v.boolean(),
  AttachStderr: v.boolean(),
  ConsoleSize: consoleSize,
  DetachKeys: v.string(),
  Tty: v.boolean(),
  Env: textList,
  Cmd: textList,
  Privileged: v.boolean(),
  User: v.string(),
  WorkingDir: v.string(),
});

export const execStartBody = bodyStruct({
  Detach: v.boolean(),
  Tty: v.boolean(),
  ConsoleSize: consoleSize,
});
