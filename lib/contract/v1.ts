/**
 * The wire types of `/_mael/v1` and their checks: where `cli/` and `daemon/` meet. Field names are
 * the ancestor's. Types are free to import; the checks load the schema library.
 *
 * Absent optional fields stay absent in what is stored; `effective.ts` says what they mean.
 * @module
 */
export * from "./components.ts";
export * from "./event_sources.ts";
export * from "./methods.ts";
export * from "./projects.ts";
export * from "./status.ts";
