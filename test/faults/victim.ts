// SPDX-License-Identifier: Apache-2.0

/** A folder that nothing from an archive may reach, and what shows that nothing did. */

import * as fs from "node:fs";
import { join } from "node:path";

export interface Victim {
  readonly path: string;
  /** All there is to know of it: names, content, modes, owners, times, counts of links. */
  facts(): string;
}

export const secret = "SECRET OF THE HOST";

/** @param folder in which it is made */
export function makeVictim(folder: string): Victim {
  const path = join(folder, "victim");
  fs.mkdirSync(join(path, "sub"), { recursive: true });
  fs.writeFileSync(join(path, "secret"), secret, { mode: 0o640 });
  fs.writeFileSync(join(path, "sub/secret"), secret);
  fs.symlinkSync("secret", join(path, "link"));
  fs.chmodSync(path, 0o751);
  return { path, facts: () => factsOf(path) };
}

function factsOf(root: string): string {
  const names = fs.readdirSync(root, { recursive: true, encoding: "utf8" }).toSorted();
  const all = ["", ...names].map((name) => {
    const path = join(root, name);
    const stat = fs.lstatSync(path, { bigint: true });
    const { mode, uid, gid, size, ino, nlink, mtimeNs, ctimeNs } = stat;
    const content = stat.isFile() ? fs.readFileSync(path, "latin1") : "";
    return [name, ...[mode, uid, gid, size, ino, nlink, mtimeNs, ctimeNs].map(String), content];
  });
  return JSON.stringify(all);
}
