// SPDX-License-Identifier: Apache-2.0

import { scenarios } from "./docker-command-scenarios.ts";
import { testDockerCommand } from "./docker-lines.ts";

testDockerCommand("the docker command on lade and on Docker", scenarios);
