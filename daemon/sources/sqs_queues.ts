/**
 * The SQS queues of one event source: one by its name, or all whose names begin with a prefix, in
 * natural order. Finds new ones as time goes by, and leaves the dead-letter queues of the others
 * alone. Walk: sqs → **sqs_queues** → SQS.
 * @module
 */
import {
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListQueuesCommand,
  type QueueAttributeName,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import type { SqsEventSource } from "../../lib/contract/v1.ts";
import { MaelstromError } from "../../lib/errors.ts";
import { awsCall } from "./aws.ts";

/** Time after which queues are looked for again, in milliseconds. */
const LOOK_MS = 30_000;
const CALL_LIMIT_MS = 10_000;
/** Queues of one prefix that are read; what SQS lists on a page. */
const QUEUES_MAX = 1000;

/** Errors that say that there is no such queue. */
export const NO_QUEUE: readonly string[] = [
  "QueueDoesNotExist",
  "AWS.SimpleQueueService.NonExistentQueue",
];

/** One queue. */
export interface SqsQueue {
  readonly name: string;
  readonly url: string;
  /** Higher in those that come before others. */
  readonly priority: number;
  /** Where its messages go that were received too often. */
  readonly deadLetters?: string;
}

/** The queues of one source. */
export class SqsQueues {
  readonly #client: Pick<SQSClient, "send">;
  readonly #source: SqsEventSource;
  readonly #now: () => number;
  #known: Promise<readonly SqsQueue[]> | undefined;
  #staleMs = 0;

  /** `now` is a clock in milliseconds. */
  constructor(
    client: Pick<SQSClient, "send">,
    source: SqsEventSource,
    now: () => number = () => performance.now(),
  ) {
    this.#client = client;
    this.#source = source;
    this.#now = now;
  }

  /**
   * The queues that messages are read from, those that come first before others.
   *
   * @throws {MaelstromError} not_found: there is none
   * @throws {MaelstromError} unreachable: SQS does not tell
   */
  list(): Promise<readonly SqsQueue[]> {
    const nowMs = this.#now();
    if (this.#known && nowMs < this.#staleMs) return this.#known;
    this.#staleMs = nowMs + LOOK_MS;
    const before = this.#known;
    // Whoever asked may leave; others go on to wait for the same answer.
    const found = this.#find(new AbortController().signal);
    this.#known = found.catch((error) => {
      this.#staleMs = 0;
      // What is known goes on to be read; that it is gone shows when it is read.
      if (before && error.code !== "not_found") return before;
      this.forget();
      throw error;
    });
    return this.#known;
  }

  /** A queue turned out to be gone: they are looked for again. */
  forget(): void {
    this.#known = undefined;
  }

  /** The number of messages in the queue at `url` that could be received. */
  async count(url: string, signal: AbortSignal): Promise<number> {
    const { ApproximateNumberOfMessages } = await this.#attributes(
      url,
      ["ApproximateNumberOfMessages"],
      signal,
    );
    return Number(ApproximateNumberOfMessages ?? 0);
  }

  /** The address of the queue called `name`. */
  async urlOf(name: string, signal: AbortSignal): Promise<string> {
    const what = `Cannot find SQS queue "${name}"`;
    const { QueueUrl } = await this.#call(
      what,
      signal,
      (abortSignal) =>
        this.#client.send(new GetQueueUrlCommand({ QueueName: name }), { abortSignal }),
    );
    if (QueueUrl) return QueueUrl;
    throw new MaelstromError("not_found", `${what}: the answer holds no address`);
  }

  async #find(signal: AbortSignal): Promise<readonly SqsQueue[]> {
    const { queueName, nameAsPrefix } = this.#source;
    const urls = nameAsPrefix
      ? await this.#urlsOf(queueName, signal)
      : [await this.urlOf(queueName, signal)];
    const found = await Promise.all(urls.map((url) => this.#describe(url, signal)));
    const given = new Set(found.map(({ deadLetters }) => deadLetters));
    const queues = nameAsPrefix ? found.filter(({ name }) => !given.has(name)) : found;
    if (queues.length > 0) {
      return queues.toSorted((a, b) => naturally(a.name, b.name))
        .map((queue, index) => ({ ...queue, priority: queues.length - index }));
    }
    const message = `Cannot find SQS queues: the name of none begins with "${queueName}"`;
    throw new MaelstromError("not_found", message);
  }

  async #urlsOf(prefix: string, signal: AbortSignal): Promise<string[]> {
    const urls: string[] = [];
    let NextToken: string | undefined;
    do {
      const input = { QueueNamePrefix: prefix, MaxResults: 1000, NextToken };
      const page = await this.#call(
        `Cannot list SQS queues with prefix "${prefix}"`,
        signal,
        (abortSignal) => this.#client.send(new ListQueuesCommand(input), { abortSignal }),
      );
      urls.push(...page.QueueUrls ?? []);
      NextToken = page.NextToken;
    } while (NextToken && urls.length < QUEUES_MAX);
    return urls;
  }

  async #describe(url: string, signal: AbortSignal): Promise<Omit<SqsQueue, "priority">> {
    const { RedrivePolicy } = await this.#attributes(url, ["RedrivePolicy"], signal);
    const deadLetters = deadLettersOf(RedrivePolicy);
    return { name: nameOf(url), url, ...(deadLetters ? { deadLetters } : {}) };
  }

  async #attributes(url: string, AttributeNames: QueueAttributeName[], signal: AbortSignal) {
    const input = { QueueUrl: url, AttributeNames };
    const { Attributes = {} } = await this.#call(
      `Cannot read attributes of SQS queue "${nameOf(url)}"`,
      signal,
      (abortSignal) => this.#client.send(new GetQueueAttributesCommand(input), { abortSignal }),
    );
    return Attributes;
  }

  #call<T>(what: string, signal: AbortSignal, call: (signal: AbortSignal) => Promise<T>) {
    return awsCall(what, { limitMs: CALL_LIMIT_MS, absent: NO_QUEUE, signal }, call);
  }
}

/** The order of names in which `q-2` comes before `q-10`. */
export const naturally: (a: string, b: string) => number = new Intl.Collator("en", {
  numeric: true,
}).compare;

/** The name of a queue's dead-letter queue, from its `RedrivePolicy`. */
function deadLettersOf(policy: string | undefined): string | undefined {
  const arn = policy && JSON.parse(policy).deadLetterTargetArn;
  return typeof arn === "string" ? arn.split(":").at(-1) : undefined;
}

function nameOf(url: string): string {
  return url.split("/").at(-1) ?? url;
}
