/**
 * The calls of Step Functions that an activity's worker makes, and a state machine that is told of
 * them. Source: AWS Step Functions API Reference.
 * @module
 */

/** One call, as it came. */
export interface ActivityCall {
  readonly action: string;
  readonly input: Readonly<Record<string, string>>;
}

type Task = { readonly taskToken: string; readonly input: string };

const POLL_MS = 300;

/** One account. */
export class FakeStepFunctions implements AsyncDisposable {
  readonly calls: ActivityCall[] = [];
  /** Names of activities. */
  readonly activities: string[] = [];
  /** Tokens of tasks that somebody works on. */
  readonly open = new Set<string>();
  readonly #waiting: Task[] = [];
  #arrived: () => void = () => {};
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor() {
    this.#server = Deno.serve({ port: 0, onListen: () => {} }, async (request) => {
      const action = request.headers.get("x-amz-target")!.split(".")[1]!;
      const input = await request.json();
      this.calls.push({ action, input });
      return await this.#answer(action, input);
    });
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  /** A state machine comes to the activity. */
  add(task: Task): void {
    this.#waiting.push(task);
    this.#arrived();
  }

  /** The calls that say what became of tasks. */
  ends(): ActivityCall[] {
    return this.calls.filter(({ action }) => /^SendTask(Success|Failure)$/.test(action));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  async #answer(action: string, input: ActivityCall["input"]): Promise<Response> {
    switch (action) {
      case "ListActivities":
        return Response.json({
          activities: this.activities.map((name) => ({ name, activityArn: `arn:${name}` })),
        });
      case "CreateActivity":
        this.activities.push(input["name"]!);
        return Response.json({ activityArn: `arn:${input["name"]}` });
      case "GetActivityTask":
        return Response.json(await this.#next() ?? {});
      case "SendTaskHeartbeat":
        return this.open.has(input["taskToken"]!) ? Response.json({}) : gone();
      default:
        return this.open.delete(input["taskToken"]!) ? Response.json({}) : gone();
    }
  }

  async #next(): Promise<Task | undefined> {
    if (this.#waiting.length === 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, POLL_MS);
        this.#arrived = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    const task = this.#waiting.shift();
    if (task) this.open.add(task.taskToken);
    return task;
  }
}

function gone(): Response {
  const body = { __type: "com.amazonaws.swf.service.v2.model#TaskDoesNotExist", message: "gone" };
  return Response.json(body, { status: 400 });
}
