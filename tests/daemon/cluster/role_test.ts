/** What becomes of a duty when its role comes and goes. @module */
import { strict as assert } from "node:assert";
import { type Duty, Roles } from "../../../daemon/cluster/role.ts";
import { aborted } from "../../../lib/async/aborted.ts";
import { MaelstromError } from "../../../lib/errors.ts";
import { createLog } from "../../../lib/log.ts";

/** A role that is always free, claimed by one competitor; each claim is lost by its controller. */
function competitor() {
  const lines: string[] = [];
  const sessions: AbortController[] = [];
  const log = createLog({
    level: "debug",
    format: "json",
    write: (line) => {
      const { message, epoch } = JSON.parse(line);
      lines.push(epoch === undefined ? message : `${message} ${epoch}`);
    },
  });
  const roles: Roles = new Roles({
    store: {
      claimRole() {
        const session = new AbortController();
        const epoch = sessions.push(session);
        const dispose = () => Promise.resolve();
        return Promise.resolve({ epoch, lost: session.signal, [Symbol.asyncDispose]: dispose });
      },
    },
    log,
    retryMs: 1,
    changed: () => lines.push(`holds ${roles.held().map(({ epoch }) => epoch)}`),
  });
  return { roles, lines, sessions };
}

/** Holds a role until `duties` have been performed one after another. */
async function perform(
  { roles }: ReturnType<typeof competitor>,
  ...duties: readonly Duty[]
): Promise<void> {
  const stop = new AbortController();
  let performed = 0;
  await roles.hold("placement", async (epoch, signal) => {
    const duty = duties[performed++];
    if (!duty) return stop.abort();
    await duty(epoch, signal);
  }, stop.signal);
}

Deno.test("Roles.hold() ends the duty when the role is lost, and competes again", async () => {
  const one = competitor();
  await perform(one, (_, signal) => {
    one.sessions[0]!.abort();
    return aborted(signal);
  });
  assert.deepEqual(one.lines.slice(0, 5), [
    "holds 1",
    "role won 1",
    "holds ",
    "role lost 1",
    "holds 2",
  ]);
});

Deno.test("Roles.hold() takes a role as lost whose epoch is over", async () => {
  const one = competitor();
  await perform(one, () => Promise.reject(new MaelstromError("stale_epoch", "over")));
  assert.deepEqual(one.lines.slice(1, 4), ["role won 1", "holds ", "role lost 1"]);
  assert.ok(one.lines.includes("role won 2"));
});

Deno.test("Roles.hold() hands the role back when the duty fails, says why, and goes on", async () => {
  const one = competitor();
  await perform(one, () => Promise.reject(new Error("a bug")));
  assert.deepEqual(one.lines.slice(1, 5), [
    "role won 1",
    "holds ",
    "role handed back 1",
    "cannot compete for a role, trying again",
  ]);
  assert.ok(one.lines.includes("role won 2"));
});
