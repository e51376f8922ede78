/** An emulator of SQS as a process of its own; prints its port and goes with its standard input. @module */
// @ts-types="./fauxqs.d.ts"
import { startFauxqs } from "fauxqs";

const server = await startFauxqs({ port: 0, logger: false });
console.log(server.port);
await Deno.stdin.readable.pipeTo(new WritableStream());
await server.stop();
