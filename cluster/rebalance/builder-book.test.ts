import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeviceId } from '#common/ids.ts';
import { type BuilderState, RingBuilder } from '#ring/builder.ts';
import { createSingleHostRing } from '#ring/single-host-ring.ts';
import { BuilderBook } from './builder-book.ts';

test('a device that another plan has taken the place of does not join', async () => {
  const addressOf = (device: number) => ({ host: '127.0.0.1', port: 1000 + device });
  const { builder } = createSingleHostRing({ devices: 4, zones: 4, partitionPower: 4, addressOf });
  const place = { region: 1, rack: 0, weight: 100, host: 'b' };
  builder.add({ ...place, zone: 5, address: addressOf(4) });
  builder.rebalance({ nowMs: 0, holdsData: true });
  let state: BuilderState = builder.state;
  const book = new BuilderBook({
    nowMs: () => 0,
    load: () => Promise.resolve(state),
    change: async (change) => {
      state = change(state);
    },
  });
  const [first, second] = (await book.read()).moves;
  assert.ok(first !== undefined && second !== undefined);
  const other = ((first.device + 1) % 5) as DeviceId;
  await book.begin(
    new Map([
      [first.partition, other],
      [second.partition, second.device],
    ]),
  );
  const begun = new RingBuilder(state).state.moves.filter((move) => move.begun);
  assert.deepEqual(
    begun.map(({ partition }) => partition),
    [second.partition],
  );
});
