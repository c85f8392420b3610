/**
 * What the ring costs, run by hand: `node ring/ring.bench.ts [devices] [partition power]`. Prints one JSON object a line;
 * asserts nothing.
 */
import { encodeBuilder, readBuilder } from './file/builder-file.ts';
import { encodeRing } from './file/ring-writer.ts';
import { readRing } from './file/ring-reader.ts';
import { RingBuilder, type RebalanceReport } from './builder.ts';
import { reportDispersion } from './dispersion.ts';
import { createPlacement } from './placement-hash.ts';
import type { Ring } from './ring.ts';

const LOOKUPS = 10_000_000;
const HASHES = 2_000_000;
const HANDOFFS = 100_000;
const ZONES = 5;
const HOST_DEVICES = 10;

function timed<Result>(
  what: string,
  work: () => Result,
  more: (result: Result) => object = () => ({}),
): Result {
  const start = process.hrtime.bigint();
  const result = work();
  const ms = Math.round(Number(process.hrtime.bigint() - start) / 1e4) / 100;
  process.stdout.write(`${JSON.stringify({ what, ms, ...more(result) })}\n`);
  return result;
}

/** A weighted cluster: hosts of ten devices in five zones, three sizes of disk. */
function newBuilder(devices: number, partitionPower: number): RingBuilder {
  const builder = RingBuilder.create({ partitionPower, replicas: 3, overload: 0.1, minMoveHours: 0 });
  for (let i = 0; i < devices; i++) {
    const number = Math.floor(i / HOST_DEVICES);
    const address = { host: '127.0.0.1', port: 21_100 };
    const weight = [100, 200, 400][i % 3] ?? 100;
    builder.add({ region: 1, zone: number % ZONES, rack: 0, host: `h${number}`, address, weight });
  }
  return builder;
}

function benchRebalances(builder: RingBuilder, devices: number): void {
  const balance = (report: RebalanceReport): object => {
    const { state } = builder;
    const { worstDeviation, together } = reportDispersion(state.devices, state.rows, state.epochs.length);
    return {
      ...report,
      worstDeviationPercent: Math.round(worstDeviation * 1e4) / 100,
      zoneTogether: together.zone,
    };
  };
  timed(`build, ${devices} devices`, () => builder.rebalance({ nowMs: 1e12 }), balance);
  builder.add({
    region: 1,
    zone: 0,
    rack: 0,
    host: 'new',
    address: { host: '127.0.0.1', port: 21_100 },
    weight: 200,
  });
  timed('one joins', () => builder.rebalance({ nowMs: 2e12 }), balance);
  const [gone] = builder.state.devices;
  if (gone !== undefined) builder.remove(gone.id);
  timed('one is gone', () => builder.rebalance({ nowMs: 3e12 }), balance);
  timed('nothing to do', () => builder.rebalance({ nowMs: 4e12 }), balance);
}

function benchFiles(builder: RingBuilder): Ring {
  const bytes = timed(
    'write the ring file',
    () => encodeRing(builder.ringTable()),
    ({ length }) => ({ bytes: length }),
  );
  const json = timed(
    'write the builder file',
    () => encodeBuilder(builder),
    ({ length }) => ({ bytes: length }),
  );
  timed('read the builder file', () => readBuilder(json));
  return timed('read the ring file', () => readRing(bytes));
}

async function benchLookups(ring: Ring): Promise<void> {
  const perSecond = (count: number) => (start: number) => ({
    perSecond: Math.round(count / ((performance.now() - start) / 1000)),
  });
  const partitions = 2 ** ring.partitionPower;
  for (let partition = 0; partition < partitions; partition++) ring.members(partition);
  const lookUp = (): number => {
    const start = performance.now();
    let sum = 0;
    for (let i = 0, high = 1; i < LOOKUPS; i++, high = (Math.imul(high, 1_664_525) + 1_013_904_223) >>> 0) {
      const partition = ring.partitionOfHigh(high);
      sum += ring.members(partition)[0] ?? 0;
      sum += ring.epoch(partition);
    }
    if (sum < 0) throw new Error('never');
    return start;
  };
  lookUp();
  timed('look up partition, members, epoch', lookUp, perSecond(LOOKUPS));
  const placement = await createPlacement();
  const key = Buffer.alloc(19);
  const hash = (): number => {
    const start = performance.now();
    for (let i = 0; i < HASHES; i++) {
      key.writeUInt32LE(i, 0);
      ring.partitionOfHigh(placement(key));
    }
    return start;
  };
  timed('hash 19 bytes and find the partition', hash, perSecond(HASHES));
  const handOff = (): number => {
    const start = performance.now();
    for (let i = 0; i < HANDOFFS; i++) for (const _ of ring.handoffs(i % partitions)) break;
    return start;
  };
  timed('first handoff', handOff, perSecond(HANDOFFS));
}

const [devices = 1000, partitionPower = 16] = process.argv.slice(2).map(Number);
const builder = newBuilder(devices, partitionPower);
benchRebalances(builder, devices);
await benchLookups(benchFiles(builder));
