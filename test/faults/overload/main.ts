/** `node test/faults/overload/main.ts [--rates 300,3000] [--operation put|get] [--connections N] [--port P]`: docs/reliability.md, "Overload". */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Foreground, LAUNCHER } from '../../house/foreground.ts';
import { keysIn, s3, signedHead } from '../../house/s3-request.ts';
import { runOpenLoop } from './open-loop.ts';

const OBJECTS = 64;
const OBJECT_BYTES = 4096;

const { values } = parseArgs({
  options: {
    rates: { type: 'string', default: '300,3000' },
    operation: { type: 'string', default: 'put' },
    connections: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '5' },
    port: { type: 'string', default: '24200' },
  },
});
const port = Number(values.port);
const folder = mkdtempSync(join(tmpdir(), 'holdfast-overload-'));
const data = join(folder, 'data');
const config = join(folder, 'holdfast.yaml');
writeFileSync(
  config,
  `objects: {port: ${port}}\ncontrol: {port: ${port + 10}}\nmetrics: {portBase: ${port + 30}}\n` +
    `storage: {processes: 1, portBase: ${port + 20}}\n`,
);
const up = new Foreground(LAUNCHER, ['up', '--data', data, '--config', config]);
try {
  await up.prints(/^holdfast: ready$/m);
  const keys = keysIn(join(data, 'credentials', 'admin.env'));
  const body = 'x'.repeat(OBJECT_BYTES);
  await s3(keys, 'PUT', '/films');
  for (let object = 0; object < OBJECTS; object += 1) await s3(keys, 'PUT', `/films/${object}`, body);
  const requests = Array.from({ length: OBJECTS }, (_, object) =>
    values.operation === 'get'
      ? signedHead(keys, 'GET', `/films/${object}`)
      : signedHead(keys, 'PUT', `/films/${object}`, { 'Content-Length': OBJECT_BYTES }) + body,
  );
  for (const rate of values.rates.split(',').map(Number)) {
    const { offered, accepted, refused, failed, unsent } = await runOpenLoop({
      port,
      requests,
      ratePerS: rate,
      durationMs: Number(values.seconds) * 1000,
      connections: Number(values.connections),
    });
    const of = (times: readonly number[], share: number): string =>
      (times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0).toFixed(0);
    console.log(
      `${rate}/s: ${offered} offered, ${accepted.length} accepted (p50 ${of(accepted, 0.5)}, p99 ${of(accepted, 0.99)} ms), ` +
        `${refused.length} refused (p50 ${of(refused, 0.5)}, p99 ${of(refused, 0.99)} ms), ${unsent} unsent, ${failed} failed`,
    );
  }
} finally {
  await up[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
}
