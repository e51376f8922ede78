import assert from "node:assert/strict";
import {
  CFG_NAME_LENGTH_MAX,
  cfgNameFault,
  cfgNames,
  resolveCfg,
} from "../../../lib/contract/cfg.ts";

const cases: readonly (readonly [string, readonly string[], string])[] = [
  ["", [], ""],
  ["${cfg:A}", ["A"], "<A>"],
  ["postgres://u:${cfg:PASS}@${cfg:HOST}/x", ["HOST", "PASS"], "postgres://u:<PASS>@<HOST>/x"],
  ["${cfg:A}${cfg:A}", ["A"], "<A><A>"],
  ["$${cfg:A}", [], "${cfg:A}"],
  ["$$${cfg:A}", [], "$${cfg:A}"],
  ["${A} $cfg:A ${cfg:A", [], "${A} $cfg:A ${cfg:A"],
  ["${CFG:A}", [], "${CFG:A}"],
  ["${cfg:}", [""], "<>"],
  ["${cfg:a b}", ["a b"], "<a b>"],
];

for (const [value, names, resolved] of cases) {
  Deno.test(`cfgNames() and resolveCfg() read ${JSON.stringify(value)}`, () => {
    assert.deepEqual(cfgNames({ environment: [{ value }] }), names);
    assert.equal(resolveCfg(value, (name) => `<${name}>`), resolved);
  });
}

Deno.test("resolveCfg() puts values in as they are", () => {
  for (const value of ["$&", "$1", "${cfg:B}", "$${cfg:B}", "a\nb"]) {
    assert.equal(resolveCfg("x${cfg:A}y", () => value), `x${value}y`);
  }
});

Deno.test("cfgNameFault() takes names of variables, and says what is wrong", () => {
  const longest = "a".repeat(CFG_NAME_LENGTH_MAX);
  for (const name of ["A", "_a", "db.password-2", longest]) {
    assert.equal(cfgNameFault(name), undefined);
  }
  for (const name of ["1a", "a b", "a=b", "ä", "a}", "-a"]) {
    assert.match(cfgNameFault(name) ?? "", /^must be a name/);
  }
  assert.equal(cfgNameFault(""), "is required");
  assert.equal(cfgNameFault(`${longest}a`), "is longer than 100 characters");
});
