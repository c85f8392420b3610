/**
 * What an operation on a record, and a listing, costs a whole store: proposer, registers, and engines of three replicas, without HTTP.
 * By hand: `node test/scale/operations.bench.ts [put|get|list|http-list …]`. CPU is of the whole process.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cluster } from '#cluster/cluster.ts';
import { type RecordKey, recordKey, recordKinds } from '#common/codec/record-key.ts';
import { spaceId } from '#common/ids.ts';
import { indexShard } from '#proxy/objects/index-shard.ts';
import { openTestBed, type TestBed } from '#proxy/s3/s3-test-bed.ts';
import { type Cost, inFlight, measured } from './measure.ts';
import { openStore } from './store.ts';

const OPERATIONS = 20_000;
const OUTSTANDING = 32;
const CONTENT_BYTES = 4096;
const SHARDS = 4;
const LISTED_NAMES = 10_000;
const PAGE_NAMES = 1000;
const ROUNDS = 7;
const SPACE = spaceId('5a'.repeat(16));

/** The middle of several rounds, and the cheapest. */
async function rounds(
  what: string,
  operations: number,
  run: (round: number) => Promise<unknown>,
): Promise<void> {
  const costs: Cost[] = [];
  for (let round = 0; round < ROUNDS; round += 1) costs.push(await measured(() => run(round)));
  const perOperation = costs.map(({ cpuMicroseconds }) => cpuMicroseconds / operations).sort((a, b) => a - b);
  const rate = Math.max(...costs.map(({ seconds }) => operations / seconds));
  const [least, middle] = [perOperation[0] ?? 0, perOperation[ROUNDS >> 1] ?? 0];
  process.stdout.write(
    `${what.padEnd(36)} CPU ${middle.toFixed(1)} µs, at best ${least.toFixed(1)}; at best ${Math.round(rate)}/s\n`,
  );
}

function keyOf(number: number): RecordKey {
  const name = `photos/2026/${String(number).padStart(8, '0')}.jpg`;
  return recordKey(SPACE, recordKinds.object, indexShard(name, SHARDS), name);
}

async function benchRecords(cluster: Cluster, wanted: (what: string) => boolean): Promise<void> {
  const content = Buffer.alloc(CONTENT_BYTES, 1);
  const summary = Buffer.alloc(95, 2);
  const write = { action: 'write', summary, content, result: undefined } as const;
  const put = (number: number): Promise<void> =>
    cluster.records.mutate(keyOf(number), () => ({
      ...write,
      counted: { objects: 1, bytes: CONTENT_BYTES },
    }));
  await rounds(`PUT 4 KiB, ${OUTSTANDING} in flight`, OPERATIONS, (round) =>
    inFlight(OPERATIONS, OUTSTANDING, (number) => put(round * OPERATIONS + number)),
  );
  if (wanted('get')) {
    await rounds(`GET 4 KiB, ${OUTSTANDING} in flight`, OPERATIONS, () =>
      inFlight(OPERATIONS, OUTSTANDING, (number) => cluster.records.read(keyOf(number))),
    );
  }
}

async function benchFrontDoor(bed: TestBed) {
  await bed.send({ method: 'PUT', path: '/box' });
  await inFlight(LISTED_NAMES, OUTSTANDING, async (number) => {
    const path = `/box/photos/2026/${String(number).padStart(8, '0')}.jpg`;
    const { status } = await bed.send({ method: 'PUT', path, body: 'x' });
    if (status !== 200) throw new Error(`PUT was answered by ${status}`);
  });
  const names = async (): Promise<void> => {
    let token = '';
    let listed = 0;
    for (;;) {
      const after = token === '' ? '' : `&continuation-token=${encodeURIComponent(token)}`;
      const { text } = await bed.send({
        method: 'GET',
        path: `/box?list-type=2&max-keys=${PAGE_NAMES}${after}`,
      });
      listed += text.split('<Contents>').length - 1;
      token = /<NextContinuationToken>([^<]*)</.exec(text)?.[1] ?? '';
      if (token === '') break;
    }
    if (listed !== LISTED_NAMES) throw new Error(`${listed} names`);
  };
  await rounds('ListObjectsV2, a name, with client', LISTED_NAMES, names);
}

async function benchPages(cluster: Cluster): Promise<void> {
  const query = { space: SPACE, kind: recordKinds.object, shards: SHARDS, prefix: '', delimiter: '' };
  for (const limit of [PAGE_NAMES, LISTED_NAMES]) {
    await rounds(`listing in pages of ${limit}, a name`, LISTED_NAMES, async () => {
      let after: string | undefined;
      for (let listed = 0; listed < LISTED_NAMES; listed += limit) {
        const start = after === undefined ? {} : { start: { after } };
        const { entries } = await cluster.listings.list({ ...query, ...start, limit });
        const last = entries.at(-1);
        if (entries.length !== limit || last?.type !== 'row') throw new Error(`${entries.length} names`);
        after = last.name;
      }
    });
  }
}

const asked = process.argv.slice(2);
const wanted = (what: string): boolean => asked.length === 0 || asked.includes(what);
const folder = await mkdtemp(join(tmpdir(), 'holdfast-scale-'));
try {
  await using store = await openStore(folder);
  const { cluster } = store;
  if (wanted('put') || wanted('get') || wanted('list')) await benchRecords(cluster, wanted);
  if (wanted('list')) await benchPages(cluster);
  if (wanted('http-list')) {
    await using bed = await openTestBed({ cluster });
    await benchFrontDoor(bed);
  }
} finally {
  await rm(folder, { recursive: true });
}
