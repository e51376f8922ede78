/** Components, event sources and node statuses for tests of the store: built and generated. */
import fc from "fast-check";
import type {
  Component,
  DockerComponent,
  EventSource,
  NameValue,
  NodeStatus,
  VolumeMount,
} from "../../lib/contract/v1.ts";

/** The smallest component. */
export function component(name: string, fields: Partial<Component> = {}): Component {
  return {
    name,
    environment: [],
    maxConcurrency: 0,
    version: 0,
    docker: { image: "shop:7", httpPort: 8080 },
    ...fields,
  };
}

/** The smallest event source. */
export function eventSource(
  name: string,
  componentName: string,
  fields: Partial<EventSource> = { http: { hostname: `${name}.example.com` } },
): EventSource {
  return { name, componentName, version: 0, modifiedAt: 0, ...fields };
}

/** A node's status without components. */
export function nodeStatus(nodeId: string, observedAt: number): NodeStatus {
  return {
    nodeId,
    startedAt: 1,
    observedAt,
    version: 7,
    peerUrl: "http://192.0.2.1:8374",
    totalMemoryMiB: 2048,
    freeMemoryMiB: 1024,
    numCPUs: 2,
    loadAvg1m: 0.25,
    loadAvg5m: 0.5,
    loadAvg15m: 1,
    runningComponents: [{
      componentName: "shop",
      componentVersion: 3,
      status: "active",
      maxConcurrency: 5,
      memoryReservedMiB: 128,
      startTime: 2,
      lastRequestTime: 0,
      totalRequests: 9,
      activity: [{ requests: 4, concurrency: 0.75 }],
      containerName: "maelstrom_shop_3",
      inFlight: 1,
      health: [],
      admits: 5,
    }],
    failures: [],
    waiting: [],
    roles: [],
    sources: [],
    labels: {},
    state: "ready",
    isLeaving: false,
    protocol: 1,
  };
}

/** Any name in canonical form. */
export const anyName: fc.Arbitrary<string> = fc.stringMatching(/^[a-z0-9_-]{1,60}$/);

/** Records as JSON gives them, which equality of objects looks at too. */
const plain = { noNullPrototype: true } as const;

const anyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 30 }).filter((text) => !text.includes("\0")),
  fc.constantFrom("", "'; drop table component; --", "$1", "\ud800 alone", "größe\r\n\t\\", "{}"),
);
const anyWord = fc.stringMatching(/^[A-Za-z]{1,8}$/);
const anyCount = fc.nat(1_000_000);
const anyTexts = fc.array(anyText, { maxLength: 3 });
const anyFraction = fc.double({ min: 0, max: 1, noNaN: true }).map(Math.abs);
const anyNameValue: fc.Arbitrary<NameValue> = fc.record(
  { name: anyWord, value: anyText },
  plain,
);

const anyVolume: fc.Arbitrary<VolumeMount> = fc.record({
  type: fc.constantFrom("bind", "volume"),
  source: anyText.map((text) => `/${text}`),
  target: anyText.map((text) => `/${text}`),
  readOnly: fc.boolean(),
}, { ...plain, requiredKeys: ["source", "target"] });

const anyDocker: fc.Arbitrary<DockerComponent> = fc.record<DockerComponent>({
  image: anyWord,
  command: anyTexts,
  entrypoint: anyTexts,
  httpPort: fc.integer({ min: 1, max: 65535 }),
  httpHealthCheckPath: fc.constantFrom("", "/", "/health?deep=1"),
  httpStartHealthCheckSeconds: fc.integer({ min: -1, max: 1000 }),
  httpHealthCheckSeconds: fc.nat(1000),
  httpHealthCheckMaxFailures: anyCount,
  healthCheckFailedCommand: anyTexts,
  idleTimeoutSeconds: fc.nat(1000),
  idleMode: fc.constantFrom("stop", "freeze"),
  frozenTimeoutSeconds: fc.nat(1000),
  ports: fc.constantFrom([], ["8080:80", "127.0.0.1:5353:53/udp"]),
  volumes: fc.array(anyVolume, { maxLength: 2 }),
  networkName: anyText,
  logDriver: anyText,
  logDriverOptions: fc.array(anyNameValue, { maxLength: 2 }),
  cpuShares: anyCount,
  reserveMemoryMiB: fc.nat(1000),
  limitMemoryMiB: fc.integer({ min: 1000, max: 2000 }),
  pullCommand: anyTexts,
  pullUsername: anyText,
  pullPassword: anyText,
  pullImageOnPut: fc.boolean(),
  pullImageOnStart: fc.boolean(),
  dns: anyTexts,
  dnsOptions: anyTexts,
  dnsSearch: anyTexts,
  ulimits: fc.constantFrom([], ["nofile=1024:2048"]),
  init: fc.boolean(),
  hostname: anyText,
  domainname: anyText,
  user: anyText,
  capadd: anyTexts,
  capdrop: anyTexts,
}, { ...plain, requiredKeys: ["image", "httpPort"] });

