/** Passes of relayed requests: who can make one, and how long it is good. @module */
import { strict as assert } from "node:assert";
import { type RelayPath, Relays } from "../../../daemon/gateway/relay.ts";
import type { Exchange } from "../../../lib/http/exchange.ts";

const KEY = "a key of sixteen";
const NOW = 1_800_000_000_000;

function relays(nodeId: string, nowMs = NOW, clusterKey = KEY): Relays {
  return new Relays({ nodeId, clusterKey, now: () => nowMs });
}

/** An exchange with the fields in `text`. */
function carrying(text: string): Exchange {
  const fields = new Map(
    text.split("\r\n").filter((line) => line !== "").map((line) => {
      const colon = line.indexOf(": ");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 2)];
    }),
  );
  return { header: (name: string) => fields.get(name) } as unknown as Exchange;
}

function relayed(from: Relays, path?: RelayPath): Exchange {
  return carrying(from.fields("shop", path));
}

Deno.test("Relays.fields() names the component and every node on the way", () => {
  const exchange = relayed(relays("b"), ["a"]);
  assert.equal(exchange.header("maelstrom-component"), "shop");
  assert.deepEqual(relays("c").pathOf(exchange), ["a", "b"]);
});

Deno.test("Relays.pathOf() knows nobody without the key", () => {
  const stranger = relays("a", NOW, "another key of 16");
  assert.equal(relays("b").pathOf(relayed(stranger)), undefined);
  assert.equal(relays("b").pathOf(carrying("MAELSTROM-RELAY-PATH: a\r\n")), undefined);
  for (
    const pass of ["", "1", "x.y", `60000000.${"0".repeat(64)}`, `60000000.${"0".repeat(63)}g`]
  ) {
    const forged = carrying(`MAELSTROM-RELAY-PATH: a\r\nMAELSTROM-RELAY-PASS: ${pass}\r\n`);
    assert.equal(relays("b").pathOf(forged), undefined, pass);
  }
});

Deno.test("Relays.pathOf() takes passes of the last minute, and of clocks that are as far ahead", () => {
  const pass = relayed(relays("a"));
  for (const [offMs, known] of [[0, true], [60_000, true], [-60_000, true], [120_000, false]]) {
    const path = relays("b", NOW + Number(offMs)).pathOf(pass);
    assert.deepEqual(path, known ? ["a"] : undefined, `${offMs} ms off`);
  }
});

Deno.test("Relays.pathOf() refuses loops and long ways", () => {
  assert.equal(relays("a").pathOf(relayed(relays("b"), ["a"])), "loop");
  assert.equal(relays("e").pathOf(relayed(relays("d"), ["a", "b", "c"])), "loop");
  assert.deepEqual(relays("d").pathOf(relayed(relays("c"), ["a", "b"])), ["a", "b", "c"]);
});
