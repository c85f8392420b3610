import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { describe, test } from 'node:test';
import { MetricsRegistry } from '#common/metrics/registry.ts';
import { realClock } from '#common/io/real-clock.ts';
import { ada, bob, openTestBed, type TestBed } from '#proxy/s3/s3-test-bed.ts';
import { HttpMetrics } from './http-metrics.ts';
import type { FinishedRequest, RequestTrace, TrafficListener, TransferredBytes } from './request-trace.ts';
import { Traffic } from './traffic.ts';

class Witness implements TrafficListener {
  readonly finishedRequests: FinishedRequest[] = [];
  bytesIn = 0;
  bytesOut = 0;
  readonly #waiting: (() => void)[] = [];

  transferred(_trace: RequestTrace, { bytesIn, bytesOut }: TransferredBytes): void {
    this.bytesIn += bytesIn;
    this.bytesOut += bytesOut;
  }

  finished(request: FinishedRequest): void {
    this.finishedRequests.push(request);
    for (const check of this.#waiting) check();
  }

  async until(count: number): Promise<void> {
    if (this.finishedRequests.length >= count) return;
    await new Promise<void>((resolve) => {
      this.#waiting.push(() => {
        if (this.finishedRequests.length >= count) resolve();
      });
    });
  }
}

interface Watched {
  readonly bed: TestBed;
  readonly witness: Witness;
  readonly registry: MetricsRegistry;
  readonly traffic: Traffic;
}

async function watched(run: (watched: Watched) => Promise<void>): Promise<void> {
  const witness = new Witness();
  const registry = new MetricsRegistry();
  const traffic = new Traffic(realClock(), [new HttpMetrics(registry), witness]);
  await using bed = await openTestBed({ traffic });
  await run({ bed, witness, registry, traffic });
}

function sampleOf(text: string, series: string): number {
  const line = text.split('\n').find((each) => each.startsWith(`${series} `));
  return Number(line?.slice(series.length + 1));
}

describe('the traffic of a proxy', () => {
  test('is told by operation, status and account', () =>
    watched(async ({ bed, witness, registry, traffic }) => {
      await bed.send({ method: 'PUT', path: '/films' });
      await bed.send({ method: 'PUT', path: '/films/one', body: Buffer.alloc(1000) });
      await bed.send({ method: 'GET', path: '/films/one' });
      await bed.send({ method: 'GET', path: '/films/none' });
      await bed.send({ method: 'GET', path: '/films/one', as: bob });
      await bed.send({ method: 'GET', path: '/v1/AUTH_unknown/container', as: null });
      await witness.until(6);
      assert.equal(traffic.openRequests, 0);
      assert.deepEqual(
        witness.finishedRequests.map(({ trace, status }) => [trace.door, trace.operation, status]),
        [
          ['s3', 'createBucket', 200],
          ['s3', 'putObject', 200],
          ['s3', 'getObject', 200],
          ['s3', 'getObject', 404],
          ['s3', 'getObject', 403],
          ['swift', 'getContainer', 401],
        ],
      );
      const owners = witness.finishedRequests.map(({ trace }) => trace.account);
      assert.deepEqual(owners.slice(0, 5), Array(5).fill(ada.principal.account));
      const text = await registry.text();
      assert.equal(
        sampleOf(text, 'holdfast_http_requests_total{door="s3",operation="getObject",status="200"}'),
        1,
      );
      assert.equal(
        sampleOf(text, 'holdfast_http_request_duration_seconds_count{door="s3",operation="getObject"}'),
        3,
      );
    }));

  test('counts every byte of a connection once, heads too', () =>
    watched(async ({ bed, witness }) => {
      await bed.send({ method: 'PUT', path: '/films' });
      await bed.send({ method: 'PUT', path: '/films/one', body: Buffer.alloc(100_000) });
      await witness.until(2);
      const { bytesIn, bytesOut } = witness;
      assert.ok(bytesIn > 100_000 && bytesIn < 103_000, `${bytesIn} bytes came in`);
      await bed.send({ method: 'GET', path: '/films/one' });
      await witness.until(3);
      const sent = witness.bytesOut - bytesOut;
      assert.ok(sent > 100_000 && sent < 101_000, `${sent} bytes went out`);
      assert.ok(witness.bytesIn - bytesIn < 2000, 'the body that came in is not counted again');
    }));

  test('counts what a broken download has sent, and no more of the object', () =>
    watched(async ({ bed, witness, traffic }) => {
      const size = 64 * 2 ** 20;
      await bed.send({ method: 'PUT', path: '/films' });
      await bed.send({ method: 'PUT', path: '/films/long', body: Buffer.alloc(size) });
      await witness.until(2);
      const before = witness.bytesOut;
      let received = 0;
      const { path, headers } = bed.sign({ method: 'GET', path: '/films/long' });
      await new Promise<void>((resolve) => {
        const outgoing = httpRequest({ host: '127.0.0.1', port: bed.port, path, headers }, (incoming) => {
          incoming.on('error', () => {});
          incoming.on('close', resolve);
          incoming.on('data', (chunk: Buffer) => {
            received += chunk.length;
            if (received < 2 ** 20) return;
            traffic.countOpen();
            assert.ok(witness.bytesOut - before > 2 ** 19, 'a download is counted while it runs');
            outgoing.destroy();
          });
        });
        outgoing.end();
      });
      await witness.until(3);
      const sent = witness.bytesOut - before;
      assert.ok(sent >= received, `${sent} counted of ${received} received`);
      assert.ok(sent < size, `${sent} counted of ${size}`);
      assert.equal(witness.finishedRequests.at(-1)?.status, 200);
    }));
});
