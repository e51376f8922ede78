/**
 * Methods on the node's own queues, and `POST /queues/NAME`, by which programs send. A queue takes
 * messages as long as an event source reads it, also while that is switched off. An answered send
 * is on disk.
 * @module
 */
import { readText } from "../../lib/async/body.ts";
import { check } from "../../lib/contract/check.ts";
import { canonicalName } from "../../lib/contract/names.ts";
import {
  ATTRIBUTE_PREFIX,
  MESSAGE_BYTES_MAX,
  type QueueInfo,
  type QueueSettings,
  queueSettings,
} from "../../lib/contract/queues.ts";
import { allows } from "../../lib/contract/scopes.ts";
import { type EventSource, type MessageInput, messageSchema } from "../../lib/contract/v1.ts";
import { MaelstromError } from "../../lib/errors.ts";
import type { Caller } from "../../lib/rpc/caller.ts";
import type { Catalog } from "../store/catalog.ts";
import type { QueueStore } from "../store/queue.ts";
import type { QueueAdmin, QueueCounts } from "../store/queue_admin.ts";
import type { Endpoint } from "./api.ts";
import type { Methods } from "./rpc.ts";

type Noun =
  | "MaelstromService.SendMessages"
  | "MaelstromService.ListQueues"
  | "MaelstromService.PeekQueue"
  | "MaelstromService.PurgeQueue"
  | "MaelstromService.RedriveQueue";

/** Longest time for which the length of a queue is believed, in milliseconds. */
const LENGTH_MS = 1000;
const PEEK_DEFAULT = 10;
const PATH = /^\/queues\/([\w-]+)$/;

/** What the methods work on. */
export interface QueuesOptions {
  readonly store: QueueStore;
  readonly admin: QueueAdmin;
  readonly catalog: Pick<Catalog, "current">;
  /** Clock in milliseconds; only differences count. */
  readonly now: () => number;
}

interface Length {
  readonly untilMs: number;
  readonly counted: Promise<number>;
  /** Sent by this node since. */
  sent: number;
}

/** Sends messages to queues that somebody reads and that have room. */
export class QueueSender {
  readonly #options: QueuesOptions;
  readonly #lengths = new Map<string, Length>();

  constructor(options: QueuesOptions) {
    this.#options = options;
  }

  /**
   * Sends `messages`; their ids, once all are on disk.
   *
   * @throws {MaelstromError} not_found: no event source reads the queue
   * @throws {MaelstromError} not_allowed: `caller` may not send to it
   * @throws {MaelstromError} queue_full: the queue holds as many messages as it may
   */
  async send(
    queue: string,
    messages: readonly MessageInput[],
    caller?: Caller,
  ): Promise<readonly string[]> {
    const settings = this.#settingsOf(queue, caller);
    await this.#admit(settings, messages.length);
    return await Promise.all(
      messages.map(({ body, delaySeconds = 0, priority = 0, attributes = {} }) =>
        this.#options.store.send({
          queue,
          body,
          attributes,
          priority,
          delayMs: delaySeconds * 1000,
          keptMs: settings.retentionMs,
        })
      ),
    );
  }

  /** Who may not send learns nothing of which queues there are. */
  #settingsOf(queue: string, caller: Caller | undefined): QueueSettings {
    const readers = readersOf(this.#options.catalog, queue);
    const isOpen = readers.some((settings) => settings.open);
    if (caller && !isOpen && !allows(caller.scope, "deploy")) {
      throw new MaelstromError(
        "not_allowed",
        `Cannot send to queue "${queue}": it is not open and needs scope "deploy", ` +
          `${caller.name} has "${caller.scope}"`,
      );
    }
    const [settings] = readers;
    if (settings) return settings;
    throw new MaelstromError(
      "not_found",
      `Cannot send to queue "${queue}": no event source reads it; put one first`,
    );
  }

  /** The limit holds to within what is sent in a second: counting is not for every message. */
  async #admit({ name, maxLength }: QueueSettings, count: number): Promise<void> {
    const { store, now } = this.#options;
    let length = this.#lengths.get(name);
    if (!length || now() >= length.untilMs) {
      const counted = store.length(name, maxLength);
      length = { untilMs: now() + LENGTH_MS, counted, sent: 0 };
      this.#lengths.set(name, length);
    }
    const held = await length.counted + length.sent;
    length.sent += count;
    if (held + count <= maxLength) return;
    length.sent -= count;
    throw new MaelstromError(
      "queue_full",
      `Cannot send to queue "${name}": it holds ${held} messages, its maxLength is ${maxLength}`,
    );
  }
}

