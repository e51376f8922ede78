/**
 * One run of chaos: a cluster under load, faults drawn from a seed, and at the end what the checker
 * finds and some figures.
 * @module
 */
import { pause } from "../../lib/async/pause.ts";
import type { Component, NodeStatus } from "../../lib/contract/v1.ts";
import { asMaelstromError, messageOf } from "../../lib/errors.ts";
import { RpcClient } from "../../lib/rpc/client.ts";
import { type Answered, failures, goodShare, SteadyLoad } from "../support/http/steady_load.ts";
import type { TestNode } from "../support/node.ts";
import { historyViolations, type Outcome, outcomeViolations } from "./checker.ts";
import { planFaults } from "./fault_plan.ts";
import { longestMs, meet, stretchOf, vacancies } from "./figures.ts";
import type { Entry } from "./history.ts";
import { type Outage, Stage } from "./stage.ts";

/** What a run is told. */
export interface ChaosOptions {
  readonly seed: number;
  readonly durationMs: number;
  readonly nodes: number;
  /** Receives each line about the run. */
  readonly say: (line: string) => void;
}

/** Calls end by their client's limit. */
const never = new AbortController().signal;
const PER_SECOND = 45;
const CALL_LIMIT_MS = 8000;
const SETTLE_LIMIT_MS = 60_000;
const PUT_EVERY_MS = 7000;
/** Longer than a fault's effects last: the lease, and a session that is given up. */
const AFTER_MS = 6000;
/** What a put comes to when the node is away, or its database. */
const AWAY: ReadonlySet<string> = new Set(["unreachable", "timeout", "store_unavailable"]);
const ON_DEMAND = ["rare", "seldom"];
const ROLLING = "rolling";

/** Runs it; the result is everything that must not be. */
export async function runChaos(options: ChaosOptions): Promise<string[]> {
  const { seed, durationMs, nodes, say } = options;
  say(`seed ${seed}, ${nodes} nodes, ${durationMs / 1000} s`);
  await using stage = await Stage.start(nodes, { MAEL_NODE_LIVENESS_SECONDS: "2" });
  await putComponents(stage);
  const urls = ["every", "pair", ROLLING, ...ON_DEMAND].flatMap((component) =>
    stage.nodes.map(({ url }) => `${url}/${component}/sleep?ms=5`)
  );
  const beginMs = Date.now();
  await using load = new SteadyLoad(urls, PER_SECOND);
  const over = new AbortController();
  const putting = keepPutting(stage.nodes, over.signal);
  // It fails where it is awaited.
  putting.catch(() => {});
  await Promise.all(
    planFaults(seed, durationMs, nodes).map(async (fault) => {
      await pause(Math.max(0, beginMs + fault.atMs - Date.now()), over.signal);
      await stage.perform(fault);
    }),
  );
  over.abort();
  const { acknowledged, refused } = await putting;
  const healedMs = Date.now();
  await settled(stage, acknowledged);
  const convergedMs = Date.now() - healedMs;
  const results = await load.stop();
  const left = await settled(stage, acknowledged, { isIdle: true });
  const history = stage.history();
  for (const { what, fromMs, toMs } of stage.outages) {
    say(`${at(fromMs - beginMs)} to ${at(toMs - beginMs)} ${what}`);
  }
  say(`puts: ${acknowledged} in effect, ${refused} refused`);
  tellRequests(stage, results, beginMs, say);
  tellHandOvers(stage, say);
  say(`every component was as wanted ${convergedMs} ms after the last fault`);
  const violations = historyViolations(history);
  if (violations.length > 0) tellHistory(history, beginMs, say);
  return [...violations, ...left];
}

async function putComponents({ nodes: [first], nodes }: Stage): Promise<void> {
  const docker = { reserveMemoryMiB: 64 };
  const fixed = (count: number) => ({
    minInstances: count,
    maxInstances: count,
    RestartOrder: "startstop",
  });
  await first!.putSample("every", docker, fixed(nodes.length));
  await first!.putSample("pair", docker, fixed(2));
  await first!.putSample(ROLLING, docker, fixed(2));
  for (const name of ON_DEMAND) {
    await first!.putSample(name, { ...docker, idleTimeoutSeconds: 5 }, { maxInstances: 1 });
  }
}

/** A client of `node` alone. */
function clientOf({ dataDir }: TestNode): RpcClient {
  const findKey = () => Promise.resolve({ from: "nowhere" });
  const places = [{ kind: "socket", path: `${dataDir}/control.sock` }] as const;
  return new RpcClient({ places: [...places], findKey }, { limitMs: CALL_LIMIT_MS });
}

/** Puts the same component again and again, at one node after the other. */
async function keepPutting(
  nodes: readonly TestNode[],
  signal: AbortSignal,
): Promise<{ acknowledged: number; refused: number }> {
  let [acknowledged, refused] = [0, 0];
  for (let turn = 0; !signal.aborted; turn++) {
    await pause(PUT_EVERY_MS, signal);
    const client = clientOf(nodes[turn % nodes.length]!);
    try {
      const component = await componentAt(client, ROLLING);
      const put = { ...component, environment: [{ name: "TURN", value: `${turn}` }] };
      const input = { component: put };
      const { version } = await client.call("MaelstromService.PutComponent", input, never);
      acknowledged = version;
    } catch (error) {
      const { code } = asMaelstromError(error);
      if (!AWAY.has(code)) throw error;
      refused += 1;
    }
  }
  return { acknowledged, refused };
}

