// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { commandTable } from "../../src/cli/commands.ts";
import { completionModel } from "../../src/cli/completion/model.ts";
import { run } from "./fake-context.ts";

/** What bash offers at the end of each line, with three images in the store. */
async function completeInBash(lines: string[]): Promise<string[][]> {
  const { stdout: script } = await run(["completion", "bash"]);
  const program = `
    lade() {
      case "$*" in
        "image ls "*) printf '%s\\n' busybox:latest localhost:5000/app:v1 localhost:5000/app:v2 '<none>:<none>' '$(touch x)' ;;
        "ps -a -f status=created "*) echo old ;;
        "ps -a "*) printf '%s\\n' web old ;;
        "ps "*) echo web ;;
        "network ls "*) printf '%s\\n' bridge mine ;;
        "volume ls "*) printf '%s\\n' data '$(touch x)' ;;
      esac
    }
    compopt() { :; }
    ${script}
    while IFS= read -r line; do
      COMP_LINE=$line COMP_POINT=\${#line} COMP_WORDBREAKS=$' \\t\\n"><=;|&(:' COMPREPLY=()
      __lade
      (IFS=' '; echo "\${COMPREPLY[*]}")
    done`;
  const input = lines.map((line) => `${line}\n`).join("");
  const output = execFileSync("bash", ["-c", program], { input, encoding: "utf8" });
  return output
    .split("\n")
    .slice(0, lines.length)
    .map((line) => line.split(" ").filter(Boolean));
}

test("bash completes commands, options, values, files and images", async () => {
  const images = ["busybox:latest", "localhost:5000/app:v1", "localhost:5000/app:v2"];
  const cases: [string, string[]][] = [
    ["lade im", ["image", "images", "import"]],
    ["lade image l", ["list", "load", "ls"]],
    ["lade image ls --f", ["--filter", "--format"]],
    ["lade images --format t", ["table"]],
    ["lade images --format=t", ["table"]],
    ["lade images -f dangling=", ["true", "false"]],
    ["lade save ", images],
    ["lade save -o out.tar loc", images.slice(1)],
    // Readline replaces only what stands behind the last colon.
    ["lade save localhost:5000/app:", ["v1", "v2"]],
    ["lade --root /x/images rmi busy", ["busybox:latest"]],
    ["lade load -i test/cli/completion", ["test/cli/completion.test.ts"]],
    ["lade ls package-l", ["package-lock.json"]],
    ["lade exec ", ["web"]],
    ["lade container rm ", ["web", "old"]],
    ["lade start ", ["old"]],
    ["lade volume rm ", ["data"]],
    ["lade network rm ", ["bridge", "mine"]],
    ["lade network connect ", ["bridge", "mine", "web", "old"]],
    ["lade run --network m", ["mine"]],
    ["lade run --volumes-from ", ["web", "old"]],
    ["lade run -v d", ["data"]],
    ["lade run --cap-add NET_A", ["NET_ADMIN"]],
    ["lade run --rm busy", ["busybox:latest"]],
    ["lade run --gp", []],
    ["lade inspect w", ["web"]],
    ["lade kill -s US", ["USR1", "USR2"]],
    ["lade completion ", ["bash", "fish", "zsh"]],
    ["lade help sys", ["system"]],
    ["lade version nothing", []],
  ];
  const offered = await completeInBash(cases.map(([line]) => line));
  cases.forEach(([line, words], index) => {
    assert.deepEqual(offered[index], words, line);
  });
});

test("the scripts know every command and option", async () => {
  const model = await completionModel(commandTable);
  for (const shell of ["bash", "zsh", "fish"]) {
    const { code, stdout } = await run(["completion", shell]);
    assert.equal(code, 0);
    for (const { path, words, options } of model) {
      if (path !== "")
        assert.ok(stdout.includes(path.replaceAll(" ", shell === "zsh" ? "_" : " ")));
      for (const { word } of words) assert.ok(stdout.includes(word), `${shell}: ${word}`);
      for (const { long } of options) {
        assert.ok(
          stdout.includes(shell === "fish" ? `-l ${long}` : `--${long}`),
          `${shell}: ${long}`,
        );
      }
    }
  }
});

test("zsh and fish get their own quoting", async () => {
  const zsh = (await run(["completion", "zsh"])).stdout;
  assert.ok(zsh.startsWith("#compdef lade\n"));
  assert.ok(zsh.includes("'system:Look at lade'\\''s store and look after it'"));
  assert.ok(
    zsh.includes(
      "'(-o --output)'{-o+,--output=}'[Write to a file, instead of STDOUT]:output:_files'",
    ),
  );
  assert.ok(zsh.includes("'*:image:__lade_images'"));
  const fish = (await run(["completion", "fish"])).stdout;
  assert.ok(fish.includes("-a system -d 'Look at lade\\'s store and look after it'"));
  assert.ok(
    fish.includes(
      "complete -c lade -n '__lade_at \\' save\\'' -s o -l output " +
        "-d 'Write to a file, instead of STDOUT' -r -F\n",
    ),
  );
});
