/**
 * Requests whose path holds bytes above 0x7F that are not percent-encoded. That is no HTTP (RFC 9112, section 3.2) and Node's
 * parser gives it up, but Swift has always taken it, and old clients of Swift send it. The request begins again as a
 * connection of its own within the process, with those bytes encoded.
 */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { type Duplex, duplexPair } from 'node:stream';

const INVALID_URL = 'HPE_INVALID_URL';
/** A head that came at once, of a path into Swift's API. */
const HEAD = /^([A-Z]{1,16} )(\/v1(?:\.0)?\/[^ \r\n]*)( HTTP\/1\.1\r\n(?:[^\r\n]+\r\n)*)\r\n/;
const CONNECTION_HEADER = /^connection:.*\r\n/gim;
/** With the body, of which nothing more is taken than comes unasked. */
const REQUEST_BYTES_MAX = 256 * 1024;

export class UnencodedPaths {
  readonly #server: Server;
  readonly #begun = new WeakMap<Socket, { readonly stream: Duplex; bytes: number }>();

  constructor(server: Server) {
    this.#server = server;
  }

  /** True when the request goes on; the parser tells of every packet that follows on the connection. */
  take(error: Error, socket: Socket): boolean {
    const packet = refusedPacket(error);
    if (packet === undefined) return false;
    const begun = this.#begun.get(socket);
    if (begun === undefined) return this.#begin(packet, socket);
    begun.bytes += packet.length;
    if (begun.bytes > REQUEST_BYTES_MAX) socket.destroy();
    else begun.stream.write(packet);
    return true;
  }

  #begin(packet: Buffer, socket: Socket): boolean {
    const found = HEAD.exec(packet.toString('latin1'));
    if (found === null || !socket.writable) return false;
    const [whole, method = '', path = '', headers = ''] = found;
    const encoded = path.replace(/[\u0080-\u00ff]/g, encodeURIByte);
    // The connection has lost its parser: it ends with this answer.
    const kept = headers.replace(CONNECTION_HEADER, '');
    const [inner, outer] = duplexPair();
    outer.write(Buffer.from(`${method}${encoded}${kept}Connection: close\r\n\r\n`, 'latin1'));
    outer.write(packet.subarray(whole.length));
    this.#begun.set(socket, { stream: outer, bytes: packet.length });
    this.#server.emit('connection', inner);
    outer.on('error', () => socket.destroy());
    socket.once('close', () => outer.destroy());
    outer.pipe(socket);
    return true;
  }
}

/** What the parser had before it, when a byte of the path is what it refused. */
function refusedPacket(error: Error): Buffer | undefined {
  if (!('code' in error) || error.code !== INVALID_URL) return undefined;
  return 'rawPacket' in error && error.rawPacket instanceof Buffer ? error.rawPacket : undefined;
}

function encodeURIByte(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}
