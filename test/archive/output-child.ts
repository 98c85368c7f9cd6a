// SPDX-License-Identifier: Apache-2.0

/**
 * Writes noise to standard output, and tells on standard error how that ended.
 *
 * Arguments: bytes, and a user to become first, as whom a file that was opened before can be written
 * but not opened again.
 */

import { writeStandardOutput } from "../../src/archive/output.ts";
import { noise, piecewise } from "../helpers/bytes.ts";

const [size = "0", user] = process.argv.slice(2);
if (user !== undefined) process.setuid?.(Number(user));
try {
  await writeStandardOutput(piecewise(noise(Number(size)), [100_000]), {});
  console.error("done");
} catch (error) {
  const { code, message } = error as { code?: string; message: string };
  console.error(`${code}: ${message}`);
}
