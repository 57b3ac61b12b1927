import type { Socket } from "node:net";
import { decode } from "../../protocol/codec.ts";
import { HoldfastError } from "../../protocol/errors.ts";
import { FrameReader } from "../../protocol/framing.ts";
import { parseRequest, type RequestOf } from "../../protocol/requests.ts";
import { idOf, refuse } from "../refuse.ts";

/** No `hello` is longer, in bytes of CBOR, nor nested deeper. What it leads to is not known before, so more is not kept. */
const limits = { messageBytes: 4096, messageDepth: 2 };

/**
 * Waits for the first message of a connection, which must be `hello`.
 * @param greeted is told of it in that turn, with all bytes that have come: itself, and what may follow it. What it throws is the reply to it
 * @param refused is told why a connection has been refused
 */
export function awaitHello(
  socket: Socket,
  greeted: (hello: RequestOf<"hello">, bytes: Uint8Array) => void,
  refused: (error: HoldfastError) => void,
): void {
  const reader = new FrameReader(limits);
  const chunks: Uint8Array[] = [];
  const leave = () => socket.destroy();
  const refuseFor = (error: unknown, id: number | null) => {
    refuse(socket, error, id);
    refused(HoldfastError.from(error));
  };
  const receive = (chunk: Uint8Array) => {
    chunks.push(chunk);
    const frames: Uint8Array[] = [];
    let broken: unknown;
    try {
      reader.read(chunk, (frame) => frames.push(frame));
    } catch (error) {
      broken = error;
    }
    const [first] = frames;
    if (first === undefined && broken === undefined) return;
    socket.off("data", receive);
    socket.off("end", leave);
    // What follows the first message is for those who serve it to judge.
    if (first === undefined) return refuseFor(broken, null);
    let id: number | null = null;
    try {
      const message = decode(first, limits);
      id = idOf(message);
      greeted(helloOf(message), Buffer.concat(chunks));
    } catch (error) {
      refuseFor(error, id);
    }
  };
  socket.on("data", receive);
  socket.on("end", leave);
}

function helloOf(message: Readonly<Record<string, unknown>>): RequestOf<"hello"> {
  if (message["op"] === "hello") return parseRequest(message) as RequestOf<"hello">;
  throw new HoldfastError("FORBIDDEN", "the first message over the network is hello", { field: "op" });
}
