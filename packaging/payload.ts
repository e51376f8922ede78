/**
 * Reads what `deno compile` put into an ELF file: the settings of the run and the embedded files.
 * Only reads; knows nothing of what ought to be inside.
 * Source: files made by Deno 2.9.6, ELF-64 of the System V ABI.
 * @module
 */
import { MaelstromError } from "../lib/errors.ts";

/** Settings that the executable starts with, of those that we care about. */
export interface PayloadSettings {
  /** Name of the embedded file that is run. */
  readonly entrypoint_key: string;
  /** Arguments put before those of the caller. */
  readonly argv: readonly string[];
  /** `[]` allows all, `null` allows nothing. */
  readonly permissions: Readonly<Record<string, unknown>>;
  readonly unstable_config: { readonly features: readonly string[] };
  readonly env_vars_from_env_file: Readonly<Record<string, string>>;
  readonly workspace_resolver: { readonly import_map: unknown };
  readonly [name: string]: unknown;
}

/** One embedded file. */
export interface PayloadFile {
  /** Path below the root of the embedded files, such as `main.js`. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** What an executable carries. */
export interface Payload {
  readonly settings: PayloadSettings;
  /** The settings as they stand in the file. */
  readonly settingsText: string;
  readonly files: readonly PayloadFile[];
}

type Entry =
  | { readonly File: { readonly n: string; readonly o: readonly [number, number] } }
  | { readonly Dir: { readonly n: string; readonly e: readonly Entry[] } };

const SECTION = ".note.sui";
const MAGIC = "d3n0l4nd";
/** An empty list of npm packages and three empty lists of remote modules. */
const NO_MODULES = 8 + 3 * 4;

/**
 * The payload of the executable `elf`.
 *
 * @throws {MaelstromError} invalid: not an ELF-64 file, no payload in it, or a payload of another
 *   shape than that of a bundle without packages
 */
export function readPayload(elf: Uint8Array): Payload {
  const section = findSection(elf);
  const view = new DataView(section.buffer, section.byteOffset, section.byteLength);
  let at = indexOf(section, `${MAGIC}${MAGIC}`);
  if (at < 0) throw unreadable(`section ${SECTION} has no "${MAGIC}"`);
  at += 2 * MAGIC.length;
  const take = () => {
    const length = Number(view.getBigUint64(at, true));
    const start = at + 8;
    if (start + length > section.length) throw unreadable(`it ends in the middle of a part`);
    at = start + length;
    return section.subarray(start, at);
  };
  const settingsText = new TextDecoder().decode(take());
  if (section.subarray(at, at + NO_MODULES).some((byte) => byte !== 0)) {
    throw unreadable("it has npm packages or remote modules");
  }
  at += NO_MODULES;
  const entries = JSON.parse(new TextDecoder().decode(take())) as Entry[];
  const content = take();
  if (indexOf(section.subarray(at), MAGIC) < 0) throw unreadable("its end mark is missing");
  return {
    settings: JSON.parse(settingsText) as PayloadSettings,
    settingsText,
    files: [...listFiles(entries, "", content)],
  };
}

function* listFiles(
  entries: readonly Entry[],
  folder: string,
  content: Uint8Array,
): Generator<PayloadFile> {
  for (const entry of entries) {
    if ("Dir" in entry) yield* listFiles(entry.Dir.e, `${folder}${entry.Dir.n}/`, content);
    else if ("File" in entry) {
      const [start, length] = entry.File.o;
      const bytes = content.subarray(start, start + length);
      if (bytes.length !== length) throw unreadable(`file "${entry.File.n}" is cut short`);
      yield { path: `${folder}${entry.File.n}`, bytes };
    } else throw unreadable("it has an entry that is neither a file nor a folder");
  }
}

/** The bytes of the section, found through the table of section headers. */
function findSection(elf: Uint8Array): Uint8Array {
  const view = new DataView(elf.buffer, elf.byteOffset, elf.byteLength);
  // Class 2 is 64 bits, encoding 1 is little endian.
  if (elf.length < 64 || indexOf(elf.subarray(0, 4), "\x7fELF") !== 0 || elf[4] !== 2) {
    throw unreadable("not an ELF-64 file");
  }
  const table = Number(view.getBigUint64(40, true));
  const entrySize = view.getUint16(58, true);
  const count = view.getUint16(60, true);
  if (table === 0 || table + count * entrySize > elf.length) {
    throw unreadable("its section headers are missing");
  }
  const header = (index: number) => {
    const start = table + index * entrySize;
    return {
      name: view.getUint32(start, true),
      offset: Number(view.getBigUint64(start + 24, true)),
      size: Number(view.getBigUint64(start + 32, true)),
    };
  };
  const names = header(view.getUint16(62, true)).offset;
  for (let index = 0; index < count; index++) {
    const { name, offset, size } = header(index);
    const wanted = elf.subarray(names + name, names + name + SECTION.length + 1);
    if (indexOf(wanted, `${SECTION}\0`) === 0) return elf.subarray(offset, offset + size);
  }
  throw unreadable(`no section ${SECTION}`);
}

function indexOf(bytes: Uint8Array, text: string): number {
  const wanted = new TextEncoder().encode(text);
  for (let at = bytes.indexOf(wanted[0]!); at >= 0; at = bytes.indexOf(wanted[0]!, at + 1)) {
    if (wanted.every((byte, index) => bytes[at + index] === byte)) return at;
  }
  return -1;
}

function unreadable(found: string): MaelstromError {
  return new MaelstromError("invalid", `Cannot read the payload: ${found}`);
}
