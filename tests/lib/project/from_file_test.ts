import assert from "node:assert/strict";
import { parse } from "yaml";
import { check } from "../../../lib/contract/check.ts";
import { knownFields } from "../../../lib/contract/known_fields.ts";
import { projectSchema } from "../../../lib/contract/v1.ts";
import { projectFileSchema } from "../../../lib/project/file_schema.ts";
import { projectOfFile } from "../../../lib/project/from_file.ts";

/** The project that `yaml` says, checked as the tool checks it, without places. */
function read(yaml: string, envFile: { name: string; value: string }[] = []) {
  const { value, faults } = knownFields(parse(yaml), projectFileSchema, "project");
  assert.deepEqual(faults, []);
  const { project, ignored } = projectOfFile(check(projectFileSchema, value, "project"), envFile);
  return { project: check(projectSchema, project, "project"), ignored };
}

const YAML = `
name: demo-object-detector
environment:
  - B=$$blah
  - HOME=\${HOME}
  - A=a
components:
  gizmo:
    image: coopernurse/gizmo
    command: ["python", "gizmo.py"]
    environment:
      - B=gizmoB
    httpport: 8080
    mininstances: 1
    maxinstances: 5
    maxinstancespernode: 2
    maxconcurrency: 3
    softconcurrencylimit: true
    maxdurationseconds: 30
    restartorder: startstop
    containerinit: true
    user: bob
    capadd: [cap1, cap2]
    capdrop: [cap3]
    oncoldstart: page
  detector:
    image: coopernurse/object-detector:latest
    command: ["python", "/app/detector.py"]
    httpPort: 8080
    startparallelism: series
    volumes:
      - source: /home/me/.aws
        target: /root/.aws
        readonly: true
    logdriver: syslog
    logdriveroptions:
      syslog-host: localhost
    cpushares: 250
    reservememory: 1024
    limitmemory: 2048
    hostname: edgar
    domainname: foo.com
    ulimits: ["nofile=23:55"]
    healthcheckfailedcommand: ["/bin/bash", "foo"]
    crontab: |
      # a comment
      1 2 * * *    /cron/one
      5   6 */2  9  ?   /cron/two?a=b
      #another
      @every 1h   /cron/three
      nonsense
    eventsources:
      stepfunc1:
        awsstepfunc:
          activityname: stepfunc1activity
          maxconcurrency: 11
          concurrencyperpoller: 5
          path: /activity1
      messages:
        sqs:
          queuename: dev_images
          nameasprefix: true
          visibilitytimeout: 300
          maxconcurrency: 10
          path: /message
`;

const SHARED = [{ name: "A", value: "a" }, { name: "HOME", value: "${HOME}" }];

Deno.test("projectOfFile() reads the container's settings", () => {
  const { project } = read(YAML);
  assert.equal(project.name, "demo-object-detector");
  const [detector, gizmo] = project.components.map(({ component }) => component);
  assert.deepEqual(detector, {
    name: "detector",
    projectName: "demo-object-detector",
    environment: [SHARED[0], { name: "B", value: "$$blah" }, SHARED[1]],
    maxConcurrency: 0,
    version: 0,
    startParallelism: "series",
    docker: {
      image: "coopernurse/object-detector:latest",
      command: ["python", "/app/detector.py"],
      httpPort: 8080,
      volumes: [{ source: "/home/me/.aws", target: "/root/.aws", readOnly: true }],
      logDriver: "syslog",
      logDriverOptions: [{ name: "syslog-host", value: "localhost" }],
      cpuShares: 250,
      reserveMemoryMiB: 1024,
      limitMemoryMiB: 2048,
      hostname: "edgar",
      domainname: "foo.com",
      ulimits: ["nofile=23:55"],
      healthCheckFailedCommand: ["/bin/bash", "foo"],
    },
  });
  assert.deepEqual(gizmo, {
    name: "gizmo",
    projectName: "demo-object-detector",
    environment: [SHARED[0], { name: "B", value: "gizmoB" }, SHARED[1]],
    minInstances: 1,
    maxInstances: 5,
    maxInstancesPerNode: 2,
    maxConcurrency: 3,
    softConcurrencyLimit: true,
    maxDurationSeconds: 30,
    RestartOrder: "startstop",
    onColdStart: "page",
    version: 0,
    docker: {
      image: "coopernurse/gizmo",
      command: ["python", "gizmo.py"],
      httpPort: 8080,
      init: true,
      user: "bob",
      capadd: ["cap1", "cap2"],
      capdrop: ["cap3"],
    },
  });
});

Deno.test("projectOfFile() reads event sources in name order, then the crontab's", () => {
  const { project, ignored } = read(YAML);
  assert.deepEqual(project.components[1]?.eventSources, []);
  const sources = project.components[0]?.eventSources ?? [];
  assert.ok(sources.every(({ enabled }) => enabled));
  const cron = (n: number, schedule: string, path: string) => ({
    name: `detector-cron-${n}`,
    cron: { schedule, http: { method: "GET", path } },
  });
  const wanted = [
    {
      name: "messages",
      sqs: {
        queueName: "dev_images",
        nameAsPrefix: true,
        visibilityTimeout: 300,
        maxConcurrency: 10,
        path: "/message",
      },
    },
    {
      name: "stepfunc1",
      awsstepfunc: {
        activityName: "stepfunc1activity",
        maxConcurrency: 11,
        concurrencyPerPoller: 5,
        path: "/activity1",
      },
    },
    cron(0, "1 2 * * *", "/cron/one"),
    cron(1, "5 6 */2 9 ?", "/cron/two?a=b"),
    cron(2, "@every 1h", "/cron/three"),
  ].map((source) => ({
    ...source,
    componentName: "detector",
    projectName: "demo-object-detector",
    version: 0,
    modifiedAt: 0,
  }));
  assert.deepEqual(sources.map(({ eventSource }) => eventSource), wanted);
  assert.deepEqual(ignored, ["project.components.detector.crontab line 6"]);
});

Deno.test("projectOfFile() lets the component's environment win over the project's and the file's", () => {
  const yaml = `
name: demo
environment: [A=project, B=project, nothing]
components:
  web: {image: i, httpport: 1, environment: [A=component, also nothing]}`;
  const file = ["A", "B", "C"].map((name) => ({ name, value: "file" }));
  const { project, ignored } = read(yaml, file);
  assert.deepEqual(project.components[0]?.component.environment, [
    { name: "A", value: "component" },
    { name: "B", value: "project" },
    { name: "C", value: "file" },
  ]);
  assert.deepEqual(ignored, ["project.environment[2]", "project.components.web.environment[1]"]);
});
