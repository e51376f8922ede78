/**
 * A real node whose only component records, byte by byte, what reaches its container; and raw
 * clients for the node's doors.
 * @module
 */
import { RawPeer } from "../support/http/raw.ts";
import { type NodeOptions, TestNode } from "../support/node.ts";
import { putProgram } from "./program.ts";
import type { Heard } from "./reader.ts";

/** The node, with its component `recorder` at the path `/`. */
export class RecorderNode implements AsyncDisposable {
  readonly node: TestNode;

  private constructor(node: TestNode) {
    this.node = node;
  }

  /** A node whose recorder has answered once. */
  static async start(options: NodeOptions = {}, component: object = {}): Promise<RecorderNode> {
    const node = await TestNode.start(options);
    try {
      await putProgram(node, "recorder", "./reader.ts", component);
      const started = new RecorderNode(node);
      await started.heard();
      return started;
    } catch (error) {
      await node[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** What the recorder heard since the last time. */
  async heard(): Promise<Heard> {
    const response = await fetch(`${this.node.url}/records`);
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
    return await response.json();
  }

  /** A raw client of the public door. */
  client(): Promise<RawPeer> {
    return RawPeer.connect(this.node.publicPort);
  }

  /** A raw client of the private door. */
  privateClient(): Promise<RawPeer> {
    return RawPeer.connect(this.node.privatePort);
  }

  /** Sends `text` on a fresh connection to `port`, and gives all that comes back until it ends. */
  async exchange(text: string, port: number = this.node.publicPort): Promise<string> {
    using client = await RawPeer.connect(port);
    await client.send(text);
    return await client.rest();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.node[Symbol.asyncDispose]();
  }
}

/** A request for which the recorder answers exactly `answer`, then ends or waits if `then` says so. */
export function asking(answer: string, then?: "close" | "wait", line = "GET /x HTTP/1.1"): string {
  const fields = [`Host: a`, `X-Answer: ${btoa(answer)}`, ...(then ? [`X-Then: ${then}`] : [])];
  return `${line}\r\n${fields.join("\r\n")}\r\n\r\n`;
}
