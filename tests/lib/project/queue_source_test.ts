import assert from "node:assert/strict";
import { queueSettings } from "../../../lib/contract/queues.ts";
import { checkAll } from "../../../lib/contract/check.ts";
import {
  eventSourceSchema,
  projectSchema,
  type QueueEventSource,
} from "../../../lib/contract/v1.ts";
import { projectFileSchema } from "../../../lib/project/file_schema.ts";
import { projectOfFile } from "../../../lib/project/from_file.ts";
import { fileOfProject } from "../../../lib/project/to_file.ts";

const QUEUE = {
  name: "images",
  path: "/image",
  maxConcurrency: 20,
  concurrencyPerPoller: 5,
  visibilitySeconds: 30,
  maxReceives: 3,
  deadLetterQueue: "lost",
  retentionSeconds: 3600,
  maxLength: 500,
  batch: true,
  open: true,
};

Deno.test("a project file says everything of a queue, and gets it back", () => {
  const lower = Object.entries(QUEUE).map(([key, value]) => [key.toLowerCase(), value]);
  const file = {
    name: "demo",
    components: {
      web: {
        image: "web:1",
        httpport: 80,
        eventsources: { images: { queue: Object.fromEntries(lower) } },
      },
    },
  };
  const { project } = projectOfFile(projectFileSchema.parse(file));
  const checked = projectSchema.parse(project);
  assert.deepEqual(checked.components[0]?.eventSources[0]?.eventSource.queue, QUEUE);
  assert.deepEqual(fileOfProject(checked).file, file);
});

Deno.test("queueSettings() fills in what is absent or zero", () => {
  const defaults = {
    name: "images",
    path: "/",
    maxConcurrency: 10,
    concurrencyPerPoller: 10,
    batch: false,
    visibilitySeconds: 60,
    maxReceives: 5,
    deadLetterQueue: "images-dead",
    retentionMs: 14 * 24 * 3600 * 1000,
    maxLength: 100_000,
    open: false,
  };
  const zero = { maxConcurrency: 0, visibilitySeconds: 0, maxReceives: 0, maxLength: 0 };
  assert.deepEqual(queueSettings({ name: "images", path: "/" }), defaults);
  assert.deepEqual(queueSettings({ name: "images", path: "/", ...zero }), defaults);
});

const FAULTS: { name: string; queue: Partial<QueueEventSource>; says: RegExp }[] = [
  { name: "no name", queue: { path: "/" }, says: /queue\.name is required/ },
  { name: "no path", queue: { name: "a" }, says: /queue\.path is required/ },
  {
    name: "a name without room for -dead",
    queue: { name: "a".repeat(56), path: "/" },
    says: /queue\.name exceeds max length of 55 bytes/,
  },
  {
    name: "itself for its dead letters",
    queue: { name: "a", path: "/", deadLetterQueue: "A" },
    says: /queue\.deadLetterQueue must not be the queue itself/,
  },
];

for (const { name, queue, says } of FAULTS) {
  Deno.test(`eventSourceSchema refuses a queue with ${name}`, () => {
    const source = { name: "es", componentName: "web", queue };
    const checked = checkAll(eventSourceSchema, source, "eventSource");
    assert.ok("faults" in checked);
    assert.match(checked.faults.map(({ message }) => message).join("; "), says);
  });
}
