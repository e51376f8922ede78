/**
 * The API's handler over an empty SQLite database of one test's own: everything of a call but the
 * socket. Puts and removals are in effect in its catalog once answered.
 * @module
 */
import assert from "node:assert/strict";
import { apiHandler } from "../../daemon/api/api.ts";
import { componentMethods } from "../../daemon/api/components.ts";
import { eventSourceMethods } from "../../daemon/api/event_sources.ts";
import { projectMethods } from "../../daemon/api/projects.ts";
import type { Methods } from "../../daemon/api/rpc.ts";
import { PullPasswords } from "../../daemon/secrets/pull_passwords.ts";
import { SecretKey } from "../../daemon/secrets/secret_key.ts";
import { Catalog } from "../../daemon/store/catalog.ts";
import { openSqlite } from "../../daemon/store/sqlite.ts";
import { Store } from "../../daemon/store/store.ts";
import type { Method, Outputs } from "../../lib/contract/v1.ts";
import { silentLog } from "../../lib/log.ts";
import { ADMINISTRATOR } from "../../lib/rpc/caller.ts";
import { NO_FACTS } from "./builders.ts";

/** A method, without the name of its service. */
type Served = {
  [M in Method]: M extends `MaelstromService.${infer Name}` ? Name : never;
}[Method];

type Output<M extends Served> = Outputs[`MaelstromService.${M}`];

/** What is answered on the wire. */
export interface Answer<T> {
  readonly result: T;
  readonly error: { readonly code: number; readonly message: string };
}

/** The handler, until disposed. */
export class TestApi implements AsyncDisposable {
  readonly #stack: AsyncDisposableStack;
  readonly #handler: ReturnType<typeof apiHandler>;

  private constructor(
    readonly store: Store,
    readonly catalog: Catalog,
    readonly passwords: PullPasswords,
    stack: AsyncDisposableStack,
  ) {
    this.#stack = stack;
    const methods = {
      ...componentMethods(store, catalog, passwords, NO_FACTS),
      ...eventSourceMethods(store, catalog, () => []),
      ...projectMethods(store, catalog, passwords),
    };
    this.#handler = apiHandler(methods as Methods, silentLog);
  }

  /** A handler over a new database. */
  static async start(): Promise<TestApi> {
    await using stack = new AsyncDisposableStack();
    const path = await Deno.makeTempDir({ prefix: "maelstrom-api-" });
    stack.defer(() => Deno.remove(path, { recursive: true }));
    const driver = await openSqlite(`${path}/maelstrom.db`, { log: silentLog });
    const store = stack.use(new Store(driver, { nodeId: "node-1" }));
    const catalog = stack.use(new Catalog(store, { log: silentLog }));
    await catalog.start(new AbortController().signal);
    const passwords = new PullPasswords(await SecretKey.load("", `${path}/secret.key`), () => []);
    return new TestApi(store, catalog, passwords, stack.move());
  }

  /** What the wire has as the answer to `method` with `input`, which may be wrong. */
  async call<M extends Served>(method: M, input: unknown): Promise<Answer<Output<M>>> {
    const call = { jsonrpc: "2.0", id: "1", method: `MaelstromService.${method}`, params: [input] };
    const body = JSON.stringify(call);
    const request = new Request("http://node/_mael/v1", { method: "POST", body });
    return await (await this.#handler(request, ADMINISTRATOR)).json();
  }

  /** The result of `method`, which must have one. */
  async result<M extends Served>(method: M, input: unknown): Promise<Output<M>> {
    const { result, error } = await this.call(method, input);
    assert.equal(error, undefined, error?.message);
    return result;
  }

  /** What a client of the ancestor's RPC library is told of the interface. */
  async idl(params: unknown): Promise<unknown> {
    const body = JSON.stringify({ jsonrpc: "2.0", id: "1", method: "barrister-idl", params });
    const request = new Request("http://node/_mael/v1", { method: "POST", body });
    return (await (await this.#handler(request, ADMINISTRATOR)).json()).result;
  }

  /** Asserts that `method` is refused. */
  async refuses(method: Served, input: unknown, code: number, says: RegExp): Promise<void> {
    const { error } = await this.call(method, input);
    assert.equal(error?.code, code, error?.message);
    assert.match(error.message, says);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}
