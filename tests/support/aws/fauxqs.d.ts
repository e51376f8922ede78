/** The part of the emulator that tests use. Its own types would replace those of the runtime. @module */

/** Starts the emulator; port 0 takes any free one. */
export function startFauxqs(
  options: { readonly port: number; readonly logger: boolean },
): Promise<{ readonly port: number; stop(): Promise<void> }>;
