import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ManualClock } from '#common/io/manual-clock.ts';
import { formatOf } from '../codecs/codec.ts';
import { OperationFailure } from '../../load/operation-failure.ts';
import type { MediaObject, MediaTarget, Recording } from '../targets/target.ts';
import type { Pattern } from './pattern.ts';
import { runStreams, type StreamsResult } from './run-streams.ts';
import type { StreamsOrder } from './streams-order.ts';

const FORMAT = formatOf({ codec: 'custom', frameBytes: 1000, framesPerS: 25 });

/** A target that answers after as long as the test says, on the test's clock. */
class PlantedTarget implements MediaTarget {
  readonly clock: ManualClock;
  readonly reads: { readonly object: MediaObject; readonly position: number; readonly atMs: number }[] = [];
  delayMs: (position: number, object: MediaObject) => number = () => 1;
  failing: (position: number) => boolean = () => false;
  appended = 0;
  readonly traits = {
    url: 'planted:',
    protocol: 'planted',
    caches: 'none',
    durability: 'none',
    writable: true,
    growing: true,
    verified: true,
    appendBytesMin: 1,
  };

  constructor(clock: ManualClock) {
    this.clock = clock;
  }

  async read(object: MediaObject, position: number): Promise<void> {
    this.reads.push({ object, position, atMs: this.clock.monotonicMs() });
    await this.#answer(position, object);
    if (this.failing(position)) throw new OperationFailure('request-refused', 'http-503', 'planted');
  }

  record(object: MediaObject): Promise<Recording> {
    return Promise.resolve({
      append: async (position) => {
        await this.#answer(position, object);
        this.appended++;
      },
      finish: () => Promise.resolve(),
      abort: () => Promise.resolve(),
    });
  }

  prepare = () => Promise.resolve();
  put = () => Promise.resolve();
  remove = () => Promise.resolve();
  stat = () => Promise.resolve(0);
  list = () => Promise.resolve(0);
  removePlace = () => Promise.resolve();
  close = () => undefined;
  brokenOff = 0;
  breakOff = () => void this.brokenOff++;

  #answer(position: number, object: MediaObject): Promise<void> {
    const delayMs = this.delayMs(position, object);
    return new Promise((resolve) => {
      if (Number.isFinite(delayMs)) this.clock.after(delayMs, resolve);
    });
  }
}

function orderOf(pattern: Pattern, more: Partial<StreamsOrder> = {}): StreamsOrder {
  const kind = pattern === 'record' ? 'take' : 'clip';
  return {
    format: FORMAT,
    timing: { framesPerS: 25, preBufferFrames: 10, readAheadFrames: 10, allowanceMs: 0, reactionMs: 200 },
    streams: [
      {
        stream: 0,
        pattern,
        clips: [{ kind, number: 1, frames: 1000 }],
        startMs: 0,
        startFrame: 0,
        recordedBy: undefined,
        requestFrames: 1,
      },
    ],
    warmupMs: 0,
    durationMs: 10_000,
    inFlight: 32,
    dropAfterMs: 1000,
    shuttleSpeed: 4,
    seed: 7,
    run: 1,
    framesFile: undefined,
    untilLate: false,
    live: false,
    ...more,
  };
}

/** Its timers come half a millisecond too early, as Node's may. */
class EarlyClock extends ManualClock {
  override after(delayMs: number, then: () => void) {
    return super.after(Math.max(0.5, delayMs - 0.5), then);
  }
}

/** Runs it on a clock that goes as fast as the program can. */
async function run(
  order: StreamsOrder,
  plant: (target: PlantedTarget) => void = () => undefined,
  clock = new ManualClock(),
) {
  const target = new PlantedTarget(clock);
  plant(target);
  let result: StreamsResult | undefined;
  const signal = new AbortController().signal;
  const running = runStreams(order, { target, clock, originMs: 0, signal, figures: () => undefined }).then(
    (value) => (result = value),
  );
  for (let idle = 0; result === undefined && idle < 1000; ) {
    // Whoever was woken goes on before the clock does.
    await new Promise(setImmediate);
    idle = clock.advanceToNext() ? 0 : idle + 1;
  }
  const { tally, stopped } = await running;
  const [row] = tally.rows;
  assert.ok(row !== undefined);
  return { tally, stopped, row, target };
}

