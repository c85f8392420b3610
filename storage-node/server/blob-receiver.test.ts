import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { BlobReceiver } from './blob-receiver.ts';

interface Write {
  readonly bytes: readonly number[];
  readonly sums: readonly number[] | undefined;
  readonly end: (error?: Error) => void;
}

function receive() {
  const writes: Write[] = [];
  const told: string[] = [];
  const receiver = new BlobReceiver(
    {
      written: (bytes) => told.push(`written ${bytes}`),
      committed: () => told.push('committed'),
      failed: (error) => told.push(String(error)),
      ended: () => told.push('ended'),
    },
    async () => ({
      write: (chunks, sums) =>
        new Promise((resolve, reject) => {
          const bytes = chunks.map(({ length }) => length);
          writes.push({ bytes, sums, end: (error) => (error ? reject(error) : resolve()) });
        }),
      commit: async () => void told.push('synced'),
      abort: async () => void told.push('aborted'),
    }),
  );
  const send = (bytes: number, sums?: readonly number[]): void =>
    receiver.data(Buffer.alloc(bytes), () => told.push(`taken ${bytes}`), sums);
  return { receiver, writes, told, send };
}

test('what comes while the disk is at work goes to it in one call, in order, with its sums', async () => {
  const { receiver, writes, told, send } = receive();
  await turn();
  send(10, [1]);
  await turn();
  for (const [bytes, sums] of [
    [20, []],
    [30, [2, 3]],
    [40, [4]],
  ] as const)
    send(bytes, sums);
  receiver.commit(100);
  writes[0]?.end();
  await turn();
  writes[1]?.end();
  await turn();
  assert.deepEqual(
    writes.map(({ bytes, sums }) => ({ bytes, sums })),
    [
      { bytes: [10], sums: [1] },
      { bytes: [20, 30, 40], sums: [2, 3, 4] },
    ],
  );
  const taken = ['taken 20', 'taken 30', 'taken 40', 'written 90'];
  assert.deepEqual(told, ['taken 10', 'written 10', ...taken, 'synced', 'committed', 'ended']);
});

test('without sums the device makes its own', async () => {
  const { writes, send } = receive();
  send(10);
  send(20);
  await turn();
  assert.deepEqual(writes[0]?.bytes, [10, 20]);
  assert.equal(writes[0]?.sums, undefined);
});

test('when a write fails the memory of all that waited is given back, once', async () => {
  const { writes, told, send } = receive();
  await turn();
  send(10);
  await turn();
  send(20);
  writes[0]?.end(new Error('the disk is gone'));
  await turn();
  assert.deepEqual(told, ['taken 10', 'Error: the disk is gone', 'aborted', 'taken 20', 'ended']);
});
