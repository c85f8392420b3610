/** One keepalive of one lease. etcd has a stream for it; a stream for each keepalive needs no state and costs little. */
import { HoldfastError } from '#common/errors.ts';
import type { Clock } from '#common/io/clock.ts';
import type { LeaseId } from '../store.ts';
import type { EtcdConnection } from './etcd-connection.ts';
import type { EtcdMethods } from './etcd-messages.ts';
import { integer } from './etcd-transaction.ts';

const ATTEMPTS_MAX = 6;
const ANSWER_MS_MAX = 2000;
const PAUSE_MS = 100;

export async function keepAliveOnce(
  connection: EtcdConnection,
  methods: EtcdMethods,
  clock: Clock,
  lease: LeaseId,
): Promise<void> {
  let last = new HoldfastError('store-unavailable');
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
    let stream: KeepAliveStream | undefined;
    try {
      stream = await openKeepAlive(connection, methods);
      const ttlSeconds = await exchange(stream, clock, lease);
      if (ttlSeconds <= 0) throw new HoldfastError('lease-unknown');
      return;
    } catch (error) {
      if (error instanceof HoldfastError && error.code !== 'store-unavailable') throw error;
      last = error instanceof HoldfastError ? error : connection.judgeStream(error, stream);
    }
    await new Promise<void>((resolve) => {
      clock.after(PAUSE_MS, resolve);
    });
  }
  throw last;
}

type KeepAliveStream = Awaited<ReturnType<typeof openKeepAlive>>;
const openKeepAlive = (connection: EtcdConnection, methods: EtcdMethods) =>
  connection.stream(methods.leaseKeepAlive);

/** The seconds that the lease has now; 0 when there is none. */
async function exchange(stream: KeepAliveStream, clock: Clock, lease: LeaseId): Promise<number> {
  const timer = clock.after(ANSWER_MS_MAX, () => stream.cancel());
  try {
    return await new Promise<number>((resolve, reject) => {
      stream.on('data', ({ TTL }) => resolve(integer(TTL)));
      stream.on('error', reject);
      stream.on('end', () => reject(new Error('the stream ended')));
      stream.write({ ID: lease });
    });
  } finally {
    timer.cancel();
    stream.cancel();
  }
}
