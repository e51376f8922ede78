/**
 * Messages of SQS. With a prefix several queues are one source: a queue is read only while those
 * before it are empty. This module loads the SDK: import it when a source needs it.
 * Walk: poller → **sqs** → SQS.
 *
 * Source: Amazon SQS API Reference (2012-11-05).
 * @module
 */
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageBatchCommand,
  type Message as SqsMessage,
  type MessageAttributeValue,
  ReceiveMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { Batcher } from "../../lib/async/batcher.ts";
import type { SqsEventSource } from "../../lib/contract/v1.ts";
import { MaelstromError } from "../../lib/errors.ts";
import { awsCall, clientSettings } from "./aws.ts";
import type { Message, MessageSource, QueueDepth } from "./message_source.ts";
import { LeftPolls } from "./left_polls.ts";
import { NO_QUEUE, type SqsQueue, SqsQueues } from "./sqs_queues.ts";

/** What SQS waits for a message, in seconds. It takes up to 20, but a node that stops waits as long. */
const WAIT_SECONDS = 5;
/** The same where the queues of a prefix take turns. */
const TURN_SECONDS = 1;
const CALL_LIMIT_MS = 10_000;
const DELETES_MAX = 10;
const DELETE_CALLS_MAX = 2;
const DELETING_MAX = 10_000;
/** Errors that say that a message is no longer ours. */
const NOT_OURS = [...NO_QUEUE, "ReceiptHandleIsInvalid", "MessageNotInflight"];

/** The queues of one event source. */
export class SqsSource implements MessageSource {
  readonly #client: SQSClient;
  readonly #queues: SqsQueues;
  readonly #visibilitySeconds: number;
  readonly #left = new LeftPolls((message) => this.giveBack(message, new AbortController().signal));
  readonly #deletes = new Map<string, Batcher<Message, Error | undefined>>();
  /** Addresses by the names that messages carry. */
  readonly #urls = new Map<string, string>();
  /** The queue whose turn it is to wait for a message, while all are empty. */
  #turn = 0;
  #isIdle = false;

  /** Nothing is asked for until the first message is. */
  constructor(source: SqsEventSource, visibilitySeconds: number) {
    this.#visibilitySeconds = visibilitySeconds;
    // The answer names an address that need not be the one that was given.
    this.#client = new SQSClient({ ...clientSettings(source), useQueueUrlAsEndpoint: false });
    this.#queues = new SqsQueues(this.#client, source);
  }

  async receive(max: number, signal: AbortSignal): Promise<readonly Message[]> {
    const queues = await this.#queues.list();
    signal.throwIfAborted();
    const [only] = queues;
    if (queues.length === 1 && only) return await this.#poll(only, max, WAIT_SECONDS, signal);
    if (this.#isIdle) {
      const queue = queues[this.#turn++ % queues.length]!;
      const messages = await this.#poll(queue, max, TURN_SECONDS, signal);
      this.#isIdle = messages.length === 0;
      return messages;
    }
    for (const queue of queues) {
      const messages = await this.#poll(queue, max, 0, signal);
      if (messages.length > 0) return messages;
    }
    this.#isIdle = true;
    return [];
  }

  async extend(message: Message, seconds: number, signal: AbortSignal): Promise<void> {
    const input = {
      QueueUrl: this.#urls.get(message.queue),
      ReceiptHandle: message.receipt,
      VisibilityTimeout: seconds,
    };
    await this.#call(
      `Cannot keep a message of "${message.queue}"`,
      signal,
      (abortSignal) =>
        this.#client.send(new ChangeMessageVisibilityCommand(input), { abortSignal }),
    );
  }

  async done(message: Message): Promise<void> {
    let batcher = this.#deletes.get(message.queue);
    if (!batcher) {
      batcher = new Batcher({
        work: (messages) => this.#delete(message.queue, messages),
        batchMax: DELETES_MAX,
        parallel: DELETE_CALLS_MAX,
        weigh: () => 1,
        waitingMax: DELETING_MAX,
        full: () => new MaelstromError("unreachable", "Cannot delete messages: too many wait"),
      });
      this.#deletes.set(message.queue, batcher);
    }
    const error = await batcher.add(message);
    if (error) throw error;
  }

  async failed(
    message: Message,
    seconds: number,
    _reply: unknown,
    signal: AbortSignal,
  ): Promise<void> {
    await this.extend(message, seconds, signal);
  }

