/**
 * Every row of a project file acts. One file uses each key, each token and each rule of merging; it
 * is put by the tool against a real node, and read back from the node and from the engine.
 */
import assert from "node:assert/strict";
import { parse } from "yaml";
import { ensureSampleImage } from "../../examples/quickstart/image.ts";
import {
  type Component,
  cronHttpRequestSchema,
  eventSourceSchema,
  eventSourceTypeSchema,
  type EventSourceWithStatus,
  type Project,
  volumeMountSchema,
} from "../../lib/contract/v1.ts";
import { FILE_KEYS } from "../../lib/project/file_keys.ts";
import { type Said, witness } from "../support/docker/witness.ts";
import { TestNode } from "../support/node.ts";
import { freePorts } from "../support/ports.ts";

const MIB = 2 ** 20;

/** What is written in the file's environment, and what the container gets. */
const TOKENS: readonly (readonly [name: string, written: string, want: string])[] = [
  ["PLAIN", "${SET}", "a value"],
  ["MIDDLE", "<${SET}>", "<a value>"],
  ["UNSET", "${NOT_SET}", ""],
  ["OR_SET", "${SET:text}", "a value"],
  ["OR_EMPTY", "${EMPTY:text}", ""],
  ["OR_UNSET", "${NOT_SET:text}", "text"],
  ["OR_NOTHING", "${NOT_SET:}", ""],
  ["ELSE_SET", "${SET:-text}", "a value"],
  ["ELSE_EMPTY", "${EMPTY:-text}", "text"],
  ["ELSE_UNSET", "${NOT_SET:-text}", "text"],
  ["ESCAPED", "$${SET}", "${SET}"],
  ["NO_COLON", "${SET-text}", ""],
  ["NO_NAME", "${}", "${}"],
  ["OTHER_CASE", "${set}", ""],
  ["ONLY_ONCE", "${TOKEN}", "${SET}"],
  ["TWO_LINES", "${NOT_SET:one\n          two}", "one two"],
  ["NOT_OF_ENVFILE", "${IN_FILE}", ""],
  ["OF_ENV_FLAG", "${BOTH}", "of --env"],
];

const YAML = `
# Comments are replaced too: \${SET}.
name: Rows
environment:
  - FROM=project
  - HIDDEN=project
  - IN_PROJECT=yes
  - says nothing
envfile: shared.env
components:
  Web: &web
    image: \${IMAGE}
    entrypoint: [/bin/deno]
    command: [run, -A, --no-config, --cached-only, --no-check, /app.ts, marker]
    environment:
      - FROM=component
${TOKENS.map(([name, written]) => `      - "${name}=${written}"`).join("\n")}
    httpport: \${PORT}
    httphealthcheckpath: /health
    httpstarthealthcheckseconds: 45
    httphealthcheckseconds: 50
    httphealthcheckmaxfailures: 3
    healthcheckfailedcommand: [/bin/deno, --version]
    idletimeoutseconds: 600
    idlemode: freeze
    frozentimeoutseconds: 700
    ports: ["127.0.0.1:\${HOST_PORT}:8080"]
    volumes:
      - { type: bind, source: "\${FOLDER}", target: /mnt/bind, readonly: true }
      - { type: tmpfs, source: "", target: /scratch }
    networkname: \${NETWORK}
    logdriver: local
    logdriveroptions: { max-size: 1m, compress: "false" }
    cpushares: 512
    reservememory: 96
    limitmemory: 192
    pullcommand: [/bin/sh, -c, 'echo "$0" >> "\${FOLDER}/pulled"', <image>]
    pullusername: puller
    pullpassword: \${PASSWORD}
    pullimageonput: true
    pullimageonstart: true
    dns: [192.0.2.53]
    dnsoptions: ["ndots:3"]
    dnssearch: [svc.example.com]
    ulimits: ["nofile=2048:4096"]
    containerinit: true
    hostname: front
    domainname: example.com
    user: 12:34
    capadd: [NET_ADMIN]
    capdrop: [MKNOD]
    mininstances: 1
    maxinstances: 5
    maxinstancespernode: 2
    maxunavailable: 2
    constraints: [zone=a]
    maxconcurrency: 7
    softconcurrencylimit: true
    scaleupconcurrencypct: 0.6
    scaledownconcurrencypct: 0.1
    maxdurationseconds: 30
    queuetimeoutseconds: 20
    firstbytetimeoutseconds: 15
    maxbodybytes: 4096
    oncoldstart: hold
    startparallelism: series
    restartorder: startstop
    eventsources:
      by_host:
        http: { hostname: Rows.example.com, pathprefix: /web/, stripprefix: true }
      rows_nightly:
        cron:
          schedule: 0 3 * * *
          timezone: Europe/Berlin
          overlap: queue
          missed: all
          missedmax: 3
          jitterseconds: 5
          retries: 2
          retrydelayseconds: 7
          http:
            method: POST
            path: /nightly?full=1
            data: "{}"
            headers: [{ name: X-By, value: cron }]
      images:
        sqs:
          queuename: \${STAGE:-dev}_images
          nameasprefix: true
          path: /image
          maxconcurrency: 7
          messagesperpoll: 3
          concurrencyperpoller: 2
          visibilitytimeout: 60
          batch: true
          region: eu-west-1
          endpoint: http://127.0.0.1:9
      resize:
        awsstepfunc:
          activityname: resize
          path: /resize
          maxconcurrency: 4
          concurrencyperpoller: 2
          heartbeatseconds: 30
          region: eu-west-1
          endpoint: http://127.0.0.1:9
      tasks:
        queue:
          name: Rows-Tasks
          path: /task
          maxconcurrency: 4
          concurrencyperpoller: 2
          visibilityseconds: 30
          maxreceives: 3
          deadletterqueue: rows-lost
          retentionseconds: 3600
          maxlength: 100
          batch: true
          open: true
    crontab: |
      # month by month
      5   6 */2  9  ?   /cron/two?a=b

      this says nothing
      @every 1h\t/cron/three
  copy:
    <<: *web
    image: \${IMAGE}
    mininstances: 0
    eventsources: {}
    crontab: ""
  plain:
    image: \${IMAGE}
    httpport: 8080
    eventsources:
      plain_http: { http: { pathprefix: /plain/, stripprefix: true } }
# Without an end it stays: \${
`;