/** Any component that passes the wire's check, not yet stored. */
export const anyComponent: fc.Arbitrary<Component> = fc.record<Component>({
  name: anyName,
  projectName: fc.oneof(fc.constant(""), fc.stringMatching(/^[a-z0-9_-]{1,20}$/)),
  environment: fc.array(anyNameValue, { maxLength: 3 }),
  minInstances: fc.nat(10),
  maxInstances: fc.integer({ min: 10, max: 100 }),
  maxInstancesPerNode: anyCount,
  maxUnavailable: anyCount,
  constraints: fc.constantFrom([], ["zone=a", "disk!=slow"]),
  maxConcurrency: anyCount,
  softConcurrencyLimit: fc.boolean(),
  scaleUpConcurrencyPct: anyFraction,
  scaleDownConcurrencyPct: anyFraction,
  maxDurationSeconds: fc.nat(1000),
  queueTimeoutSeconds: fc.nat(1000),
  firstByteTimeoutSeconds: fc.nat(1000),
  maxBodyBytes: fc.nat(),
  onColdStart: fc.constantFrom("hold", "page", "fail"),
  startParallelism: fc.constantFrom("parallel", "series", "seriesfirst"),
  RestartOrder: fc.constantFrom("startstop", "stopstart"),
  version: fc.constant(0),
  modifiedAt: anyCount,
  docker: anyDocker,
}, { ...plain, requiredKeys: ["name", "environment", "maxConcurrency", "version", "docker"] });

const anyHeader: fc.Arbitrary<NameValue> = fc.record({
  name: anyWord.map((word) => `X-${word}`),
  value: fc.constantFrom("", "größe", "\ta: b\t", '"; {}'),
}, plain);

const anyKind: fc.Arbitrary<Partial<EventSource>> = fc.oneof(
  fc.record({
    http: fc.record({
      hostname: fc.constantFrom("shop.example.com", "*.example.com", "[::1]"),
      pathPrefix: fc.constantFrom("/", "/a%2fb"),
      stripPrefix: fc.boolean(),
    }, { ...plain, requiredKeys: ["pathPrefix"] }),
  }, plain),
  fc.record({
    cron: fc.record({
      schedule: fc.constantFrom("0 3 * * *", "@hourly", "TZ=Europe/Berlin 0 3 * * 1"),
      timezone: fc.constantFrom("", "Europe/Berlin"),
      overlap: fc.constantFrom("allow", "skip", "queue", "replace"),
      missed: fc.constantFrom("skip", "latest", "all"),
      missedMax: fc.nat(1000),
      jitterSeconds: fc.nat(1000),
      retries: fc.nat(100),
      retryDelaySeconds: fc.nat(1000),
      http: fc.record({
        method: fc.constantFrom("GET", "POST"),
        path: fc.constant("/nightly?x=1"),
        data: anyText,
        headers: fc.array(anyHeader, { maxLength: 2 }),
      }, { ...plain, requiredKeys: ["method", "path"] }),
    }, { ...plain, requiredKeys: ["schedule", "http"] }),
  }, plain),
  fc.record({
    sqs: fc.record({
      queueName: anyWord,
      nameAsPrefix: fc.boolean(),
      path: fc.constant("/image"),
      maxConcurrency: anyCount,
      messagesPerPoll: anyCount,
      concurrencyPerPoller: anyCount,
      visibilityTimeout: fc.nat(1000),
      batch: fc.boolean(),
      region: fc.constant("eu-west-1"),
      endpoint: fc.constant("http://127.0.0.1:9"),
    }, { ...plain, requiredKeys: ["queueName", "path"] }),
  }, plain),
  fc.record({
    awsstepfunc: fc.record({
      activityName: anyWord,
      path: fc.constant("/resize"),
      maxConcurrency: anyCount,
      concurrencyPerPoller: anyCount,
      heartbeatSeconds: fc.nat(1000),
      region: fc.constant("eu-west-1"),
      endpoint: fc.constant("http://127.0.0.1:9"),
    }, { ...plain, requiredKeys: ["activityName", "path"] }),
  }, plain),
  fc.record({
    queue: fc.record({
      name: fc.stringMatching(/^[a-z0-9_-]{1,55}$/),
      path: fc.constant("/task"),
      maxConcurrency: anyCount,
      concurrencyPerPoller: anyCount,
      visibilitySeconds: fc.nat(1000),
      maxReceives: anyCount,
      deadLetterQueue: fc.constant("dead-letters"),
      retentionSeconds: fc.nat(1000),
      maxLength: anyCount,
      batch: fc.boolean(),
      open: fc.boolean(),
    }, { ...plain, requiredKeys: ["name", "path"] }),
  }, plain),
);

/** Any event source of `componentName` that passes the wire's check, not yet stored. */
export function anyEventSource(componentName: string): fc.Arbitrary<EventSource> {
  return fc.tuple(anyName, anyKind).map(([name, kind]) => eventSource(name, componentName, kind));
}
