/**
 * The smallest program that runs in an empty image: it waits until it is killed. Made byte by byte,
 * so that tests need no compiler, and so that there can be one for another kind of machine.
 *
 * Source: System V ABI, "Object Files"; Linux system calls pause (x86-64) and ppoll (arm64).
 * @module
 */

/** Processors as images name them. */
export type Architecture = "amd64" | "arm64";

/** What this machine is. */
export const ARCHITECTURE: Architecture = Deno.build.arch === "aarch64" ? "arm64" : "amd64";
/** What this machine is not. */
export const OTHER_ARCHITECTURE: Architecture = ARCHITECTURE === "amd64" ? "arm64" : "amd64";

const MACHINES = {
  // mov eax, 34; syscall; jmp to the beginning
  amd64: { number: 62, code: [0xb8, 34, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf7] },
  // x0 to x3 = 0; x8 = 73; svc 0; b to the beginning
  arm64: {
    number: 183,
    code: [
      ...[0x00, 0x00, 0x80, 0xd2, 0x01, 0x00, 0x80, 0xd2, 0x02, 0x00, 0x80, 0xd2],
      ...[0x03, 0x00, 0x80, 0xd2, 0x28, 0x09, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4],
      ...[0xfa, 0xff, 0xff, 0x17],
    ],
  },
} as const;

const BASE = 0x400000;
const HEADER_BYTES = 64;
const SEGMENT_BYTES = 56;

/** The program for a processor. */
export function waitingProgram(architecture: Architecture): Uint8Array<ArrayBuffer> {
  const { number, code } = MACHINES[architecture];
  const codeAt = HEADER_BYTES + SEGMENT_BYTES;
  const size = codeAt + code.length;
  const view = new DataView(new ArrayBuffer(size));
  const bytes = new Uint8Array(view.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 2, true);
  view.setUint16(18, number, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, BigInt(BASE + codeAt), true);
  view.setBigUint64(32, BigInt(HEADER_BYTES), true);
  view.setUint16(52, HEADER_BYTES, true);
  view.setUint16(54, SEGMENT_BYTES, true);
  view.setUint16(56, 1, true);
  // One segment, read and executed: the whole file.
  view.setUint32(64, 1, true);
  view.setUint32(68, 5, true);
  view.setBigUint64(80, BigInt(BASE), true);
  view.setBigUint64(88, BigInt(BASE), true);
  view.setBigUint64(96, BigInt(size), true);
  view.setBigUint64(104, BigInt(size), true);
  view.setBigUint64(112, 0x1000n, true);
  bytes.set(code, codeAt);
  return bytes;
}
