import assert from "node:assert/strict";
import { run } from "../support/cli/run.ts";

const cases: { args: string[]; says: RegExp; tries: string }[] = [
  { args: ["frobnicate"], says: /"frobnicate": no such command$/, tries: "help" },
  { args: ["deamon"], says: /did you mean "daemon"\?$/, tries: "help" },
  { args: ["comp", "lst"], says: /"comp lst": .*did you mean "comp ls"\?$/, tries: "help comp" },
  { args: ["cluster", "node"], says: /did you mean "cluster nodes"\?$/, tries: "help cluster" },
  {
    args: ["comp"],
    says: /say what to do with it: put, ls, get, rm, versions, rollback$/,
    tries: "help comp",
  },
  { args: ["cluster"], says: /say what to do with it: nodes, ps$/, tries: "help cluster" },
  { args: ["--json", "comp", "ls"], says: /flags come after the command$/, tries: "help" },
  { args: [""], says: /Cannot run ""/, tries: "help" },
  { args: ["help", "nope"], says: /"nope": no such command/, tries: "help" },
  {
    args: ["comp", "ls", "--jsn"],
    says: /unknown flag --jsn, did you mean --json\?$/,
    tries: "help comp ls",
  },
  { args: ["comp", "ls", "-x"], says: /unknown flag -x$/, tries: "help comp ls" },
  { args: ["comp", "ls", "--json=1"], says: /--json takes no value$/, tries: "help comp ls" },
  { args: ["comp", "ls", "--prefix"], says: /--prefix needs a value$/, tries: "help comp ls" },
  { args: ["ps", "extra"], says: /unexpected argument "extra"$/, tries: "help ps" },
  { args: ["ps", "5"], says: /unexpected argument "5"$/, tries: "help ps" },
  {
    args: ["ps", "--watch", "0"],
    says: /between 0.1 and 3600 seconds, found "0"$/,
    tries: "help ps",
  },
  { args: ["ps", "-w", "x"], says: /--watch: must be .* found "x"$/, tries: "help ps" },
  { args: ["comp", "get"], says: /NAME is missing$/, tries: "help comp get" },
  { args: ["comp", "get", "a", "b"], says: /unexpected argument "b"$/, tries: "help comp get" },
  { args: ["comp", "put"], says: /NAME or --file is missing$/, tries: "help comp put" },
  { args: ["comp", "put", "-f", ""], says: /--file names no file$/, tries: "help comp put" },
  {
    args: ["comp", "put", "a", "-f", "x"],
    says: /--file states everything, found "a" beside it$/,
    tries: "help comp put",
  },
  {
    args: ["comp", "put", "a", "--port", "1"],
    says: /--image is missing$/,
    tries: "help comp put",
  },
  {
    args: ["comp", "put", "a", "--image", "i"],
    says: /--port is missing$/,
    tries: "help comp put",
  },
  ...[
    { flags: ["--port", "x"], says: /--port: must be a whole number, found "x"$/ },
    { flags: ["--port", "-1"], says: /--port needs a value \(one that starts with "-"/ },
    { flags: ["--port", "70000"], says: /docker\.httpPort must be at most 65535, found 70000$/ },
    { flags: ["--min", "1.5"], says: /--min: must be a whole number/ },
    { flags: ["--min", "3", "--max", "2"], says: /minInstances must not be higher/ },
    { flags: ["--env", "X"], says: /--env: must be NAME=VALUE, found no "="$/ },
    { flags: ["--env", "=secret"], says: /--env: must be NAME=VALUE, found no name$/ },
    { flags: ["--volume", "x"], says: /--volume: must be SRC:DST/ },
    { flags: ["--volume", "/a:/b:rx"], says: /--volume: must be SRC:DST/ },
    { flags: ["--command", "a 'b"], says: /--command: a quote has no end/ },
    { flags: ["--restart-order", "now"], says: /RestartOrder must be one of "startstop", "stop/ },
    { flags: ["--publish", "x"], says: /ports\[0\] must be a port binding/ },
  ].map(({ flags, says }) => ({
    args: ["comp", "put", "a", "--image", "i", "--port", "80", ...flags],
    says,
    tries: "help comp put",
  })),
  {
    args: ["es", "put", "a", "--host", "h"],
    says: /--component is missing$/,
    tries: "help es put",
  },
  {
    args: ["es", "put", "a", "--component", "c"],
    says: /--host or --path is missing$/,
    tries: "help es put",
  },
  {
    args: ["es", "put", "a", "--component", "c", "--path", "x"],
    says: /pathPrefix must start with "\/"/,
    tries: "help es put",
  },
  {
    args: ["es", "ls", "--type", "crom"],
    says: /found "crom" \(did you mean "cron"\?\)$/,
    tries: "help es ls",
  },
];
for (const { args, says, tries } of cases) {
  Deno.test(`runCli() refuses ${JSON.stringify(args)}`, async () => {
    const { code, stdout, stderr } = await run(args);
    const [error = "", hint, ...rest] = stderr.split("\n");
    assert.match(error, /^maelstrom: Cannot /);
    assert.match(error, says);
    assert.deepEqual({ code, stdout, hint, rest }, {
      code: 2,
      stdout: "",
      hint: `Try 'maelstrom ${tries}'.`,
      rest: [""],
    });
    assert.ok(!stderr.includes("secret"));
  });
}