const ENVFILE = 'FROM=file\nHIDDEN=file\nIN_FILE= "kept" # all of it\nno entry\n';

/** A node with the project, and what there is to see of it. */
interface World {
  readonly node: TestNode;
  readonly folder: string;
  readonly values: Readonly<Record<string, string>>;
  readonly printed: { readonly code: number; readonly stdout: string; readonly stderr: string };
}

async function openWorld(stack: AsyncDisposableStack): Promise<World> {
  const [port] = freePorts(1) as [number];
  const network = `maelstrom-rows-${crypto.randomUUID().slice(0, 8)}`;
  const made = await witness().createNetwork({ Name: network });
  stack.defer(async () => void await made.remove());
  const folder = await Deno.makeTempDir({ prefix: "maelstrom-rows-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const env = {
    MAEL_NODE_LABELS: "zone=a",
    MAEL_PULL_COMMAND: "on",
    MAEL_HOST_MOUNTS: folder,
  };
  const node = stack.use(await TestNode.start({ env }));
  const signal = AbortSignal.timeout(60_000);
  const image = await ensureSampleImage(node.docker, { say: () => {}, signal });
  await Deno.writeTextFile(`${folder}/maelstrom.yml`, YAML);
  await Deno.writeTextFile(`${folder}/shared.env`, ENVFILE);
  await Deno.writeTextFile(`${folder}/more.env`, "# tag\n BOTH = of --env \nPORT=8080\n");
  const values = {
    IMAGE: image,
    FOLDER: folder,
    NETWORK: network,
    HOST_PORT: String(port),
    SET: "a value",
    EMPTY: "",
    TOKEN: "${SET}",
    BOTH: "of the environment",
    PASSWORD: "hunter2",
  };
  const options = { env: values, cwd: folder };
  const printed = await node.cli(["project", "put", "--env", "more.env"], undefined, options);
  assert.equal(printed.code, 0, printed.stderr);
  return { node, folder, values, printed };
}

/** The container of `component`, once it serves. */
async function containerOf({ node }: World, component: string): Promise<Said> {
  const { container } = await node.seen((line) =>
    line.message === "instance serves" && line.component === component
  );
  return await witness().getContainer(String(container)).inspect();
}

async function storedProject({ node }: World): Promise<Project> {
  return JSON.parse(await node.run(["project", "get", "ROWS", "--json"]));
}

function named<T extends { readonly name: string }>(items: readonly T[], name: string): T {
  const found = items.find((item) => item.name === name);
  assert.ok(found, `${name} is not among ${items.map((item) => item.name)}`);
  return found;
}

function withoutTime<T extends { readonly modifiedAt?: number | undefined }>(item: T) {
  const { modifiedAt: _now, ...rest } = item;
  return rest;
}

const ENVIRONMENT = new Map([
  ...TOKENS.map(([name, , want]) => [name, want] as const),
  ["FROM", "component"],
  ["HIDDEN", "project"],
  ["IN_FILE", ' "kept" # all of it'],
  ["IN_PROJECT", "yes"],
]);

/** What the node keeps of the component `Web`. */
function wantedWeb({ folder, values }: World): Omit<Component, "modifiedAt"> {
  return {
    name: "rows_web",
    projectName: "rows",
    environment: [...ENVIRONMENT].map(([name, value]) => ({ name, value }))
      .sort((a, b) => a.name < b.name ? -1 : 1),
    minInstances: 1,
    maxInstances: 5,
    maxInstancesPerNode: 2,
    maxUnavailable: 2,
    constraints: ["zone=a"],
    maxConcurrency: 7,
    softConcurrencyLimit: true,
    scaleUpConcurrencyPct: 0.6,
    scaleDownConcurrencyPct: 0.1,
    maxDurationSeconds: 30,
    queueTimeoutSeconds: 20,
    firstByteTimeoutSeconds: 15,
    maxBodyBytes: 4096,
    onColdStart: "hold",
    startParallelism: "series",
    RestartOrder: "startstop",
    version: 1,
    docker: {
      image: values.IMAGE!,
      entrypoint: ["/bin/deno"],
      command: ["run", "-A", "--no-config", "--cached-only", "--no-check", "/app.ts", "marker"],
      httpPort: 8080,
      httpHealthCheckPath: "/health",
      httpStartHealthCheckSeconds: 45,
      httpHealthCheckSeconds: 50,
      httpHealthCheckMaxFailures: 3,
      healthCheckFailedCommand: ["/bin/deno", "--version"],
      idleTimeoutSeconds: 600,
      idleMode: "freeze",
      frozenTimeoutSeconds: 700,
      ports: [`127.0.0.1:${values.HOST_PORT}:8080`],
      volumes: [
        { type: "bind", source: folder, target: "/mnt/bind", readOnly: true },
        { type: "tmpfs", source: "", target: "/scratch" },
      ],
      networkName: values.NETWORK!,
      logDriver: "local",
      logDriverOptions: [{ name: "compress", value: "false" }, { name: "max-size", value: "1m" }],
      cpuShares: 512,
      reserveMemoryMiB: 96,
      limitMemoryMiB: 192,
      pullCommand: ["/bin/sh", "-c", `echo "$0" >> "${folder}/pulled"`, "<image>"],
      pullUsername: "puller",
      pullPassword: "***",
      pullImageOnPut: true,
      pullImageOnStart: true,
      dns: ["192.0.2.53"],
      dnsOptions: ["ndots:3"],
      dnsSearch: ["svc.example.com"],
      ulimits: ["nofile=2048:4096"],
      init: true,
      hostname: "front",
      domainname: "example.com",
      user: "12:34",
      capadd: ["NET_ADMIN"],
      capdrop: ["MKNOD"],
    },
  };
}

const CRON = (schedule: string, path: string) => ({
  cron: { schedule, http: { method: "GET", path } },
});

/** What the node keeps of what wakes `Web`, by the name in the cluster. */
const WANTED_SOURCES = {
  rows_by_host: { http: { hostname: "rows.example.com", pathPrefix: "/web/", stripPrefix: true } },
  rows_images: {
    sqs: {
      queueName: "dev_images",
      nameAsPrefix: true,
      path: "/image",
      maxConcurrency: 7,
      messagesPerPoll: 3,
      concurrencyPerPoller: 2,
      visibilityTimeout: 60,
      batch: true,
      region: "eu-west-1",
      endpoint: "http://127.0.0.1:9",
    },
  },
  rows_nightly: {
    cron: {
      schedule: "0 3 * * *",
      timezone: "Europe/Berlin",
      overlap: "queue",
      missed: "all",
      missedMax: 3,
      jitterSeconds: 5,
      retries: 2,
      retryDelaySeconds: 7,
      http: {
        method: "POST",
        path: "/nightly?full=1",
        data: "{}",
        headers: [{ name: "X-By", value: "cron" }],
      },
    },
  },
  rows_resize: {
    awsstepfunc: {
      activityName: "resize",
      path: "/resize",
      maxConcurrency: 4,
      concurrencyPerPoller: 2,
      heartbeatSeconds: 30,
      region: "eu-west-1",
      endpoint: "http://127.0.0.1:9",
    },
  },
  rows_tasks: {
    queue: {
      name: "rows-tasks",
      path: "/task",
      maxConcurrency: 4,
      concurrencyPerPoller: 2,
      visibilitySeconds: 30,
      maxReceives: 3,
      deadLetterQueue: "rows-lost",
      retentionSeconds: 3600,
      maxLength: 100,
      batch: true,
      open: true,
    },
  },
  "rows_web-cron-0": CRON("5 6 */2 9 ?", "/cron/two?a=b"),
  "rows_web-cron-1": CRON("@every 1h", "/cron/three"),
};

/** Asserts that `value` uses every field of `shape`, in lower case. */
function usesAll(value: unknown, { shape }: { readonly shape: object }): void {
  const wanted = Object.keys(shape).map((field) => field.toLowerCase());
  assert.deepEqual(Object.keys(value as object).toSorted(), wanted.toSorted());
}

Deno.test("project rows: the file uses every key there is", () => {
  const file = parse(YAML, { merge: true });
  assert.deepEqual(Object.keys(file), ["name", "environment", "envfile", "components"]);
  const { Web } = file.components;
  const others = ["environment", "logdriveroptions", "eventsources", "crontab"];
  assert.deepEqual(
    Object.keys(Web).toSorted(),
    [...FILE_KEYS.map(({ key }) => key), ...others].toSorted(),
  );
  usesAll(Web.volumes[0], volumeMountSchema);
  usesAll(Web.eventsources.rows_nightly.cron.http, cronHttpRequestSchema);
  for (const kind of eventSourceTypeSchema.options) {
    const sources: Record<string, unknown>[] = Object.values(Web.eventsources);
    const used = sources.find((source) => source[kind] !== undefined);
    usesAll(used?.[kind] ?? {}, eventSourceSchema.shape[kind].unwrap());
  }
});

Deno.test("walk: every row of a project file acts", async (t) => {
  await using stack = new AsyncDisposableStack();
  const world = await openWorld(stack);
  const { node, folder, values, printed } = world;
  const project = await storedProject(world);
  const components = project.components.map(({ component }) => component);
  const web = await containerOf(world, "rows_web");

  await t.step("what was put is told by its full names, what says nothing too", () => {
    assert.match(printed.stdout, /^Project saved: rows from file: maelstrom\.yml$/m);
    const added = [...printed.stdout.matchAll(/^(Component|EventSource) +(\S+) +Added$/gm)];
    assert.deepEqual(added.map(([, kind, name]) => `${kind} ${name}`), [
      // In the order of the file's names, capitals first; then the crontab's.
      "Component rows_web",
      "Component rows_copy",
      "Component rows_plain",
      ...[
        "by_host",
        "images",
        "resize",
        "nightly",
        "tasks",
        "web-cron-0",
        "web-cron-1",
        "plain_http",
      ]
        .map((name) => `EventSource rows_${name}`),
    ]);
    assert.deepEqual(printed.stderr.trimEnd().split("\n"), [
      "Note: maelstrom.yml: project.environment[3] says nothing and is ignored.",
      "Note: maelstrom.yml: project.components.Web.crontab line 4 says nothing and is ignored.",
    ]);
  });

  await t.step("every key is kept as the setting it stands for", () => {
    assert.deepEqual(withoutTime(named(components, "rows_web")), wantedWeb(world));
  });

  await t.step("event sources and the crontab's lines are kept, switched on", () => {
    const entry = project.components.find(({ component }) => component.name === "rows_web");
    const kept = entry!.eventSources.map(({ eventSource, enabled }: EventSourceWithStatus) => {
      const { name, ...rest } = withoutTime(eventSource);
      return [name, { ...rest, enabled }];
    });
    const of = { componentName: "rows_web", projectName: "rows", version: 1, enabled: true };
    assert.deepEqual(
      Object.fromEntries(kept),
      Object.fromEntries(
        Object.entries(WANTED_SOURCES).map(([name, kind]) => [name, { ...of, ...kind }]),
      ),
    );
  });

  await t.step("a merged mapping brings what is not said again", () => {
    const { minInstances: _zero, ...rest } = wantedWeb(world);
    const copy = withoutTime(named(components, "rows_copy"));
    assert.deepEqual(copy, { ...rest, name: "rows_copy", minInstances: 0 });
  });

  await t.step("keys that are not given stay unset, and the engine gets the defaults", async () => {
    const { environment, ...rest } = withoutTime(named(components, "rows_plain"));
    assert.deepEqual(rest, {
      name: "rows_plain",
      projectName: "rows",
      maxConcurrency: 0,
      version: 1,
      docker: { image: values.IMAGE, httpPort: 8080 },
    });
    assert.deepEqual(environment.map(({ name, value }) => `${name}=${value}`), [
      "FROM=project",
      "HIDDEN=project",
      'IN_FILE= "kept" # all of it',
      "IN_PROJECT=yes",
    ]);
    const response = await fetch(`${node.url}/plain/whoami`);
    assert.equal((await response.json()).component, "rows_plain");
    const { HostConfig, Config } = await containerOf(world, "rows_plain");
    const { MemoryReservation, Memory, CpuShares, CapAdd } = HostConfig;
    assert.deepEqual({ MemoryReservation, Memory, CpuShares, CapAdd }, {
      MemoryReservation: 128 * MIB,
      Memory: 0,
      CpuShares: 0,
      CapAdd: null,
    });
    assert.equal(Config.Domainname, "");
  });

  for (const [name, written, want] of TOKENS) {
    await t.step(`${JSON.stringify(written)} reaches the container as "${want}"`, () => {
      assert.equal(environmentOf(web).get(name), want);
    });
  }

  await t.step(
    "the component's environment wins over the project's, and that over the file's",
    () => {
      const environment = environmentOf(web);
      for (const [name, want] of ENVIRONMENT) assert.equal(environment.get(name), want, name);
      assert.equal(environment.get("MAELSTROM_PROJECT_NAME"), "rows");
    },
  );

  await t.step("the engine has what the keys say", () => {
    const { Config, HostConfig, NetworkSettings, Mounts } = web;
    assert.deepEqual(
      [Config.Image, Config.Entrypoint, Config.Cmd.at(-1)],
      [values.IMAGE, ["/bin/deno"], "marker"],
    );
    assert.deepEqual([Config.Hostname, Config.Domainname, Config.User], [
      "front",
      "example.com",
      "12:34",
    ]);
    assert.deepEqual(Object.keys(NetworkSettings.Networks), [values.NETWORK]);
    const { CpuShares, MemoryReservation, Memory, Init, Dns, DnsOptions, DnsSearch } = HostConfig;
    assert.deepEqual({ CpuShares, MemoryReservation, Memory, Init, Dns, DnsOptions, DnsSearch }, {
      CpuShares: 512,
      MemoryReservation: 96 * MIB,
      Memory: 192 * MIB,
      Init: true,
      Dns: ["192.0.2.53"],
      DnsOptions: ["ndots:3"],
      DnsSearch: ["svc.example.com"],
    });
    assert.deepEqual(HostConfig.Ulimits, [{ Name: "nofile", Soft: 2048, Hard: 4096 }]);
    assert.match(
      String([HostConfig.CapAdd, HostConfig.CapDrop]),
      /^(CAP_)?NET_ADMIN,(CAP_)?MKNOD$/,
    );
    assert.deepEqual(HostConfig.LogConfig, {
      Type: "local",
      Config: { compress: "false", "max-size": "1m" },
    });
    assert.deepEqual(HostConfig.PortBindings["8080/tcp"], [
      { HostIp: "127.0.0.1", HostPort: values.HOST_PORT },
    ]);
    const [bind, tmpfs] = ["/mnt/bind", "/scratch"].map((target) =>
      Mounts.find(({ Destination }: Said) => Destination === target)
    );
    assert.deepEqual([bind.Type, bind.Source, bind.RW, tmpfs.Type], [
      "bind",
      folder,
      false,
      "tmpfs",
    ]);
  });

  await t.step("requests reach it by host and path, and it sees no prefix", async () => {
    using client = Deno.createHttpClient({ allowHost: true });
    const visit = async (host: string) => {
      const response = await fetch(`${node.url}/web/env?name=PLAIN`, { client, headers: { host } });
      return { status: response.status, body: await response.text() };
    };
    assert.deepEqual(await visit("rows.example.com"), { status: 200, body: "a value\n" });
    assert.equal((await visit("other.example.com")).status, 404);
  });

  await t.step("the command on the node was run instead of a pull", async () => {
    const pulled = await Deno.readTextFile(`${folder}/pulled`);
    assert.ok(pulled.split("\n").includes(values.IMAGE!), pulled);
  });

  await t.step("the same file again is no change, and no output has the password", async () => {
    const options = { env: values, cwd: folder };
    const diff = await node.cli(["project", "diff", "--env", "more.env"], undefined, options);
    assert.equal(diff.code, 0, diff.stdout + diff.stderr);
    const said = [
      printed.stdout,
      printed.stderr,
      JSON.stringify(project),
      JSON.stringify(node.log),
    ];
    assert.doesNotMatch(said.join("\n"), /hunter2/);
  });
});

function environmentOf({ Config }: Said): Map<string, string> {
  return new Map(Config.Env.map((entry: string) => {
    const at = entry.indexOf("=");
    return [entry.slice(0, at), entry.slice(at + 1)];
  }));
}
