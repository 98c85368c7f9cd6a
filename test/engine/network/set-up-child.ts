// SPDX-License-Identifier: Apache-2.0

/** Sets up the networks of containers, as another command would: STORE RUN_ROOT ID… */

import { containerById } from "../../../src/content/containers.ts";
import { openEngine } from "../../../src/engine/engine.ts";
import { reserveNetwork, setUpNetwork } from "../../../src/engine/network-setup.ts";

const [how, root, runRoot, ...ids] = process.argv.slice(2);
const engine = await openEngine({ root, runRoot });
for (const id of ids) {
  const row = containerById(engine.store.database, id);
  if (row === undefined) throw new Error(`no container ${id}`);
  if (how === "reserve") reserveNetwork(engine, row);
  else await setUpNetwork(engine, row);
}
