// SPDX-License-Identifier: Apache-2.0

import { main } from "../src/cli/main.ts";
import { createProcessContext } from "../src/cli/process-context.ts";

const context = createProcessContext();
process.exitCode = await main(process.argv.slice(2), context);

// A read of a pipe to which nothing comes can't be ended, and neither return nor exit() ends before
// it does: only a signal, to which nobody listens any more.
const isReading = process.getActiveResourcesInfo().includes("FSReqCallback");
if (isReading && context.interruptedBy !== undefined) {
  process.kill(process.pid, context.interruptedBy);
}

// Not by returning: Node would close the database then, see `endsWithProcess`.
process.exit();
