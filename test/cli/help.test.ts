// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { commandTable } from "../../src/cli/commands.ts";
import { renderCliDocs } from "../../src/cli/docs.ts";
import { optionsText } from "../../src/cli/options-text.ts";
import { shownOptions } from "../../src/cli/usage.ts";
import { run } from "./fake-context.ts";

const tagHelp = `Usage:  lade tag SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]

Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE

Aliases:
  lade image tag, lade tag
`;

test("the help of a command goes to standard output", async () => {
  for (const argv of [
    ["tag", "--help"],
    ["help", "tag"],
    ["--help", "tag"],
    ["tag", "--help", "a", "b"],
  ]) {
    const { code, stdout, stderr } = await run(argv);
    assert.equal(stdout, tagHelp);
    assert.equal(stderr, "");
    assert.equal(code, 0);
  }
});

test("-h says that it is deprecated", async () => {
  const { stdout } = await run(["tag", "-h"]);
  assert.equal(stdout, `Flag shorthand -h has been deprecated, use --help\n${tagHelp}`);
});

test("--help=false asks for no help", async () => {
  assert.equal((await run(["tag", "--help=false"])).code, 1);
});

test("the help of a second spelling has its own usage", async () => {
  const { stdout } = await run(["image", "--help", "ls"]);
  assert.ok(stdout.startsWith("Usage:  lade image ls [OPTIONS] [REPOSITORY[:TAG]]\n"));
  assert.ok(stdout.includes("  lade image ls, lade image list, lade images\n"));
});

test("options stand in two columns, sorted and wrapped", async () => {
  const { stdout } = await run(["history", "--help"]);
  const options = stdout.slice(stdout.indexOf("Options:"));
  assert.equal(
    options,
    `Options:
      --format string     Format of the output:
                          'table':            a table with headings (default)
                          'table TEMPLATE':   a table of what the Go
                          template gives
                          'json':             one JSON object for each line
                          'TEMPLATE':         what the Go template gives
  -H, --human             Print sizes and dates in human readable format
                          (default true)
      --no-trunc          Don't truncate output
      --platform string   Show history for the given platform, as
                          "os[/arch[/variant]]", such as "linux/amd64"
  -q, --quiet             Only show image IDs
`,
  );
});

test("options wrap where docker wraps them", () => {
  // `docker import --help` and `docker load --help` of client 28.2.2, on 80 columns.
  const load = {
    input: { type: "string", short: "i", summary: "Read from tar archive file, instead of STDIN" },
    platform: {
      type: "string",
      summary:
        'Load only the given platform variant. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")',
    },
    quiet: { type: "bool", short: "q", summary: "Suppress the load output" },
  } as const;
  assert.equal(
    optionsText(load, 80),
    `  -i, --input string      Read from tar archive file, instead of STDIN
      --platform string   Load only the given platform variant. Formatted
                          as "os[/arch[/variant]]" (e.g., "linux/amd64")
  -q, --quiet             Suppress the load output`,
  );
  const narrow = optionsText(load, 44).split("\n");
  assert.equal(narrow[0], "  -i, --input string      ");
  assert.equal(narrow[1], "                Read from tar archive");
});

test("lade alone and a group alone show their help on standard error", async () => {
  for (const argv of [[], ["image"], ["system"], ["completion"]]) {
    const alone = await run(argv);
    const asked = await run([...argv, "--help"]);
    assert.equal(alone.code, 0);
    assert.equal(alone.stdout, "");
    assert.equal(alone.stderr, asked.stdout);
    assert.equal(asked.stderr, "");
  }
});

test("the help of lade lists every command at the top", async () => {
  const { stdout } = await run(["help"]);
  for (const { names, load, isHidden } of commandTable.commands) {
    if (isHidden === true) continue;
    const top = names.find((name) => !name.includes(" "));
    if (top === undefined || top === "help") continue;
    assert.ok(stdout.includes(`\n  ${top.padEnd(11)} ${(await load()).command.summary}\n`), top);
  }
});

test("--version stands before the command only", async () => {
  const { stdout, code } = await run(["--version"]);
  assert.match(stdout, /^lade version \d+\.\d+\.\d+\S*, build \S+\n$/);
  assert.equal(code, 0);
  assert.equal((await run(["-v"])).stdout, stdout);
  assert.equal((await run(["-v", "tag", "--help"])).stdout, tagHelp);
});

test("every command can be documented, and its table is sound", async () => {
  const docs = await renderCliDocs();
  for (const { names, load, isHidden } of commandTable.commands) {
    if (isHidden === true) continue;
    assert.ok(docs.includes(`\n## lade ${names[0]}\n`));
    for (const name of names) {
      const [group = "", ...rest] = name.split(" ");
      assert.equal(rest.length > 0, Object.hasOwn(commandTable.groups, group), name);
      assert.ok(rest.length < 2, name);
    }
    const { command } = await load();
    const shorts = Object.values(command.options).map((option) => option.short);
    const given = shorts.filter((short) => short !== undefined);
    assert.equal(new Set(given).size, given.length, `lade ${names[0]}`);
    const shown = shownOptions(command.options).map(([name]) => name);
    for (const [name, option] of Object.entries(command.options)) {
      assert.match(name, /^[a-z][a-z0-9-]*$/);
      assert.match(option.short ?? "a", /^[A-Za-z]$/);
      if (shown.includes(name)) assert.ok(docs.includes(`\`--${name}`));
      if (option.type === "alias") assert.ok(shown.includes(option.of), name);
    }
  }
});