  async giveBack(message: Message, signal: AbortSignal): Promise<void> {
    await this.extend(message, 0, signal);
  }

  async depth(signal: AbortSignal): Promise<QueueDepth> {
    const queues = await this.#queues.list();
    const names = new Set(queues.flatMap(({ deadLetters }) => deadLetters ?? []));
    const [waiting, dead] = await Promise.all([
      this.#count(queues.map(({ url }) => Promise.resolve(url)), signal),
      this.#count([...names].map((name) => this.#queues.urlOf(name, signal)), signal),
    ]);
    return { waiting, dead };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#left.end();
    this.#client.destroy();
  }

  #poll(
    queue: SqsQueue,
    max: number,
    waitSeconds: number,
    signal: AbortSignal,
  ): Promise<readonly Message[]> {
    return this.#left.wait(this.#ask(queue, max, waitSeconds), signal);
  }

  async #ask(
    { name, url, priority }: SqsQueue,
    max: number,
    waitSeconds: number,
  ): Promise<Message[]> {
    this.#urls.set(name, url);
    const command = new ReceiveMessageCommand({
      QueueUrl: url,
      MaxNumberOfMessages: max,
      VisibilityTimeout: this.#visibilitySeconds,
      WaitTimeSeconds: waitSeconds,
      MessageSystemAttributeNames: ["ApproximateReceiveCount", "MessageGroupId", "SentTimestamp"],
      MessageAttributeNames: ["All"],
    });
    const what = `Cannot receive from "${name}"`;
    const limitMs = waitSeconds * 1000 + CALL_LIMIT_MS;
    try {
      const { Messages = [] } = await awsCall(
        what,
        { limitMs, absent: NO_QUEUE, signal: new AbortController().signal },
        (abortSignal) => this.#client.send(command, { abortSignal }),
      );
      return Messages.map((message) => ({ ...messageOf(message, name), priority }));
    } catch (error) {
      if (error instanceof MaelstromError && error.code === "not_found") this.#queues.forget();
      throw error;
    }
  }

  /** What kept each of `messages` from being deleted. */
  async #delete(queue: string, messages: readonly Message[]): Promise<(Error | undefined)[]> {
    const Entries = messages.map(({ receipt }, index) => ({
      Id: String(index),
      ReceiptHandle: receipt,
    }));
    const what = `Cannot delete messages of "${queue}"`;
    const { Failed = [] } = await this.#call(
      what,
      new AbortController().signal,
      (abortSignal) =>
        this.#client.send(
          new DeleteMessageBatchCommand({ QueueUrl: this.#urls.get(queue), Entries }),
          { abortSignal },
        ),
    );
    const errors = new Map(Failed.map(({ Id, Code = "", Message = "" }) => {
      const code = NOT_OURS.includes(Code) ? "not_found" : "unreachable";
      return [Number(Id), new MaelstromError(code, `${what}: ${Code}: ${Message}`)];
    }));
    return messages.map((_, index) => errors.get(index));
  }

  async #count(urls: readonly Promise<string>[], signal: AbortSignal): Promise<number> {
    const counts = await Promise.all(
      urls.map(async (url) => await this.#queues.count(await url, signal)),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  }

  #call<T>(what: string, signal: AbortSignal, call: (signal: AbortSignal) => Promise<T>) {
    return awsCall(what, { limitMs: CALL_LIMIT_MS, absent: NOT_OURS, signal }, call);
  }
}

function messageOf(message: SqsMessage, queue: string): Message {
  const { MessageId = "", Body = "", ReceiptHandle = "", Attributes = {} } = message;
  const { ApproximateReceiveCount, MessageGroupId, SentTimestamp } = Attributes;
  return {
    id: MessageId,
    queue,
    body: Body,
    receipt: ReceiptHandle,
    receiveCount: Number(ApproximateReceiveCount ?? 1),
    ...(MessageGroupId === undefined ? {} : { group: MessageGroupId }),
    headers: [
      ...(SentTimestamp === undefined ? [] : [["Mael-Message-Sent", SentTimestamp] as const]),
      ...Object.entries(message.MessageAttributes ?? {}).map(([name, value]) =>
        [`Mael-Attribute-${name.replaceAll(".", "-")}`, attributeText(value)] as const
      ),
    ],
  };
}

/** Bytes are told in base64. */
function attributeText({ StringValue, BinaryValue }: MessageAttributeValue): string {
  return StringValue ?? BinaryValue?.toBase64() ?? "";
}
