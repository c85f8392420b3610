import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SERIES_MAX } from './metric.ts';
import { metricsToken, startMetricsServer } from './metrics-server.ts';
import { observeProcess } from './process-metrics.ts';
import { MetricsRegistry } from './registry.ts';

describe('metrics', () => {
  test('are shown in the text format of Prometheus', async () => {
    const registry = new MetricsRegistry();
    const requests = registry.counter({
      name: 'holdfast_requests_total',
      help: 'Requests\nby \\ kind.',
      labels: ['door', 'kind'],
    });
    requests.with('s3', 'a "quoted" \\ one\n').add();
    requests.with('s3', 'plain').add(2);
    registry.gauge({ name: 'holdfast_open', help: 'Open.' }).with().add(-1);
    registry.observed('gauge', { name: 'holdfast_seen', help: 'Seen.' }, async () => [
      [['device', '3'], Number.POSITIVE_INFINITY],
    ]);
    assert.equal(
      await registry.text(),
      [
        '# HELP holdfast_requests_total Requests\\nby \\\\ kind.',
        '# TYPE holdfast_requests_total counter',
        'holdfast_requests_total{door="s3",kind="a \\"quoted\\" \\\\ one\\n"} 1',
        'holdfast_requests_total{door="s3",kind="plain"} 2',
        '# HELP holdfast_open Open.',
        '# TYPE holdfast_open gauge',
        'holdfast_open -1',
        '# HELP holdfast_seen Seen.',
        '# TYPE holdfast_seen gauge',
        'holdfast_seen{device="3"} +Inf',
        '',
      ].join('\n'),
    );
  });

  test('a histogram counts each value in every bucket that it fits into', async () => {
    const registry = new MetricsRegistry();
    const spread = registry.histogram({ name: 'spread_seconds', help: 'Spread.', bounds: [1, 2] });
    for (const value of [0.5, 1, 1.5, 7]) spread.with().observe(value);
    const lines = (await registry.text()).split('\n').filter((line) => line.startsWith('spread'));
    assert.deepEqual(lines, [
      'spread_seconds_bucket{le="1"} 2',
      'spread_seconds_bucket{le="2"} 3',
      'spread_seconds_bucket{le="+Inf"} 4',
      'spread_seconds_sum 10',
      'spread_seconds_count 4',
    ]);
  });

  test('has only so many series: what comes later is counted together', async () => {
    const registry = new MetricsRegistry();
    const many = registry.counter({ name: 'many_total', help: 'Many.', labels: ['which'] });
    for (let at = 0; at < SERIES_MAX + 50; at += 1) many.with(`w${at}`).add();
    const lines = (await registry.text()).split('\n').filter((line) => line.startsWith('many_total'));
    assert.equal(lines.length, SERIES_MAX);
    assert.equal(lines.at(-1), 'many_total{which="other"} 51');
  });

  test('a name is counted once', () => {
    const registry = new MetricsRegistry();
    registry.counter({ name: 'once_total', help: 'Once.' });
    assert.throws(() => registry.gauge({ name: 'once_total', help: 'Twice.' }), RangeError);
    assert.throws(() => registry.gauge({ name: 'No name', help: 'None.' }), RangeError);
  });

  test('are served to whoever bears the token, and to nobody else', async () => {
    const registry = new MetricsRegistry();
    using _watch = observeProcess(registry);
    const token = metricsToken(Buffer.alloc(32, 1));
    const server = await startMetricsServer(registry, { host: '127.0.0.1', port: 0 }, token);
    try {
      const at = `http://127.0.0.1:${server.port}/metrics`;
      assert.equal((await fetch(at)).status, 401);
      const other = { authorization: `Bearer ${metricsToken(Buffer.alloc(32, 2))}` };
      assert.equal((await fetch(at, { headers: other })).status, 401);
      const headers = { authorization: `Bearer ${token}` };
      assert.equal((await fetch(`${at}/more`, { headers })).status, 404);
      assert.equal((await fetch(at, { headers, method: 'POST' })).status, 405);
      const answer = await fetch(at, { headers });
      assert.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
      const text = await answer.text();
      for (const name of [
        'process_cpu_seconds_total',
        'process_resident_memory_bytes',
        'nodejs_version_info',
      ])
        assert.match(text, new RegExp(`^${name}[ {]`, 'm'));
    } finally {
      await server.close();
    }
  });
});