describe('a stream', () => {
  test('from a storage that keeps up has no late frame', async () => {
    const { row, tally } = await run(orderOf('play'));
    assert.equal(row.framesTotal, 250);
    assert.equal(row.framesLate, 0);
    assert.equal(row.framesDropped, 0);
    assert.equal(row.bytes, 250_000);
    assert.equal(row.firstFrameMs, 1);
    assert.equal(tally.unitsMissed, 0);
    assert.equal(
      tally.seconds.reduce((sum, { frames }) => sum + frames, 0),
      250,
    );
  });

  test('asks for no frame before its time, however early a timer comes', async () => {
    const order = orderOf('play');
    const streams = order.streams.map((stream) => ({ ...stream, startMs: 100 }));
    const plant = (target: PlantedTarget) => (target.delayMs = () => 0);
    const { row, target } = await run({ ...order, streams }, plant, new EarlyClock());
    // Planned are ten at the start, and then one every 40 ms.
    target.reads.forEach(({ atMs }, frame) => assert.ok(atMs >= 100 + Math.max(0, frame - 10) * 40));
    assert.equal(row.framesTotal, 250);
    assert.ok(row.firstFrameMs !== null && row.firstFrameMs >= 0.5, String(row.firstFrameMs));
  });

  test('counts exactly the frames that were planted late', async () => {
    // A buffer of 10 frames at 25 a second lasts 400 ms.
    const late = new Set([3, 40, 41, 199]);
    const { row, tally } = await run(orderOf('play'), (target) => {
      target.delayMs = (position) => (late.has(position / 1000) ? 401 : 399);
    });
    assert.equal(row.framesLate, 4);
    assert.equal(row.framesDropped, 0);
    assert.equal(row.worstFrameMs, 401);
    assert.ok(Math.abs(row.worstLatenessMs - 1) < 1e-6);
    assert.equal(row.bufferLowWaterFrames, 0);
    assert.deepEqual(row.lateAtS, [0.52, 2, 2.04, 8.36]);
    assert.equal(
      tally.seconds.reduce((sum, second) => sum + second.late, 0),
      4,
    );
  });

  test('asks on schedule while the storage stalls: nothing is left out of the latencies', async () => {
    const { row, target } = await run(orderOf('play'), (planted) => {
      planted.delayMs = (position) => (position === 50_000 ? 3000 : 1);
    });
    assert.equal(row.framesLate, 1);
    assert.equal(row.framesDropped, 1);
    assert.equal(row.framesTotal, 250);
    assert.deepEqual(
      target.reads.map(({ atMs }) => Math.round(atMs)),
      Array.from({ length: 250 }, (_, frame) => frame * 40),
    );
  });

  test('whose requests must wait for one another counts from when each was planned', async () => {
    const { row } = await run(orderOf('play', { inFlight: 1 }), (target) => {
      target.delayMs = (position) => (position === 50_000 ? 840 : 1);
    });
    // The frames planned 40 ms apart come together when the stall is over: those due before then are late.
    assert.equal(row.framesLate, 12);
    assert.equal(row.framesDropped, 0);
    assert.equal(row.worstFrameMs, 840);
  });

  test('counts failed frames as late and dropped, and goes on', async () => {
    const { row, tally } = await run(orderOf('play'), (target) => {
      target.failing = (position) => position === 7000 || position === 9000;
    });
    assert.equal(row.framesLate, 2);
    assert.equal(row.framesDropped, 2);
    assert.deepEqual(tally.failuresByKind, { 'http-503': { count: 2, first: 'planted' } });
    assert.equal(row.failure, 'planted');
  });

  test('does not count what is due in the warm-up', async () => {
    const { row } = await run(orderOf('play', { warmupMs: 2000 }), (target) => {
      target.delayMs = (position) => (position < 20_000 ? 900 : 1);
    });
    assert.equal(row.framesLate, 0);
    assert.equal(row.framesTotal, 250);
  });

  test('does not wait for ever for what never comes', async () => {
    const { row } = await run(orderOf('play'), (target) => {
      target.delayMs = (position) => (position >= 200_000 ? 1e9 : 1);
    });
    assert.equal(row.framesTotal, 250);
    assert.equal(row.framesDropped, 50);
  });

  test('goes on to its end while more never comes than may be under way', async () => {
    for (const pattern of ['play', 'record'] as const) {
      const { row, stopped, target } = await run(orderOf(pattern, { inFlight: 4 }), (planted) => {
        planted.delayMs = (position) => (position >= 150_000 ? Number.POSITIVE_INFINITY : 1);
      });
      assert.equal(row.framesTotal, 250);
      assert.equal(row.framesDropped, 100);
      assert.equal(stopped, null);
      assert.ok(target.clock.monotonicMs() < 13_000, 'its end, the buffer and what is dropped');
    }
  });

  test('ends when it is told to, whatever the storage does not do', async () => {
    for (const hanging of ['read', 'append', 'open', 'finish', 'abort'] as const) {
      const clock = new ManualClock();
      const target = new PlantedTarget(clock);
      const never = new Promise<never>(() => undefined);
      if (hanging === 'read' || hanging === 'append') target.delayMs = () => Number.POSITIVE_INFINITY;
      const record = target.record.bind(target);
      if (hanging !== 'read' && hanging !== 'append')
        target.record = async (object) =>
          hanging === 'open' ? await never : { ...(await record(object)), [hanging]: () => never };
      const stop = new AbortController();
      const order = orderOf(hanging === 'read' ? 'play' : 'record', { inFlight: 2 });
      let isOver = false;
      const around = { target, clock, originMs: 0, signal: stop.signal, figures: () => undefined };
      const running = runStreams(order, around).finally(() => (isOver = true));
      const advance = async (untilMs: number): Promise<void> => {
        while (clock.monotonicMs() < untilMs && !isOver) {
          await new Promise(setImmediate);
          if (!clock.advanceToNext()) clock.advance(100);
        }
      };
      await advance(hanging === 'finish' ? 60_000 : 3000);
      assert.equal(isOver, false, hanging);
      stop.abort();
      await advance(clock.monotonicMs() + 20_000);
      const { stopped } = await running;
      assert.equal(stopped, 'interrupted');
      assert.equal(target.brokenOff, 1);
    }
  });

  test('that records counts what its buffer could not hold', async () => {
    const { row, target } = await run(orderOf('record'), (planted) => {
      planted.delayMs = (position) => (position === 30_000 ? 401 : 10);
    });
    assert.equal(row.framesTotal, 250);
    assert.equal(row.framesLate, 1);
    assert.equal(target.appended, 250);
  });

  test('plays a growing file behind its recorder, and is late when that is', async () => {
    const clips = [{ kind: 'take' as const, number: 9, frames: 250 }];
    const base = { clips, startFrame: 0, requestFrames: 1 };
    const streams = [
      { ...base, stream: 0, pattern: 'record' as const, startMs: 0, recordedBy: undefined },
      { ...base, stream: 1, pattern: 'growing' as const, startMs: 1000, recordedBy: 0 },
    ];
    const steady = await run(orderOf('growing', { streams }));
    assert.deepEqual(
      steady.tally.rows.map(({ framesLate }) => framesLate),
      [0, 0],
    );
    const behind = await run(
      orderOf('growing', { streams: [streams[0]!, { ...streams[1]!, startMs: 0 }] }),
      (target) => {
        target.delayMs = (position) => (position === 100_000 ? 900 : 1);
      },
    );
    assert.ok(behind.tally.rows.every(({ framesLate }) => framesLate > 0));
  });

  test('that had to wait for its recording to be opened was not kept by the meter', async () => {
    const { row, tally } = await run(orderOf('record'), (target) => {
      const record = target.record.bind(target);
      target.record = async (object) => {
        await new Promise<void>((resolve) => target.clock.after(300, resolve));
        return await record(object);
      };
    });
    assert.equal(row.framesTotal, 250);
    assert.equal(tally.unitsMissed, 0);
  });

  test('of a growing file is given a frame when that is stored, whatever was stored behind it', async () => {
    const clips = [{ kind: 'take' as const, number: 9, frames: 250 }];
    const base = { clips, startFrame: 0, requestFrames: 1 };
    const streams = [
      { ...base, stream: 0, pattern: 'record' as const, startMs: 0, recordedBy: undefined },
      { ...base, stream: 1, pattern: 'growing' as const, startMs: 0, recordedBy: 0 },
    ];
    let storedAtMs = 0;
    const { target, tally } = await run(orderOf('growing', { streams, inFlight: 64 }), (planted) => {
      const record = planted.record.bind(planted);
      planted.record = async (object) => {
        const recording = await record(object);
        const append = async (position: number, lengthBytes: number): Promise<void> => {
          // Frame 100 is stored when thirty that were recorded after it are, and frame 200 never.
          if (position === 200_000) throw new OperationFailure('device-full', 'disk-full', 'planted');
          if (position === 100_000) await new Promise<void>((resolve) => planted.clock.after(1200, resolve));
          await recording.append(position, lengthBytes);
          if (position === 100_000) storedAtMs = planted.clock.monotonicMs();
        };
        return { ...recording, append };
      };
    });
    const readAt = (frame: number) => target.reads.find(({ position }) => position === frame * 1000)?.atMs;
    assert.ok(storedAtMs > 0 && (readAt(100) ?? 0) >= storedAtMs);
    assert.ok((readAt(101) ?? Number.POSITIVE_INFINITY) < storedAtMs);
    assert.equal(readAt(200), undefined);
    assert.notEqual(readAt(201), undefined);
    assert.deepEqual(
      tally.rows.map(({ framesDropped }) => framesDropped),
      [1, 1],
    );
  });

  test('asks for several frames at once, each due in its turn', async () => {
    const { row, target } = await run(
      orderOf('play', { streams: [{ ...orderOf('play').streams[0]!, requestFrames: 5 }] }),
      (planted) => {
        // The first two of the five frames from 100 on are due 400 and 440 ms after they are asked for.
        planted.delayMs = (position) => (position === 100_000 ? 450 : 1);
      },
    );
    assert.equal(target.reads.length, 50);
    assert.equal(row.framesTotal, 250);
    assert.equal(row.framesLate, 2);
  });
});
