import assert from "node:assert/strict";
import { HostMounts } from "../../daemon/host_mounts.ts";
import { component } from "../support/builders.ts";

const mounting = (source: string) => component({ docker: { volumes: [{ source, target: "/t" }] } });

/** `/allowed` with a link that leads out and one that stays in, and `/secret` beside it. */
async function directories() {
  const root = await Deno.makeTempDir({ prefix: "maelstrom-mounts-" });
  for (const name of ["allowed", "allowed/inside", "secret"]) await Deno.mkdir(`${root}/${name}`);
  await Deno.symlink(`${root}/secret`, `${root}/allowed/out`);
  await Deno.symlink("inside", `${root}/allowed/in`);
  await Deno.symlink(`${root}/allowed`, `${root}/alias`);
  return { root, [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }) };
}

Deno.test("HostMounts.checkPut() says which field, and which setting would allow it", () => {
  assert.throws(() => new HostMounts([], true).checkPut(mounting("/etc")), {
    code: "invalid",
    message:
      'Cannot put "shop": docker.volumes[0].source is "/etc", and MAEL_HOST_MOUNTS of this ' +
      "node does not allow it (names none)",
  });
  assert.throws(() => new HostMounts(["/srv", "/data"], true).checkPut(mounting("/srv/../etc")), {
    message: /is "\/etc", .* \(\/srv, \/data\)$/,
  });
  new HostMounts(["/srv"], true).checkPut(mounting("/srv/x"));
});

Deno.test("HostMounts.checkStart() refuses what was put where more is allowed", async () => {
  await assert.rejects(new HostMounts([], true).checkStart(mounting("/etc")), {
    code: "start_failed",
    message: /^Cannot start "shop": docker\.volumes\[0\]\.source is "\/etc", and MAEL_HOST_MOUNTS/,
  });
  await new HostMounts([], true).checkStart(component());
});

Deno.test("HostMounts.checkStart() follows links", async () => {
  await using made = await directories();
  const { root } = made;
  for (const allowed of [`${root}/allowed`, `${root}/alias`]) {
    const mounts = new HostMounts([allowed], true);
    for (const name of ["", "/inside", "/in", "/not-there-yet"]) {
      await mounts.checkStart(mounting(allowed + name));
    }
    for (const name of ["/out", "/in/../out", "/out/."]) {
      await assert.rejects(mounts.checkStart(mounting(allowed + name)), {
        code: "start_failed",
        message: new RegExp(`leads to "${root}/secret", and MAEL_HOST_MOUNTS`),
      });
    }
  }
});

Deno.test("HostMounts.checkStart() follows no links of another machine's, and none when all is allowed", async () => {
  await using made = await directories();
  const { root } = made;
  await new HostMounts([`${root}/allowed`], false).checkStart(mounting(`${root}/allowed/out`));
  await new HostMounts(["/"], true).checkStart(mounting(`${root}/allowed/out`));
});

Deno.test("HostMounts.checkStart() refuses where it cannot see", async () => {
  await using made = await directories();
  const { root } = made;
  await Deno.writeTextFile(`${root}/allowed/file`, "");
  await assert.rejects(
    new HostMounts([`${root}/allowed`], true).checkStart(mounting(`${root}/allowed/file/below`)),
    { code: "start_failed", message: /cannot see where ".*\/file\/below" leads: Not a directory/ },
  );
});