/** The methods. */
export function queueMethods(
  options: QueuesOptions,
  sender: QueueSender,
): Pick<Methods, Noun> {
  const { admin, catalog } = options;
  const known = async <T>(queue: string, isEmpty: boolean, answer: T): Promise<T> => {
    if (!isEmpty || infosOf(catalog, await admin.list()).some(({ name }) => name === queue)) {
      return answer;
    }
    throw new MaelstromError("not_found", `No queue found with name: ${queue}`);
  };
  return {
    async "MaelstromService.SendMessages"({ queue, messages }) {
      return { ids: await sender.send(queue, messages) };
    },
    async "MaelstromService.ListQueues"() {
      return { queues: infosOf(catalog, await admin.list()) };
    },
    async "MaelstromService.PeekQueue"({ queue, limit = PEEK_DEFAULT, dead = false }) {
      const messages = await (dead ? admin.peekDead(queue, limit) : admin.peek(queue, limit));
      return await known(queue, messages.length === 0, { messages });
    },
    async "MaelstromService.PurgeQueue"({ queue }) {
      const removed = await admin.purge(queue);
      return await known(queue, removed === 0, { queue, removed });
    },
    async "MaelstromService.RedriveQueue"({ queue }) {
      const [settings = queueSettings({ name: queue, path: "/" })] = readersOf(catalog, queue);
      const moved = await admin.redrive(queue, settings.retentionMs);
      return await known(queue, moved === 0, { queue, moved });
    },
  };
}

/**
 * The endpoint by which programs send: the body is the message, `?delay=SECONDS&priority=N` say
 * when it is delivered, and header fields `mael-attribute-NAME` go with it.
 */
export function queueEndpoint(sender: QueueSender): Endpoint {
  return {
    method: "POST",
    async answer(request, caller) {
      const url = new URL(request.url);
      const [, given] = PATH.exec(url.pathname) ?? [];
      if (given === undefined) {
        throw new MaelstromError("not_found", `No such queue: ${url.pathname}`);
      }
      const body = await readText(request.body, MESSAGE_BYTES_MAX);
      const message = { body, ...whenOf(url.searchParams), attributes: attributesOf(request) };
      const checked = check(messageSchema, message, "message");
      const [id] = await sender.send(canonicalName(given), [checked], caller);
      return Response.json({ id }, { status: 201 });
    },
  };
}

function whenOf(query: URLSearchParams): Record<string, number> {
  const fields: Record<string, string> = { delay: "delaySeconds", priority: "priority" };
  return Object.fromEntries(
    [...query].map(([name, value]) => {
      const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
      if (field !== undefined && /^\d+$/.test(value)) return [field, Number(value)];
      throw new MaelstromError(
        "invalid",
        `Cannot send: takes ?delay=SECONDS and ?priority=N, found ${JSON.stringify(name)}=` +
          JSON.stringify(value),
      );
    }),
  );
}

function attributesOf({ headers }: Request): Record<string, string> {
  return Object.fromEntries(
    [...headers].flatMap(([name, value]) => {
      if (name === "content-type") return [[name, value]];
      return name.startsWith(ATTRIBUTE_PREFIX)
        ? [[name.slice(ATTRIBUTE_PREFIX.length), value]]
        : [];
    }),
  );
}

/** The settings of every event source that reads `queue`. */
function readersOf({ current }: Pick<Catalog, "current">, queue: string): QueueSettings[] {
  return sourcesOf(current.eventSources).map(({ settings }) => settings)
    .filter(({ name }) => name === queue);
}

function sourcesOf(
  all: readonly { readonly eventSource: EventSource }[],
): { readonly source: string; readonly settings: QueueSettings }[] {
  return all.flatMap(({ eventSource: { name, queue } }) =>
    queue ? [{ source: name, settings: queueSettings(queue) }] : []
  );
}

/** Every queue that is read, that takes dead letters, or that holds messages. */
function infosOf(
  { current }: Pick<Catalog, "current">,
  counts: readonly QueueCounts[],
): QueueInfo[] {
  const sources = sourcesOf(current.eventSources);
  const names = new Set([
    ...sources.flatMap(({ settings }) => [settings.name, settings.deadLetterQueue]),
    ...counts.flatMap(({ queue, deadFrom }) => deadFrom === "" ? [queue] : [queue, deadFrom]),
  ]);
  const sum = (rows: readonly QueueCounts[], of: (row: QueueCounts) => number) =>
    rows.reduce((total, row) => total + of(row), 0);
  return [...names].sort().map((name) => {
    const held = counts.filter(({ queue }) => queue === name);
    const dead = counts.filter(({ deadFrom }) => deadFrom === name);
    return {
      name,
      ready: sum(held, ({ ready }) => ready),
      delayed: sum(held, ({ delayed }) => delayed),
      inFlight: sum(held, ({ inFlight }) => inFlight),
      dead: sum(dead, ({ ready, delayed, inFlight }) => ready + delayed + inFlight),
      oldestSentAt: held.length === 0 ? 0 : Math.min(...held.map((row) => row.oldestSentAt)),
      eventSources: sources.filter(({ settings }) => settings.name === name)
        .map(({ source }) => source),
    };
  });
}