async function componentAt(client: RpcClient, name: string): Promise<Component> {
  const { component } = await client.call("MaelstromService.GetComponent", { name }, never);
  return component;
}

/** What is still wrong when everything had time to become as it should. */
async function settled(
  stage: Stage,
  acknowledged: number,
  { isIdle = false } = {},
): Promise<string[]> {
  const endMs = performance.now() + SETTLE_LIMIT_MS;
  for (;;) {
    const wrong = await stateViolations(stage, acknowledged, isIdle)
      .catch((error) => [`a node does not answer: ${messageOf(error)}`]);
    if (wrong.length === 0 || performance.now() > endMs) return wrong;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function stateViolations(
  stage: Stage,
  acknowledged: number,
  isIdle: boolean,
): Promise<string[]> {
  const statuses = await Promise.all(stage.nodes.map(async (node) => {
    return (await clientOf(node).call("NodeService.GetStatus", {}, never)).status;
  }));
  const newest = (await componentAt(clientOf(stage.nodes[0]!), ROLLING)).version;
  const outcome = await outcomeOf(stage, statuses, isIdle);
  return [
    ...outcomeViolations(outcome),
    ...(newest < acknowledged ? [`version ${acknowledged} of ${ROLLING} was put, and lost`] : []),
    ...statuses.flatMap(({ nodeId, runningComponents }) =>
      runningComponents.filter(({ componentName, componentVersion }) =>
        componentName === ROLLING && componentVersion !== newest
      ).map(({ componentVersion }) => `${nodeId} runs version ${componentVersion}, not ${newest}`)
    ),
    ...(isIdle ? [] : await unknownPeers(stage)),
  ];
}

async function outcomeOf(
  { nodes }: Stage,
  statuses: readonly NodeStatus[],
  isIdle: boolean,
): Promise<Outcome> {
  const containers = await Promise.all(
    nodes.map(async (node) =>
      (await node.containers()).map((name) => ({ name, node: node.nodeId }))
    ),
  );
  return {
    owners: statuses.filter(({ roles }) => roles.some(({ role }) => role === "placement"))
      .map(({ nodeId }) => nodeId),
    containers: containers.flat(),
    instances: statuses.flatMap(({ nodeId, runningComponents }) =>
      runningComponents.map(({ containerName, componentName, status }) => ({
        name: containerName,
        node: nodeId,
        component: componentName,
        isActive: status === "active",
      }))
    ),
    wants: [
      { component: "every", min: nodes.length, max: nodes.length },
      { component: "pair", min: 2, max: 2 },
      { component: ROLLING, min: 2, max: 2 },
      ...ON_DEMAND.map((component) => ({ component, min: isIdle ? 0 : 1, max: isIdle ? 0 : 1 })),
    ],
  };
}

/** Every node knows all nodes. */
async function unknownPeers({ nodes }: Stage): Promise<string[]> {
  const known = await Promise.all(nodes.map(async (node) => {
    const answer = await clientOf(node).call("NodeService.ListNodeStatus", {}, never);
    return answer.nodes.length - (answer.silentNodeIds?.length ?? 0);
  }));
  return known.flatMap((count, index) =>
    count === nodes.length ? [] : [`${nodes[index]!.nodeId} hears ${count} nodes`]
  );
}

function tellRequests(
  { nodes, outages }: Stage,
  results: readonly Answered[],
  beginMs: number,
  say: (line: string) => void,
): void {
  const brokenAt = (url: string): Outage[] => {
    const index = nodes.findIndex((node) => url.startsWith(node.url));
    return outages.filter(({ what }) => what === `kill ${index}` || what === `freeze ${index}`);
  };
  const whole = results.filter((result) =>
    !brokenAt(result.url).some((outage) => meet(outage, stretchOf(result, beginMs)))
  );
  const quiet = whole.filter((result) =>
    !outages.some(({ fromMs, toMs }) =>
      meet({ fromMs, toMs: toMs + AFTER_MS }, stretchOf(result, beginMs))
    )
  );
  for (
    const [where, list] of [
      ["in all", results],
      ["at nodes that ran", whole],
      ["while nothing was broken", quiet],
    ] as const
  ) {
    say(`requests ${where}: ${list.length}, ${(100 * goodShare(list)).toFixed(2)} % answered 200`);
  }
  for (const line of failures(whole)) say(`  ${line}`);
}

function tellHandOvers(stage: Stage, say: (line: string) => void): void {
  const away = stage.outages.filter(({ what }) => what === "restart" || what.startsWith("cut"));
  const gaps = vacancies(stage.history());
  const others = gaps.filter((gap) => !away.some((outage) => meet(outage, gap)));
  say(
    `hand-overs of placement: ${gaps.length}, longest ${
      longestMs(gaps)
    } ms; while all could reach ` +
      `the database ${longestMs(others)} ms`,
  );
}

/** All but the orders that were taken, which are many. */
function tellHistory(history: readonly Entry[], beginMs: number, say: (line: string) => void) {
  for (const { atMs, node, ...happening } of history) {
    if (happening.kind === "took") continue;
    say(`${at(atMs - beginMs)} ${node} ${JSON.stringify(happening)}`);
  }
}

/** `1:07.3` */
function at(ms: number): string {
  const seconds = ms / 1000;
  return `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(1).padStart(4, "0")}`;
}
