import assert from "node:assert/strict";
import { mayColour, Output, ReaderGone, type TableLayout } from "../../cli/output.ts";

const LAYOUT: TableLayout = {
  columns: [{ title: "Name", width: 6, cut: true }, { title: "Long", width: 4 }, {
    title: "Last",
    width: 9,
  }],
  dashes: 10,
  empty: "Nothing",
};

function output(isColoured = false) {
  let text = "";
  const writer = {
    write(bytes: Uint8Array) {
      // One byte at a time is the slowest a writer may be.
      text += String.fromCharCode(bytes[0]!);
      return Promise.resolve(1);
    },
  };
  const options = { stdout: writer, stderr: writer, isColoured, isErrorColoured: isColoured };
  return { output: new Output(options), text: () => text };
}

Deno.test("Output.table() cuts, pads and lets the rest push", async () => {
  const { output: out, text } = output();
  await out.table(LAYOUT, [["longer than six", "pushes", "x"], ["a", "", ""]]);
  assert.equal(text(), "Name    Long  Last\n----------\nlonger  pushes  x\na\n");
});

Deno.test("Output.table() prints the word for none", async () => {
  const { output: out, text } = output();
  await out.table(LAYOUT, []);
  await out.table({ ...LAYOUT, empty: "" }, []);
  assert.equal(text(), "Nothing\n");
});

Deno.test("Output.table() pads what is coloured by what is seen", async () => {
  const { output: out, text } = output(true);
  await out.table(LAYOUT, [[{ text: "up", style: "green" }, "b", "c"]]);
  assert.ok(text().endsWith("\x1b[32mup\x1b[0m      b     c\n"));
});

Deno.test("Output.line() and error() keep control characters from the terminal", async () => {
  const { output: out } = output();
  const { output: other, text } = output();
  await out.line("fine");
  await other.error("\x1b[2Jgone\nnext\x9b");
  assert.ok(![..."\x1b\x9b"].some((control) => text().includes(control)));
  assert.equal(text().indexOf("\n"), text().length - 1);
});

Deno.test("Output.line() says when nobody reads", async () => {
  const writer = { write: () => Promise.reject(new Deno.errors.BrokenPipe()) };
  const broken = { stdout: writer, stderr: writer, isColoured: false, isErrorColoured: false };
  await assert.rejects(new Output(broken).line("x"), ReaderGone);
});

const colours: [boolean, Record<string, string>, boolean][] = [
  [true, {}, true],
  [true, { NO_COLOR: "" }, true],
  [true, { NO_COLOR: "1" }, false],
  [true, { TERM: "dumb" }, false],
  [false, {}, false],
];
for (const [isTerminal, env, want] of colours) {
  Deno.test(`mayColour() is ${want} with terminal ${isTerminal}, ${JSON.stringify(env)}`, () => {
    assert.equal(mayColour(isTerminal, env), want);
  });
}

Deno.test("Output.labelled() lets no text steer the terminal, colours apart", async () => {
  const text = "\x1b[31mred\x1b[2K\x1b]0;t\x07 \tx";
  const line = { label: "[a\x1b/b]", style: "cyan", text } as const;
  const seen = (text: string) => text.replaceAll("\u{ef}\u{bf}\u{bd}", "?");
  const plain = output();
  await plain.output.labelled("stdout", line);
  assert.equal(seen(plain.text()), "[a?/b]\tred?[2K?]0;t? \tx\n");
  const coloured = output(true);
  await coloured.output.labelled("stderr", line);
  assert.equal(
    seen(coloured.text()),
    "\x1b[36m[a?/b]\x1b[0m\t\x1b[31mred?[2K?]0;t? \tx\x1b[0m\n",
  );
});
