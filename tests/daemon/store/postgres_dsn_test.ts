import assert from "node:assert/strict";
import fc from "fast-check";
import { parsePostgresDsn } from "../../../daemon/store/postgres_dsn.ts";
import { MaelstromError } from "../../../lib/errors.ts";

const cases = [
  {
    name: "everything",
    dsn: "postgres://me:s%40cret%3A@db.example:6000/shop?sslmode=disable&search_path=mael",
    want: {
      shown: "postgres://db.example:6000/shop",
      host: "db.example",
      port: 6000,
      user: "me",
      password: "s@cret:",
      database: "shop",
      tls: false,
      parameters: { search_path: "mael" },
    },
  },
  {
    name: "next to nothing",
    dsn: "postgresql://db.example",
    want: {
      shown: "postgres://db.example:5432/",
      host: "db.example",
      port: 5432,
      tls: "prefer",
      parameters: {},
    },
  },
  {
    name: "an IPv6 address",
    dsn: "postgres://me@[::1]/shop",
    want: {
      shown: "postgres://[::1]:5432/shop",
      host: "::1",
      port: 5432,
      user: "me",
      database: "shop",
      tls: "prefer",
      parameters: {},
    },
  },
  {
    name: "a unix socket",
    dsn: "postgres:///shop?host=/run/pg&sslmode=require",
    want: {
      shown: "postgres:///shop?host=/run/pg",
      host: "/run/pg",
      port: 5432,
      path: "/run/pg/.s.PGSQL.5432",
      database: "shop",
      tls: false,
      parameters: {},
    },
  },
  {
    name: "no host",
    dsn: "postgres:///shop",
    want: {
      shown: "postgres:///shop?host=/var/run/postgresql",
      host: "/var/run/postgresql",
      port: 5432,
      path: "/var/run/postgresql/.s.PGSQL.5432",
      database: "shop",
      tls: false,
      parameters: {},
    },
  },
] as const;

for (const { name, dsn, want } of cases) {
  Deno.test(`parsePostgresDsn() reads ${name}`, () => {
    assert.deepEqual(parsePostgresDsn(dsn), want);
  });
}

const refused = [
  ["postgres://me:s%cret@db/shop", "% in it must be written %25"],
  ["postgres://me:s/ecret#@db:x/shop", "must be postgres://USER:PASSWORD@HOST:PORT/DATABASE"],
  ["mysql://me:secret@db/shop", "must be postgres://"],
  ["postgres://me:secret@db/shop?pool=9", "there may be host, sslmode, sslrootcert, app"],
  ["postgres://me:12?secret@db/shop", "found something else"],
  ["postgres://me:12/secret@db/shop", "%xx for characters that URLs reserve"],
  ["postgres://me:12#secret@db/shop", "%xx for characters"],
  ["postgres://me:secret@db/shop?sslmode=on", "sslmode must be disable, prefer, require"],
  ["postgres://me:secret@db/shop?sslmode=verify-full&sslrootcert=/absent", "cannot be read"],
  ["postgres://me:secret@db/shop?host=a,b", "several hosts; name one"],
  ["postgres://me:secret@a:1,b:2/shop", "name one host"],
] as const;

for (const [dsn, found] of refused) {
  Deno.test(`parsePostgresDsn() refuses what it may not show: ${found}`, () => {
    assert.throws(() => parsePostgresDsn(dsn), (error) => {
      assert.ok(error instanceof MaelstromError && error.code === "invalid");
      assert.ok(error.message.startsWith("Cannot use MAEL_SQL_DSN: "));
      assert.ok(error.message.includes(found), error.message);
      assert.doesNotMatch(error.message + JSON.stringify(error.detail) + error.cause, /s?ecret/);
      return true;
    });
  });
}

Deno.test("parsePostgresDsn() never shows user or password, and keeps every character", () => {
  fc.assert(
    fc.property(
      fc.string({ minLength: 1, unit: "binary" }).filter((text) => text.isWellFormed()),
      (secret) => {
        const word = encodeURIComponent(secret);
        const parsed = parsePostgresDsn(`postgres://${word}:${word}@db/shop`);
        assert.deepEqual([parsed.user, parsed.password], [secret, secret]);
        assert.equal(parsed.shown, "postgres://db:5432/shop");
      },
    ),
  );
});
