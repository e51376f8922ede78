/**
 * An SQS to test against, and a client of it that shares no code with ours but the SDK.
 * @module
 */
import {
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  SendMessageBatchCommand,
  type SendMessageBatchRequestEntry,
  SQSClient,
} from "@aws-sdk/client-sqs";

/** Another service than the emulator, `http://localhost:4566`; it is asked with `AWS_*` as given. */
const NAMED = Deno.env.get("MAELSTROM_TEST_SQS");
/** Settings under which the SDK accepts any service. */
export const AWS_ENV: Readonly<Record<string, string>> = {
  AWS_ACCESS_KEY_ID: NAMED && Deno.env.get("AWS_ACCESS_KEY_ID") || "test",
  AWS_SECRET_ACCESS_KEY: NAMED && Deno.env.get("AWS_SECRET_ACCESS_KEY") || "test",
  AWS_REGION: NAMED && Deno.env.get("AWS_REGION") || "us-east-1",
};
const BATCH = 10;

/** One message to send. */
export type Outgoing = Omit<SendMessageBatchRequestEntry, "Id">;

/** An emulator with no queues, or the service that was named; its queues go when it is disposed. */
export class SqsEmulator implements AsyncDisposable {
  readonly endpoint: string;
  readonly client: SQSClient;
  readonly #process: Deno.ChildProcess | undefined;
  readonly #urls = new Set<string>();

  private constructor(endpoint: string, process?: Deno.ChildProcess) {
    this.#process = process;
    this.endpoint = endpoint;
    const { AWS_REGION, AWS_ACCESS_KEY_ID = "", AWS_SECRET_ACCESS_KEY = "" } = AWS_ENV;
    this.client = new SQSClient({
      endpoint,
      region: AWS_REGION!,
      credentials: { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY },
      useQueueUrlAsEndpoint: false,
    });
  }

  /** An emulator that is ready. */
  static async start(): Promise<SqsEmulator> {
    if (NAMED) return new SqsEmulator(NAMED);
    const process = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", new URL("./sqs_server.ts", import.meta.url).href],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const reader = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const { value } = await reader.read();
    await reader.cancel();
    return new SqsEmulator(`http://127.0.0.1:${Number(value)}`, process);
  }

  /** Makes a queue; gives its address. */
  async createQueue(QueueName: string, Attributes: Record<string, string> = {}): Promise<string> {
    const { QueueUrl } = await this.client.send(new CreateQueueCommand({ QueueName, Attributes }));
    this.#urls.add(QueueUrl!);
    return QueueUrl!;
  }

  /** Makes a queue whose messages go to `name-dead` after `receives` deliveries. */
  async createWithDeadLetters(
    name: string,
    receives: number,
    Attributes: Record<string, string> = {},
  ): Promise<string> {
    const suffix = name.endsWith(".fifo") ? ".fifo" : "";
    const dead = `${name.slice(0, name.length - suffix.length)}-dead${suffix}`;
    await this.createQueue(dead, suffix ? { FifoQueue: "true" } : {});
    const RedrivePolicy = JSON.stringify({
      deadLetterTargetArn: `arn:aws:sqs:us-east-1:000000000000:${dead}`,
      maxReceiveCount: receives,
    });
    return await this.createQueue(name, { ...Attributes, RedrivePolicy });
  }

  /** Sends `messages` in their order. */
  async send(queue: string, messages: readonly Outgoing[]): Promise<void> {
    const QueueUrl = await this.#urlOf(queue);
    for (let at = 0; at < messages.length; at += BATCH) {
      const Entries = messages.slice(at, at + BATCH)
        .map((message, index) => ({ ...message, Id: String(index) }));
      const { Failed = [] } = await this.client.send(
        new SendMessageBatchCommand({ QueueUrl, Entries }),
      );
      if (Failed.length > 0) throw new Error(`not sent: ${JSON.stringify(Failed)}`);
    }
  }

  /** Messages that could be received, and those that somebody has. */
  async counts(queue: string): Promise<{ waiting: number; inFlight: number }> {
    const { Attributes = {} } = await this.client.send(
      new GetQueueAttributesCommand({
        QueueUrl: await this.#urlOf(queue),
        AttributeNames: ["All"],
      }),
    );
    return {
      waiting: Number(Attributes["ApproximateNumberOfMessages"]),
      inFlight: Number(Attributes["ApproximateNumberOfMessagesNotVisible"]),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#process) {
      const deletes = [...this.#urls].map((QueueUrl) => new DeleteQueueCommand({ QueueUrl }));
      await Promise.all(deletes.map((command) => this.client.send(command)));
    }
    this.client.destroy();
    await this.#process?.stdin.close();
    await this.#process?.status;
  }

  async #urlOf(QueueName: string): Promise<string> {
    const { QueueUrl } = await this.client.send(new GetQueueUrlCommand({ QueueName }));
    return QueueUrl!;
  }
}
