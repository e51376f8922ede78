#!/bin/sh
# Runs maelstrom from the sources of this clone.
exec "${DENO:-deno}" run -A --quiet --config "$(dirname "$0")/../../deno.json" \
  "$(dirname "$0")/../../main.ts" "$@"
