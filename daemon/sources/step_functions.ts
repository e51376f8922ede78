/**
 * Tasks of a Step Functions activity. A task that failed is told so to the state machine, which
 * decides whether it is tried again. This module loads the SDK: import it when a source needs it.
 * Walk: poller → **step_functions** → Step Functions.
 *
 * Source: AWS Step Functions API Reference, GetActivityTask (a poll is held for 60 s; no token means
 * that there is no task).
 * @module
 */
import {
  CreateActivityCommand,
  GetActivityTaskCommand,
  paginateListActivities,
  SendTaskFailureCommand,
  SendTaskHeartbeatCommand,
  SendTaskSuccessCommand,
  SFNClient,
} from "@aws-sdk/client-sfn";
import { Limiter } from "../../lib/async/limiter.ts";
import type { AwsStepFunctionEventSource } from "../../lib/contract/v1.ts";
import { awsCall, clientSettings } from "./aws.ts";
import type { HandlerReply } from "./invoke.ts";
import { LeftPolls } from "./left_polls.ts";
import type { Message, MessageSource, QueueDepth } from "./message_source.ts";
import { TASK_BYTES_MAX } from "./polling.ts";

const POLL_LIMIT_MS = 70_000;
const CALL_LIMIT_MS = 10_000;
/** Longest texts that the service takes. */
const ERROR_CHARACTERS_MAX = 256;
const CAUSE_CHARACTERS_MAX = 32_768;
/** Errors that say that a task is no longer ours. */
const NOT_OURS = ["TaskDoesNotExist", "TaskTimedOut", "InvalidToken"];

/** The tasks of one activity. */
export class ActivitySource implements MessageSource {
  readonly #client: SFNClient;
  readonly #activity: string;
  readonly #worker: string;
  /** One asks at a time, as the others' answers would come no sooner. */
  readonly #asking = new Limiter(1);
  /** What comes when nobody waits is for the state machine to try again. */
  readonly #left = new LeftPolls((task) =>
    this.#fail(task, failureOf(undefined), new AbortController().signal)
  );
  #arn: Promise<string> | undefined;

  /** `worker` is shown in the history of an execution. */
  constructor(source: AwsStepFunctionEventSource, worker: string) {
    this.#client = new SFNClient(clientSettings(source));
    this.#activity = source.activityName;
    this.#worker = worker;
  }

  async receive(_max: number, signal: AbortSignal): Promise<readonly Message[]> {
    return await this.#asking.run(() => this.#left.wait(this.#ask(), signal), signal);
  }

  async extend(message: Message, _seconds: number, signal: AbortSignal): Promise<void> {
    const command = new SendTaskHeartbeatCommand({ taskToken: message.receipt });
    await this.#call(signal, (abortSignal) => this.#client.send(command, { abortSignal }));
  }

  async done(message: Message, reply: HandlerReply, signal: AbortSignal): Promise<void> {
    if (new TextEncoder().encode(reply.body).length > TASK_BYTES_MAX) {
      const error = "maelstrom_reply_too_large";
      const cause = `maelstrom error: the answer is larger than ${TASK_BYTES_MAX} bytes`;
      return await this.#fail(message, { error, cause }, signal);
    }
    const command = new SendTaskSuccessCommand({
      taskToken: message.receipt,
      output: jsonOf(reply.body),
    });
    await this.#call(signal, (abortSignal) => this.#client.send(command, { abortSignal }));
  }

  async failed(
    message: Message,
    _seconds: number,
    reply: HandlerReply | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#fail(message, failureOf(reply), signal);
  }

  /** The service does not tell how many tasks wait. */
  depth(): Promise<QueueDepth> {
    return Promise.resolve({ waiting: 0, dead: 0 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#left.end();
    this.#client.destroy();
  }

  async #ask(): Promise<Message[]> {
    const activityArn = await this.#findArn();
    const ask = async (abortSignal: AbortSignal) =>
      await this.#client.send(
        new GetActivityTaskCommand({ activityArn, workerName: this.#worker }),
        { abortSignal },
      );
    const what = `Cannot ask for tasks of "${this.#activity}"`;
    const { signal } = new AbortController();
    const limits = { limitMs: POLL_LIMIT_MS, absent: ["ActivityDoesNotExist"], signal };
    const { taskToken, input = "" } = await awsCall(what, limits, ask).catch((error) => {
      this.#arn = undefined;
      throw error;
    });
    if (!taskToken) return [];
    return [{
      id: await idOf(taskToken),
      queue: this.#activity,
      body: input,
      headers: [],
      receiveCount: 1,
      receipt: taskToken,
    }];
  }

  async #fail(
    { receipt }: Message,
    failure: { readonly error: string; readonly cause: string },
    signal: AbortSignal,
  ): Promise<void> {
    const command = new SendTaskFailureCommand({ taskToken: receipt, ...failure });
    await this.#call(signal, (abortSignal) => this.#client.send(command, { abortSignal }));
  }

  /** The activity, which is made when there is none. */
  #findArn(): Promise<string> {
    this.#arn ??= awsCall(
      `Cannot find the activity "${this.#activity}"`,
      { limitMs: CALL_LIMIT_MS, absent: [], signal: new AbortController().signal },
      async (abortSignal) => {
        const pages = paginateListActivities({ client: this.#client }, {}, { abortSignal });
        for await (const { activities = [] } of pages) {
          const found = activities.find(({ name }) => name === this.#activity);
          if (found?.activityArn) return found.activityArn;
        }
        const command = new CreateActivityCommand({ name: this.#activity });
        const { activityArn } = await this.#client.send(command, { abortSignal });
        if (!activityArn) throw new Error("the answer holds no ARN");
        return activityArn;
      },
    ).catch((error) => {
      this.#arn = undefined;
      throw error;
    });
    return this.#arn;
  }

  #call<T>(signal: AbortSignal, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const what = `Cannot tell what became of a task of "${this.#activity}"`;
    return awsCall(what, { limitMs: CALL_LIMIT_MS, absent: NOT_OURS, signal }, call);
  }
}

/** What the state machine is told of a task that failed. Source: the ancestor's header fields. */
export function failureOf(
  reply: HandlerReply | undefined,
): { readonly error: string; readonly cause: string } {
  const found = reply ? `status ${reply.status}: ${reply.body}` : "no answer from the component";
  const error = reply?.headers.get("step-func-error") || `maelstrom_${reply?.status ?? "no_reply"}`;
  const cause = reply?.headers.get("step-func-cause") || `maelstrom error: ${found}`;
  return {
    error: error.slice(0, ERROR_CHARACTERS_MAX),
    cause: cause.slice(0, CAUSE_CHARACTERS_MAX),
  };
}

/** An output has to be JSON; an answer that is none becomes a string of it. */
export function jsonOf(body: string): string {
  try {
    JSON.parse(body);
    return body;
  } catch {
    return JSON.stringify(body);
  }
}

/** Tokens are long and secret; the beginning of their hash tells one from another. */
async function idOf(token: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token));
  return new Uint8Array(hash).toHex().slice(0, 16);
}
