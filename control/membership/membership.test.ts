/** The membership stream between real ends: who is believed, and that every newer ring arrives. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, type ClientDuplexStream, credentials, Server, ServerCredentials } from '@grpc/grpc-js';
import { realClock } from '#common/io/real-clock.ts';
import { realFiles } from '#common/io/real-files.ts';
import { realRandomness } from '#common/io/real-randomness.ts';
import { createLogger } from '#common/log/logger.ts';
import { writeRing } from '#ring/file/ring-files.ts';
import { readRing } from '#ring/file/ring-reader.ts';
import { LiveRing } from '#ring/live-ring.ts';
import { createSingleHostRing } from '#ring/single-host-ring.ts';
import {
  type ControlFrame,
  loadAttendMethod,
  membershipProofs,
  processBody,
  type ProcessFrame,
  type ProcessState,
  readControlBody,
} from '../protocol/membership.ts';
import { MembershipClient, type MembershipClientOptions } from '../protocol/membership-client.ts';
import { memoryStore } from '../store/memory-store.ts';
import { membershipService } from './membership-service.ts';
import { ProcessBook } from './process-book.ts';
import { RingPublisher } from './ring-publisher.ts';

const host = '127.0.0.1';
/** This file's own, below those that the system gives out: while control is away nobody else may take it. */
const PORT = 21_840;
const clock = realClock();
const randomness = realRandomness();
const clusterKey = randomness.bytes(32);
const log = createLogger({ level: 'error', form: 'json', sink: process.stderr, nowMs: () => Date.now() });

const processState = (change: Partial<ProcessState> = {}): ProcessState => ({
  name: 'proxy-1',
  role: 'proxy',
  host: 'here',
  ports: [8080],
  version: '1.0.0',
  startedMs: 1,
  isServing: true,
  ringVersion: 0,
  devices: 0,
  devicesOut: [],
  ...change,
});

