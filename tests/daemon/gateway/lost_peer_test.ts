/** Requests that were relayed to a peer which is lost before it answers: who gets them then. @module */
import assert from "node:assert/strict";
import { instance, nodeStatus } from "../../support/cli/builders.ts";
import { Doors } from "../../support/doors.ts";
import { answering, RawBackend, RawPeer, within } from "../../support/http/raw.ts";

const GET = "GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n";
const POST = GET.replace("GET", "POST").replace("\r\n\r\n", "\r\nContent-Length: 0\r\n\r\n");
const PUT = GET.replace("GET", "PUT").replace("\r\n\r\n", "\r\nContent-Length: 2\r\n\r\nhi");
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
const QUERY = GET.replace("GET", "QUERY");

/** How a peer is lost once it has the request. */
type Loss = (peer: RawPeer, doors: Doors) => Promise<void>;

const breaksOff: Loss = (peer) => {
  peer.close();
  return Promise.resolve();
};
const breaksOffLate: Loss = async (peer) => {
  await peer.send("HTTP/1.1 20");
  peer.close();
};
const fallsSilent: Loss = async (peer, { routers }) => {
  routers.followPeer("b", undefined);
  await peer.rest();
};

function follow(doors: Doors, nodeId: string, { port }: RawBackend): void {
  const peerUrl = `http://127.0.0.1:${port}`;
  doors.routers.followPeer(nodeId, nodeStatus(nodeId, [instance("shop")], { peerUrl }));
}

for (
  const { name, request, lose, status, isRepeated } of [
    { name: "breaks off", request: GET, lose: breaksOff, status: 200, isRepeated: true },
    { name: "falls silent", request: GET, lose: fallsSilent, status: 200, isRepeated: true },
    { name: "breaks off", request: POST, lose: breaksOff, status: 502, isRepeated: false },
    { name: "falls silent", request: POST, lose: fallsSilent, status: 504, isRepeated: false },
    { name: "breaks off", request: PUT, lose: breaksOff, status: 502, isRepeated: false },
    { name: "breaks off", request: QUERY, lose: breaksOff, status: 502, isRepeated: false },
    {
      name: "breaks off inside its answer",
      request: GET,
      lose: breaksOffLate,
      status: 502,
      isRepeated: false,
    },
  ]
) {
  const [method] = request.split(" ");
  const does = isRepeated ? "tries another place" : "sends nothing again";
  Deno.test(`Gateway ${does} when the peer that has a ${method} ${name}`, async () => {
    await using doors = new Doors();
    await using first = new RawBackend(async (peer) => {
      await peer.message();
      await lose(peer, doors);
    });
    let seen = 0;
    await using second = answering(({ head }) => {
      if (head.startsWith(`${method} / `)) seen += 1;
      return OK;
    });
    // The first has the first turn.
    follow(doors, "b", first);
    follow(doors, "c", second);
    const answer = await within(doors.exchange(request), "the answer");
    assert.equal(answer.split(" ")[1], `${status}`);
    assert.equal(seen, isRepeated ? 1 : 0);
    assert.equal(first.peers.length, 1);
  });
}

Deno.test("Gateway gives up a request that every peer breaks off", async () => {
  await using doors = new Doors();
  let seen = 0;
  await using backend = new RawBackend(async (peer) => {
    await peer.message();
    seen += 1;
    peer.close();
  });
  follow(doors, "b", backend);
  follow(doors, "c", backend);
  const answer = await doors.exchange(GET);
  assert.match(answer, /^HTTP\/1.1 502 /);
  assert.equal(seen, 4);
});
