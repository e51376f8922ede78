/** Every method and endpoint of the private port, and who may call it. */
import assert from "node:assert/strict";
import { apiHandler, type Endpoints, fromDoor } from "../../../daemon/api/api.ts";
import type { Methods } from "../../../daemon/api/rpc.ts";
import { serveSocket } from "../../../daemon/api/socket.ts";
import { ApiDoor } from "../../../daemon/gateway/api_door.ts";
import type { StoredToken } from "../../../daemon/store/tokens.ts";
import { inputSchemas, type Method } from "../../../lib/contract/v1.ts";
import { allows, type EndpointPath, ENDPOINTS, type Scope } from "../../../lib/contract/scopes.ts";
import { newToken, tokenHash, type TokenScope } from "../../../lib/contract/tokens.ts";
import { Upstream } from "../../../lib/http/upstream.ts";
import { silentLog } from "../../../lib/log.ts";
import { ADMINISTRATOR, CALLER_FIELD, writeCaller } from "../../../lib/rpc/caller.ts";
import { Credentials } from "../../../lib/rpc/credentials.ts";
import { signingKey } from "../../../lib/rpc/signature.ts";
import { SignatureCheck } from "../../../lib/rpc/signature_check.ts";
import { Doors, KEY } from "../../support/doors.ts";

/** What a caller needs at least. A new method or endpoint fails here until somebody decides. */
const WANT: Record<Method | EndpointPath, Scope> = {
  "/_mael/v1": "read",
  "/_mael/logs": "read",
  "/_mael/prune": "admin",
  "/queues/": "anybody",
  "MaelstromService.SendMessages": "deploy",
  "MaelstromService.ListQueues": "read",
  "MaelstromService.PeekQueue": "read",
  "MaelstromService.PurgeQueue": "deploy",
  "MaelstromService.RedriveQueue": "deploy",
  "MaelstromService.PutComponent": "deploy",
  "MaelstromService.GetComponent": "read",
  "MaelstromService.RemoveComponent": "deploy",
  "MaelstromService.ListComponents": "read",
  "MaelstromService.ListComponentVersions": "read",
  "MaelstromService.RollbackComponent": "deploy",
  "MaelstromService.PutCfg": "deploy",
  "MaelstromService.GetCfg": "read",
  "MaelstromService.ListCfg": "read",
  "MaelstromService.RemoveCfg": "admin",
  "MaelstromService.PutEventSource": "deploy",
  "MaelstromService.GetEventSource": "read",
  "MaelstromService.RemoveEventSource": "deploy",
  "MaelstromService.ListEventSources": "read",
  "MaelstromService.ToggleEventSources": "deploy",
  "MaelstromService.ListProjects": "read",
  "MaelstromService.PutProject": "deploy",
  "MaelstromService.GetProject": "read",
  "MaelstromService.RemoveProject": "deploy",
  "MaelstromService.CreateToken": "admin",
  "MaelstromService.ListTokens": "admin",
  "MaelstromService.RemoveToken": "admin",
  "MaelstromService.ListCronRuns": "read",
  "MaelstromService.RunCron": "deploy",
  "NodeService.ListNodeStatus": "read",
  "NodeService.GetStatus": "read",
  "NodeService.PutNodeState": "admin",
  "NodeService.RemoveNode": "admin",
  "NodeService.StatusChanged": "peer",
  "NodeService.SetTargets": "peer",
};

const NAMES = [...Object.keys(ENDPOINTS), ...Object.keys(inputSchemas)] as (keyof typeof WANT)[];

/** A request as it goes to the private port. */
interface Sent {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: string;
}

/** A request that uses `name`. */
function requestFor(name: keyof typeof WANT, input: object = {}): Sent {
  if (name === "/_mael/logs") return { method: "GET", path: `${name}?follow=true` };
  if (name === "/_mael/v1") return { method: "POST", path: name, body: "[]" };
  if (name === "/queues/") return { method: "POST", path: `${name}jobs` };
  if (name.startsWith("/")) return { method: "POST", path: name };
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: name, params: [input] });
  return { method: "POST", path: "/_mael/v1", body };
}

