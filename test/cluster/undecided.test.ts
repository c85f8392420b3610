/** What listings and reads make of a removal that one replica has taken and nobody has decided. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Ballot, ZERO_BALLOT } from '#common/ballot.ts';
import { recordKey, recordKinds } from '#common/codec/record-key.ts';
import { spaceId } from '#common/ids.ts';
import type { Cluster, ListingQuery } from '#cluster/cluster.ts';
import type { AcceptedState } from '#storage-node/engine/device-engine.ts';
import { MemoryNodes } from './memory-nodes.ts';
import { NOTHING_COUNTED } from '#storage-node/protocol/accepted-state.ts';

const SPACE = spaceId('cd'.repeat(16));
const EMPTY = Buffer.alloc(0);
const NAMES = Array.from({ length: 60 }, (_, index) => `p${index}/x`);
const PAGES = 6;
/** A seed decides which replicas the first listing asks. */
const SEEDS = 6;

function keyOf(name: string) {
  return recordKey(SPACE, recordKinds.object, 0, name);
}

function stateAt(ballot: Ballot, live: boolean): AcceptedState {
  const summary = live ? Buffer.from('row') : EMPTY;
  return {
    ballot,
    history: [],
    horizon: ZERO_BALLOT,
    counted: NOTHING_COUNTED,
    live,
    summary,
    content: EMPTY,
  };
}

/** Of three replicas one has the record, one its removal, which was never decided, and one neither. */
async function cutOffRemovals(seed: number): Promise<MemoryNodes> {
  const nodes = await MemoryNodes.start(3, seed);
  const clock = Date.now() * 2048;
  const written = stateAt({ clock, writer: 1 }, true);
  const removed = stateAt({ clock: clock + 1, writer: 2 }, false);
  for (const [index, name] of NAMES.entries()) {
    const [first, second] = [index % 3, (index + 1 + (Math.floor(index / 3) % 2)) % 3];
    await nodes.engines[first]?.writeRecord(keyOf(name), written);
    await nodes.engines[second]?.writeRecord(keyOf(name), removed);
  }
  return nodes;
}

async function listed(cluster: Cluster, delimiter: string): Promise<Set<string>> {
  const query: ListingQuery = {
    space: SPACE,
    kind: recordKinds.object,
    shards: 1,
    prefix: '',
    delimiter,
    limit: 1000,
  };
  const { entries } = await cluster.listings.list(query);
  return new Set(entries.map((entry) => (entry.type === 'row' ? entry.name : `${entry.prefix}x`)));
}

for (const delimiter of ['', '/']) {
  const how = delimiter === '' ? 'name by name' : 'folded at a delimiter';
  test(`what one listing has shown, ${how}, every later one and every read shows too`, async () => {
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      await using nodes = await cutOffRemovals(seed);
      const cluster = await nodes.open();
      const first = await listed(cluster, delimiter);
      for (let page = 1; page < PAGES; page += 1) assert.deepEqual(await listed(cluster, delimiter), first);
      for (const name of NAMES) {
        assert.equal((await cluster.records.read(keyOf(name))) !== undefined, first.has(name), name);
      }
    }
  });
}
