import assert from "node:assert/strict";
import { hidePassword, withKeptPassword } from "../../../lib/contract/pull_password.ts";
import { component } from "../../support/builders.ts";
import { failure } from "../../support/docker/failure.ts";

const LOGIN = { image: "127.0.0.1:5000/shop:1", pullUsername: "anna", pullPassword: "s3cret" };
const stored = component({ docker: LOGIN });

Deno.test("hidePassword() leaves a word where a password was, and only there", () => {
  assert.equal(hidePassword(stored).docker.pullPassword, "***");
  assert.equal(stored.docker.pullPassword, "s3cret");
  assert.deepEqual(hidePassword(component()), component());
});

Deno.test("withKeptPassword() gives back what was hidden", () => {
  assert.deepEqual(withKeptPassword(hidePassword(stored), stored), stored);
  const next = component({ docker: { ...LOGIN, image: "127.0.0.1:5000/shop:2" } });
  assert.deepEqual(withKeptPassword(hidePassword(next), stored), next);
});

Deno.test("withKeptPassword() lets a password be changed and taken out", () => {
  const changed = component({ docker: { ...LOGIN, pullPassword: "other" } });
  assert.equal(withKeptPassword(changed, stored), changed);
  assert.equal(withKeptPassword(component(), stored).docker.pullPassword, undefined);
});

for (
  const [name, docker, before, fault] of [
    ["a new component", {}, undefined, "none is stored"],
    ["a component without one", {}, component(), "none is stored"],
    ["another user", { pullUsername: "ben" }, stored, "pullUsername has changed"],
    ["no user", { pullUsername: undefined }, stored, "pullUsername has changed"],
    ["another registry", { image: "evil.example/shop:1" }, stored, "comes from another registry"],
    ["a name that is none", { image: "127.0.0.1:5000/Shop" }, stored, "another registry"],
  ] as const
) {
  Deno.test(`withKeptPassword() keeps nothing for ${name}`, () => {
    const wanted = component({
      docker: { ...LOGIN, ...docker, pullPassword: "***" } as typeof LOGIN,
    });
    assert.throws(
      () => withKeptPassword(wanted, before),
      failure("invalid", new RegExp(`^Cannot put component "shop": its pullPassword .*${fault}`)),
    );
  });
}