/** The private port before an API whose every method and endpoint says yes. */
async function setUp(rpcAuth: "key" | "loopback" = "key") {
  const stack = new AsyncDisposableStack();
  const directory = await Deno.makeTempDir({ prefix: "maelstrom-doors-" });
  stack.defer(() => Deno.remove(directory, { recursive: true }));
  const yes = () => Promise.resolve({});
  const methods = Object.fromEntries(Object.keys(inputSchemas).map((name) => [name, yes]));
  const answer = () => Promise.resolve(new Response("yes"));
  const endpoints: Endpoints = {
    "/_mael/logs": { method: "GET", answer },
    "/_mael/prune": { method: "POST", answer },
    "/queues/": { method: "POST", answer },
  };
  const handler = apiHandler(methods as unknown as Methods, silentLog, endpoints);
  const control = `${directory}/control.sock`;
  stack.use(await serveSocket(control, (request) => handler(request, ADMINISTRATOR), silentLog));
  stack.use(await serveSocket(`${directory}/api.sock`, fromDoor(handler), silentLog));
  const api = stack.adopt(new Upstream({ path: `${directory}/api.sock` }), (api) => api.close());
  const tokens = new Map<string, StoredToken>();
  const now = Date.now;
  const doors = stack.use(
    new Doors({
      gateway: {
        apiDoor: new ApiDoor({
          api,
          signatures: new SignatureCheck({ key: await signingKey(KEY), nodeId: "one", now }),
          tokens: { use: (hash) => tokens.get(hash) },
          rpcAuth,
          now,
        }),
      },
    }),
  );
  const token = async (scope: TokenScope, expiresAt = 0) => {
    const text = newToken();
    const hash = await tokenHash(text);
    tokens.set(hash, { hash, scope, name: `a ${scope}`, createdAt: 0, expiresAt, lastUsedAt: 0 });
    return text;
  };
  const send = async (
    sent: Sent,
    headers: Record<string, string> = {},
    client?: Deno.HttpClient,
  ) => {
    const { method, path, body } = sent;
    const url = `http://127.0.0.1:${doors.privatePort}${path}`;
    return await fetch(url, {
      method,
      headers,
      ...(body === undefined ? {} : { body }),
      ...(client ? { client } : {}),
    });
  };
  return { control, token, send, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const signer = new Credentials({ by: "cli" });
const peer = new Credentials({ by: "two", to: "one" });

/** How a caller shows who it is, and what it then may do; "none" is not let in. */
const CALLERS: Record<string, {
  readonly may: Scope | "none";
  readonly show: (sent: Sent, node: Awaited<ReturnType<typeof setUp>>) => Promise<object> | object;
}> = {
  "nobody": { may: "anybody", show: () => ({}) },
  "a bearer of the cluster key": {
    may: "none",
    show: () => ({ authorization: `Bearer ${KEY}` }),
  },
  "a signer with another key": {
    may: "none",
    show: (sent) => signer.show({ key: `${KEY}x`, from: "" }, sent),
  },
  "a signer of another body": {
    may: "none",
    show: (sent) => signer.show({ key: KEY, from: "" }, { ...sent, body: `${sent.body} ` }),
  },
  "a holder of an expired token": {
    may: "none",
    show: async (_sent, { token }) => ({ authorization: `Bearer ${await token("admin", 1)}` }),
  },
  "who calls itself a peer": {
    may: "anybody",
    show: () => ({ [CALLER_FIELD]: writeCaller({ scope: "peer", name: "me" }) }),
  },
  "a holder of a read token": {
    may: "read",
    show: async (_sent, { token }) => ({ authorization: `Bearer ${await token("read")}` }),
  },
  "a holder of a read token that calls itself a peer": {
    may: "read",
    show: async (_sent, { token }) => ({
      authorization: `Bearer ${await token("read")}`,
      [CALLER_FIELD]: writeCaller({ scope: "peer", name: "me" }),
    }),
  },
  "a holder of a deploy token": {
    may: "deploy",
    show: async (_sent, { token }) => ({ authorization: `Bearer ${await token("deploy")}` }),
  },
  "a holder of an admin token": {
    may: "admin",
    show: async (_sent, { token }) => ({ authorization: `Bearer ${await token("admin")}` }),
  },
  "a signer that names no node": {
    may: "admin",
    show: (sent) => signer.show({ key: KEY, from: "" }, sent),
  },
  "a peer": { may: "peer", show: (sent) => peer.show({ key: KEY, from: "" }, sent) },
};

Deno.test("the private door: each method and endpoint is in the table of who may call", () => {
  assert.deepEqual(NAMES.toSorted(), Object.keys(WANT).toSorted());
});

for (const [who, { may, show }] of Object.entries(CALLERS)) {
  Deno.test(`the private door lets ${who} use what scope ${may} may`, async () => {
    await using node = await setUp();
    for (const name of NAMES) {
      const sent = requestFor(name);
      const response = await node.send(sent, { ...await show(sent, node) });
      const body = await response.text();
      const allowed = may !== "none" && allows(may, WANT[name]);
      assert.equal(response.status < 400, allowed, `${name}: ${response.status} ${body}`);
      if (may !== "none" && !allowed) {
        assert.equal(response.status, may === "anybody" ? 401 : 403, name);
        if (may !== "anybody") assert.match(body, new RegExp(`needs scope .."?${WANT[name]}`));
      }
    }
  });
}

Deno.test("the control socket may use what scope admin may", async () => {
  await using node = await setUp();
  using client = Deno.createHttpClient({ proxy: { transport: "unix", path: node.control } });
  for (const name of NAMES) {
    const response = await node.send(requestFor(name), {}, client);
    await response.text();
    assert.equal(response.status < 400, allows("admin", WANT[name]), name);
  }
});

Deno.test("the private door takes a signed request once, and tells each refusal's reason", async () => {
  await using node = await setUp();
  const sent = requestFor("NodeService.GetStatus");
  const shown = { ...await signer.show({ key: KEY, from: "" }, sent) };
  const answers: [Record<string, string>, number, RegExp][] = [
    [shown, 200, /result/],
    [shown, 401, /^Cannot accept the signature: the request was received before$/m],
    [{}, 401, /^Cannot use the API: it needs a request that is signed with the cluster key/],
    [{ authorization: `Bearer ${KEY}` }, 401, /Bearer takes a token .* the cluster key is never/],
    [{ authorization: "Basic eDp5" }, 401, /it takes Maelstrom-HMAC or Bearer/],
  ];
  for (const [headers, status, says] of answers) {
    const response = await node.send(sent, headers);
    assert.match(await response.text(), says);
    assert.equal(response.status, status);
    assert.equal(response.headers.has("www-authenticate"), status === 401);
  }
});

Deno.test("the private door of loopback callers is shut to web pages and wrong keys", async () => {
  await using node = await setUp("loopback");
  const sent = requestFor("MaelstromService.PutComponent", {});
  const statuses: [Record<string, string>, number][] = [
    [{}, 200],
    [{ origin: "http://evil.example" }, 401],
    [{ authorization: "Bearer mael_x" }, 401],
  ];
  for (const [headers, status] of statuses) {
    const response = await node.send(sent, headers);
    await response.text();
    assert.equal(response.status, status, JSON.stringify(headers));
  }
});

Deno.test("the private door to queues is shut to web pages, and not in a component's way", async () => {
  await using node = await setUp();
  const sent = requestFor("/queues/");
  const statuses: [Record<string, string>, number][] = [
    [{}, 200],
    [{ origin: "http://evil.example" }, 401],
    [{ authorization: "Bearer mael_x" }, 401],
    [{ "maelstrom-component": "absent" }, 404],
  ];
  for (const [headers, status] of statuses) {
    const response = await node.send(sent, headers);
    assert.equal(response.status, status, `${JSON.stringify(headers)}: ${await response.text()}`);
  }
});

Deno.test("PutCfg of a secret needs scope admin", async () => {
  await using node = await setUp();
  const authorization = `Bearer ${await node.token("deploy")}`;
  for (const [secret, status] of [[true, 403], [false, 200]] as const) {
    const values = [{ name: "A", value: "long enough", secret }];
    const response = await node.send(requestFor("MaelstromService.PutCfg", { values }), {
      authorization,
    });
    assert.equal(response.status, status, await response.text());
  }
});

Deno.test("a batch is refused method by method", async () => {
  await using node = await setUp();
  const one = (id: number, method: Method) => ({ jsonrpc: "2.0", id, method, params: [{}] });
  const body = JSON.stringify([
    one(1, "MaelstromService.ListTokens"),
    one(2, "NodeService.GetStatus"),
  ]);
  const response = await node.send({ method: "POST", path: "/_mael/v1", body }, {
    authorization: `Bearer ${await node.token("read")}`,
  });
  const [tokens, status] = await response.json();
  assert.equal(tokens.error.code, 1005);
  assert.deepEqual(status.result, {});
});
