// SPDX-License-Identifier: Apache-2.0

import { scenarios } from "../e2e/parity-scenarios.ts";
import { testDockerCommand } from "./docker-lines.ts";

// What people type to lade itself and to Docker, here to the docker command for both.
testDockerCommand("the docker command with streams, on lade and on Docker", scenarios);
