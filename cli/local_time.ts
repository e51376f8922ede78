/** Times as the clock on the wall shows them. Pure but for the zone of the machine. @module */

/** `timeMs`, in milliseconds since 1970, in the machine's zone: `2024-05-01T14:00:00.000+02:00`. */
export function localTime(timeMs: number): string {
  const date = new Date(timeMs);
  const eastMinutes = -date.getTimezoneOffset();
  const wall = new Date(timeMs + eastMinutes * 60_000).toISOString().slice(0, -1);
  const size = Math.abs(eastMinutes);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${wall}${eastMinutes < 0 ? "-" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}
