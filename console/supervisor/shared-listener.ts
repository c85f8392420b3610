/**
 * A bound socket that the supervisor holds and its proxies accept on: a connection that arrives while the only proxy
 * restarts waits in the kernel's queue, and is not refused.
 *
 * `net.Server` cannot do this, because a listening one accepts connections itself. Node's own cluster module makes its shared
 * sockets with the function used here; the package pins the version of Node that it runs on.
 */
import { lookup } from 'node:dns/promises';
import * as net from 'node:net';
import { getSystemErrorName } from 'node:util';
import type { ListenHandle } from '#common/config/role-control.ts';
import type { Address } from '#common/io/network.ts';

export interface SharedListener {
  /** May be sent to a child process, and given to `net.Server.listen` there. */
  readonly handle: ListenHandle;
  close(): void;
}

interface BoundHandle {
  close(): void;
}

type CreateHandle = (host: string, port: number, addressType: 4 | 6) => BoundHandle | number;

const TAKEN = 'EADDRINUSE';

/** Throws an error with the system's `code` when the address cannot be taken. */
export async function bindListener(address: Address): Promise<SharedListener> {
  await checkFree(address);
  const { address: ip, family } = await lookup(address.host);
  const create = (net as unknown as { _createServerHandle: CreateHandle })._createServerHandle;
  const handle = create(ip, address.port, family === 6 ? 6 : 4);
  if (typeof handle === 'number') {
    const code = getSystemErrorName(handle);
    throw Object.assign(new Error(`${code}: ${address.host}:${address.port}`), { code });
  }
  return { handle, close: () => handle.close() };
}

/** A bound socket learns that its port is taken only when somebody listens on it: too late for a clear message. */
function checkFree(address: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = net.createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      const text = error.code === TAKEN ? `${address.host}:${address.port} is in use` : error.message;
      reject(Object.assign(new Error(text), { code: error.code }));
    });
    probe.listen(address.port, address.host, () => probe.close(() => resolve()));
  });
}
