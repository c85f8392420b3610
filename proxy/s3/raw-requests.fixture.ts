/** Requests that no client library would send, written straight to the socket. */
import { connect, type Socket } from 'node:net';
import type { Sent, TestBed } from './s3-test-bed.ts';

/** The head of a signed request, as text. */
export function headOf(
  bed: TestBed,
  sent: Sent,
  more: Readonly<Record<string, string | number>> = {},
): string {
  const { path, headers } = bed.sign(sent);
  const lines = Object.entries({ ...headers, ...more }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${sent.method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

/** Writes, and gives all that comes back until the connection closes. */
export async function exchange(bed: TestBed, write: (socket: Socket) => void): Promise<string> {
  const socket = connect(bed.port, '127.0.0.1');
  const chunks: Buffer[] = [];
  return new Promise((resolve) => {
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', () => {});
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
    socket.on('connect', () => write(socket));
  });
}