describe('membership', () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-membership-'));
  const path = join(folder, 'ring');
  const { builder, ring } = createSingleHostRing({
    devices: 4,
    zones: 4,
    partitionPower: 4,
    addressOf: () => ({ host, port: 1 }),
  });
  const rings = new LiveRing(ring);
  const store = memoryStore({ clock, randomness });
  const book = new ProcessBook(store, clock);
  let publisher: RingPublisher;
  let server: Server;

  async function serve(): Promise<void> {
    const service = membershipService({ clusterKey, clock, randomness, log, book, rings: publisher });
    server = new Server();
    server.addService(service.definition, service.implementation);
    await new Promise<void>((resolve, reject) =>
      server.bindAsync(`${host}:${PORT}`, ServerCredentials.createInsecure(), (error) =>
        error === null ? resolve() : reject(error),
      ),
    );
  }

  function attend(change: Partial<MembershipClientOptions> = {}): MembershipClient {
    return new MembershipClient({
      control: { host, port: PORT },
      clusterKey,
      clock,
      randomness,
      state: () => Promise.resolve(processState()),
      takeRing: () => Promise.resolve(),
      report: () => {},
      ...change,
    });
  }

  const isUp = async (name: string) => (await book.list()).find((process) => process.name === name)?.isUp;

  before(async () => {
    await writeRing(realFiles(), path, builder.ringTable());
    publisher = new RingPublisher({ files: realFiles(), path, rings, report: assert.fail });
    await eventually(() => publisher.current !== undefined);
    await serve();
  });
  after(async () => {
    server.forceShutdown();
    await publisher.close();
    await store.close();
    rmSync(folder, { recursive: true });
  });

  test('sends the newest ring, and each newer one, to who has an older one, also after control was away', async () => {
    const taken: number[] = [];
    const state = () => Promise.resolve(processState({ name: 'proxy-2', ringVersion: taken.at(-1) ?? 0 }));
    const takeRing = async (bytes: Buffer) => void taken.push(readRing(bytes).version);
    const client = attend({ state, takeRing });
    await eventually(() => taken.at(-1) === ring.version);
    const publish = async () => {
      builder.setWeight(builder.state.devices[0]?.id ?? assert.fail(), 100 - builder.state.version);
      builder.rebalance({ nowMs: builder.state.version * 1e10 });
      await writeRing(realFiles(), path, builder.ringTable());
      rings.update(builder.ring());
      return builder.ring().version;
    };
    const second = await publish();
    await eventually(() => taken.at(-1) === second);
    server.forceShutdown();
    const third = await publish();
    await serve();
    await eventually(() => taken.at(-1) === third);
    assert.deepEqual(taken, [ring.version, second, third]);
    await client.close();
    await eventually(async () => (await isUp('proxy-2')) === false);
  });

  test('a ring that was not taken does not end the stream', async () => {
    const problems: string[] = [];
    const client = attend({
      takeRing: () => Promise.reject(new Error('no room on the disk')),
      report: (problem) => problems.push(problem),
    });
    await eventually(() => problems.includes('no room on the disk'));
    await eventually(async () => (await isUp('proxy-1')) === true);
    assert.equal(client.isHeard, true);
    await client.close();
  });

  test('is not for who has not the cluster’s key', async () => {
    const problems: string[] = [];
    const stranger = attend({
      clusterKey: Buffer.alloc(32, 1),
      state: () => Promise.resolve(processState({ name: 'stranger' })),
      report: (problem) => problems.push(problem),
    });
    await eventually(() => problems.length > 0);
    assert.match(problems[0] ?? '', /no proof/);
    assert.equal(stranger.isHeard, false);
    assert.equal(await isUp('stranger'), undefined);
    await stranger.close();
  });

  test('what was recorded of another stream registers nobody', async () => {
    const proofs = membershipProofs(clusterKey);
    const nonce = randomness.bytes(16);
    const request = { ...proofs.request.request(nonce, clock.nowMs()), body: Buffer.alloc(0) };
    const first = new RawStream();
    first.call.write(request);
    const nonces = Buffer.concat([nonce, await first.nonce]);
    const body = processBody({ state: processState({ name: 'recorded' }) });
    const said = { nonce: Buffer.alloc(0), time_ms: '0', ...proofs.process.frame(nonces, 0, body) };
    first.call.write(said);
    await eventually(async () => (await isUp('recorded')) === true);
    const leaving = proofs.process.frame(nonces, 1, processBody({ leaving: true }));
    first.call.write({ nonce: Buffer.alloc(0), time_ms: '0', ...leaving });
    await first.ended;
    assert.equal(await isUp('recorded'), false);

    const again = new RawStream();
    again.call.write(request);
    await again.nonce;
    again.call.write(said);
    assert.match(await again.ended, /UNAUTHENTICATED/);
    assert.equal(await isUp('recorded'), false);
    first.close();
    again.close();
  });

  test('streams that prove nothing, however many, keep nobody out', async () => {
    const silent = Array.from({ length: 300 }, () => new RawStream());
    assert.match(await Promise.race(silent.map(({ ended }) => ended)), /RESOURCE_EXHAUSTED/);
    const client = attend({ state: () => Promise.resolve(processState({ name: 'proxy-3' })) });
    await eventually(async () => (await isUp('proxy-3')) === true);
    await client.close();
    for (const stream of silent) stream.close();
  });

  test('refuses what no process would say', async () => {
    const proofs = membershipProofs(clusterKey);
    const bodies = [
      '{',
      '[]',
      '{"state":{}}',
      JSON.stringify({ state: processState({ name: '../x' }) }),
      JSON.stringify({ state: processState({ ports: [70_000] }) }),
      JSON.stringify({ state: processState({ devicesOut: Array.from({ length: 300 }, () => 1) }) }),
    ];
    for (const body of bodies) {
      const stream = new RawStream();
      const nonce = randomness.bytes(16);
      stream.call.write({ ...proofs.request.request(nonce, clock.nowMs()), body: Buffer.alloc(0) });
      const nonces = Buffer.concat([nonce, await stream.nonce]);
      const frame = proofs.process.frame(nonces, 0, Buffer.from(body));
      stream.call.write({ nonce: Buffer.alloc(0), time_ms: '0', ...frame });
      assert.match(await stream.ended, /INVALID_ARGUMENT/, body);
      stream.close();
    }
  });
});

/** A stream of frames as the test makes them. */
class RawStream {
  readonly call: ClientDuplexStream<ProcessFrame, ControlFrame>;
  /** Of control. */
  readonly nonce: Promise<Buffer>;
  /** Why it ended; empty when it ended well. */
  readonly ended: Promise<string>;
  readonly #client: Client;

  constructor() {
    const { path, requestSerialize, responseDeserialize } = loadAttendMethod();
    this.#client = new Client(`${host}:${PORT}`, credentials.createInsecure());
    const call = this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    this.call = call;
    this.nonce = new Promise((resolve) => {
      call.once('data', (frame: ControlFrame) => {
        const word = readControlBody(frame.body);
        if (word.kind === 'word' && word.nonce !== undefined) resolve(word.nonce);
      });
    });
    this.ended = new Promise((resolve) => {
      call.on('end', () => resolve(''));
      call.on('error', (error: Error) => resolve(error.message));
      call.on('data', () => {});
    });
  }

  close(): void {
    this.call.cancel();
    this.#client.close();
  }
}

async function eventually(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 1000; tries += 1) {
    if (await holds()) return;
    await sleep(20);
  }
  assert.fail('it never came true');
}
