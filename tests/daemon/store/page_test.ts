import assert from "node:assert/strict";
import fc from "fast-check";
import { Filter, nameOfToken, pageRows, pageToken } from "../../../daemon/store/page.ts";
import { anyName } from "../../contracts/store_values.ts";

for (
  const { limit, want } of [
    { limit: undefined, want: 1000 },
    { limit: 0, want: 1000 },
    { limit: -1, want: 1000 },
    { limit: 1001, want: 1000 },
    { limit: NaN, want: 1000 },
    { limit: 1, want: 1 },
    { limit: 2.5, want: 2 },
    { limit: 1000, want: 1000 },
  ]
) {
  Deno.test(`pageRows() reads the limit ${limit}`, () => assert.equal(pageRows(limit), want));
}

Deno.test("nameOfToken() reads what pageToken() wrote and refuses the rest", () => {
  assert.equal(nameOfToken(undefined), "");
  assert.equal(nameOfToken(""), "");
  fc.assert(fc.property(anyName, (name) => nameOfToken(pageToken(name)) === name));
  fc.assert(fc.property(fc.string({ minLength: 1 }), (token) => {
    assert.throws(() => nameOfToken(token), { code: "invalid" });
  }));
});

Deno.test("Filter numbers its arguments in the order of its conditions", () => {
  const filter = new Filter().prefix("name", "my_").equal("a", "x").equal("b", "").after(
    "name",
    "",
  );
  assert.equal(filter.where, " where name >= $1 and name < $2 and a = $3");
  assert.deepEqual(filter.args, ["my_", "my_~", "x"]);
  assert.equal(filter.bind(7), "$4");
  assert.equal(new Filter().where, "");
});

Deno.test("Filter.prefix() means the names that start with it, and no others", () => {
  fc.assert(fc.property(anyName, anyName, (name, prefix) => {
    const [from = "", to = ""] = new Filter().prefix("name", prefix).args.map(String);
    for (const tried of [name, prefix, `${prefix}${name}`.slice(0, 60)]) {
      assert.equal(tried >= from && tried < to, tried.startsWith(prefix), tried);
    }
  }));
});
