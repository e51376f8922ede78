/** A program on a terminal of its own, with keys to press and what it drew to look at. @module */

const LIMIT_MS = 20_000;

/** How the terminal differs from the usual. */
export interface TerminalOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly columns?: number;
  readonly rows?: number;
}

/** A terminal on which a command line of `sh` runs, by means of `script` (util-linux). */
export class Terminal implements AsyncDisposable {
  /** All that was written to it so far, sequences included. */
  text = "";
  readonly #process: Deno.ChildProcess;
  readonly #keys: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reading: Promise<void>;
  #wake: () => void = () => {};
  #at = 0;

  constructor(line: string, { env = {}, columns = 100, rows = 30 }: TerminalOptions = {}) {
    const command = `stty columns ${columns} rows ${rows}; ${line}`;
    this.#process = new Deno.Command("script", {
      args: ["--quiet", "--flush", "--return", "--command", command, "/dev/null"],
      env: { HOME: "/nonexistent", TERM: "xterm", NO_COLOR: "", SHELL: "/bin/sh", ...env },
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#keys = this.#process.stdin.getWriter();
    this.#reading = this.#read();
  }

  /** Presses keys: `\t` is the tabulator, `\x03` is Ctrl-C. */
  async press(keys: string): Promise<void> {
    await this.#keys.write(new TextEncoder().encode(keys));
  }

  /** Waits for `pattern` in what is written after the last match, and gives the match. */
  async shows(pattern: RegExp): Promise<RegExpExecArray> {
    const endMs = performance.now() + LIMIT_MS;
    for (;;) {
      const match = pattern.exec(this.text.slice(this.#at));
      if (match) {
        this.#at += match.index + match[0].length;
        return match;
      }
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) {
        throw new Error(`no ${pattern} in ${JSON.stringify(this.text.slice(this.#at))}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** The exit code of the command line, once it has ended. */
  async ended(): Promise<number> {
    await this.#reading;
    return (await this.#process.status).code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#keys.close().catch(() => {});
    try {
      this.#process.kill("SIGTERM");
    } catch {
      // It has ended already.
    }
    await this.ended();
  }

  async #read(): Promise<void> {
    for await (const text of this.#process.stdout.pipeThrough(new TextDecoderStream())) {
      this.text += text;
      this.#wake();
    }
  }
}
