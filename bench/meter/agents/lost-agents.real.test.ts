/** Agents that go away without a word, or with one, while something is measured; and those that were never welcome. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { PlantedStore } from '../../load/planted-store.ts';
import { conforms, meter, MeterFolder, PLANTED_ENV } from '../meter-harness.ts';
import { startAgent } from './agent.ts';
import { connectAgent } from './remote-worker.ts';
import type { ScriptDocument } from './script-document.ts';

const NOBODY = { figures: () => undefined, written: () => undefined };

/** Stands between two sides, and swallows what each says to the other from a moment on: as if a cable was drawn. */
class Cable implements AsyncDisposable {
  isDrawn = false;
  readonly #sockets = new Set<Socket>();
  readonly #server;

  private constructor(port: number) {
    this.#server = createServer((near) => {
      const far = connect(port, '127.0.0.1');
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(from);
        from.on('data', (chunk) => {
          if (!this.isDrawn) to.write(chunk);
        });
        from.on('error', () => undefined);
        from.on('close', () => {
          if (!this.isDrawn) to.destroy();
        });
      }
    });
  }

  static async to(port: number): Promise<Cable> {
    const cable = new Cable(port);
    cable.#server.listen(0, '127.0.0.1');
    await once(cable.#server, 'listening');
    return cable;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** However it is closed. */
function closed(socket: Socket): Promise<unknown> {
  return new Promise((resolve) => socket.once('close', resolve));
}

/** A script with two agents, the second of which is about to be lost. */
async function runScript(step: string, ports: readonly number[], endpoint: string) {
  using scripts = new MeterFolder();
  const path = join(scripts.path, 'script.yaml');
  const agents = ports.map((port) => `'127.0.0.1:${port}'`).join(', ');
  writeFileSync(
    path,
    `agents: [${agents}]\ntarget: s3://\noptions: { endpoint: '${endpoint}' }\nsteps: [${step}]\n`,
  );
  return await meter<ScriptDocument>(`run ${path}`, { env: PLANTED_ENV });
}

describe('an agent', () => {
  test('of which nothing is heard any more is lost, on both sides, and the others go on', async () => {
    await using store = await PlantedStore.start();
    const gone = Promise.withResolvers<void>();
    await using first = await startAgent('127.0.0.1', 0, '', () => undefined);
    await using second = await startAgent('127.0.0.1', 0, '', (text) => {
      if (text.includes('has gone')) gone.resolve();
    });
    await using cable = await Cable.to(second.port);
    store.faults = ({ method, name, count }) => {
      if (method === 'GET' && name !== '' && count > 10) cable.isDrawn = true;
      return undefined;
    };
    const step =
      '{ streams: 2, codec: custom, frame-bytes: 20000, clip-length: 1s, warmup: 0ms, stagger: 0ms, request-frames: 1, duration: 2s }';
    const { exitCode, document } = await runScript(step, [first.port, cable.port], store.endpoint);
    const result = document();
    conforms(result);
    assert.equal(exitCode, 1);
    assert.equal(result.valid, false);
    assert.ok(result.invalidReasons.includes('worker-lost'));
    const [measured] = result.steps;
    assert.ok(measured?.result !== null && measured?.result !== undefined && 'rows' in measured.result);
    const lost = measured.result.runs[0]?.lostWorkers[`agent 127.0.0.1:${cable.port}`];
    assert.match(lost ?? '', /nothing was heard of it/);
    assert.equal(measured.result.framesTotal, 50);
    // Nor does the agent go on for a controller that is no more.
    await gone.promise;
  });

  test('that is lost during operations leaves the others their results', async () => {
    await using store = await PlantedStore.start();
    await using first = await startAgent('127.0.0.1', 0, '', () => undefined);
    const second = await startAgent('127.0.0.1', 0, '', () => undefined);
    let isEnding = false;
    store.faults = ({ method, name, count }) => {
      if (method === 'GET' && name !== '' && count > 20 && !isEnding) {
        isEnding = true;
        void second[Symbol.asyncDispose]();
      }
      return undefined;
    };
    const step = '{ mode: ops, mix: get, objects: 10, size: 1k, warmup: 0ms, duration: 2s, rate: 100 }';
    const { exitCode, document } = await runScript(step, [first.port, second.port], store.endpoint);
    const result = document();
    conforms(result);
    assert.equal(exitCode, 1);
    assert.equal(result.valid, false);
    assert.ok(result.invalidReasons.includes('worker-lost'));
    const [measured] = result.steps;
    assert.ok(measured?.result !== null && measured?.result !== undefined && 'runs' in measured.result);
    const [run] = measured.result.runs;
    assert.ok(run !== undefined && 'operations' in run);
    assert.deepEqual(Object.keys(run.lostWorkers), [`agent 127.0.0.1:${second.port}`]);
    assert.ok((run.operations[0]?.operations ?? 0) > 0);
    assert.match(measured.result.stopped ?? '', /was lost/);
  });

  test('takes no long line from those who have shown nothing, and does not wait for them to close', async () => {
    const refused: string[] = [];
    await using agent = await startAgent('127.0.0.1', 0, 'a token', (text) => refused.push(text));
    const talkative = connect(agent.port, '127.0.0.1');
    talkative.on('error', () => undefined).resume();
    talkative.write('x'.repeat(1_000_000));
    await closed(talkative);
    const staying = connect({ port: agent.port, host: '127.0.0.1', allowHalfOpen: true });
    staying.on('error', () => undefined).resume();
    staying.write('{"protocol":1}\n');
    await once(staying, 'end');
    // Ours is open still: whoever writes into what the other side has given up is told so.
    const writing = setInterval(() => staying.write('x'), 100);
    await closed(staying);
    clearInterval(writing);
    assert.match(refused.join(), /is refused: this agent speaks protocol/);
  });

  test('beyond this machine is not believed without a token', async () => {
    await assert.rejects(connectAgent('192.0.2.1:7411', 'short', NOBODY), /16 characters/);
  });
});
