/**
 * What a listing of 10,000 names costs the servers, over HTTP: `node test/scale/http-listings.ts --pids-from DATA/run [--objects 10000]
 * [--rounds 20]`, with the variables of a cluster's admin.env. By ListObjectsV2 in pages of 1,000, and by Swift's listings as
 * plain text and as JSON; the first of each reads what no listing has read before. CPU is of the servers' processes alone.
 */
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import { type CpuByServer, serverCpuSeconds } from '#bench/load/server-cpu.ts';
import { inFlight } from './measure.ts';

const aws4 = createRequire(import.meta.url)('aws4') as {
  sign(request: object, keys: object): { readonly path: string; readonly headers: Record<string, string> };
};

const OUTSTANDING = 32;
const PAGE_NAMES = 1000;

const { values } = parseArgs({
  options: {
    'pids-from': { type: 'string' },
    objects: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '20' },
  },
});
const nameOf = (number: number): string => `photos/2026/${String(number).padStart(8, '0')}.jpg`;
const objects = Number(values.objects);
const rounds = Number(values.rounds);

function variable(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: read the cluster's admin.env`);
  return value;
}

async function ok(response: Response): Promise<string> {
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status}: ${text}`);
  return text;
}

async function signIn(): Promise<{ readonly storage: string; readonly headers: Record<string, string> }> {
  const headers = { 'X-Auth-User': variable('ST_USER'), 'X-Auth-Key': variable('ST_KEY') };
  const response = await fetch(variable('ST_AUTH'), { headers });
  await ok(response);
  const answered = (name: string): string => response.headers.get(name) ?? '';
  return { storage: answered('X-Storage-Url'), headers: { 'X-Auth-Token': answered('X-Auth-Token') } };
}

async function listByS3(bucket: string): Promise<number> {
  const { host } = new URL(variable('AWS_ENDPOINT_URL'));
  const keys = {
    accessKeyId: variable('AWS_ACCESS_KEY_ID'),
    secretAccessKey: variable('AWS_SECRET_ACCESS_KEY'),
  };
  let listed = 0;
  for (let token = ''; ; ) {
    const after = token === '' ? '' : `&continuation-token=${encodeURIComponent(token)}`;
    const path = `/${bucket}?list-type=2&max-keys=${PAGE_NAMES}${after}`;
    const signed = aws4.sign({ service: 's3', region: variable('AWS_DEFAULT_REGION'), host, path }, keys);
    const text = await ok(await fetch(`http://${host}${signed.path}`, { headers: signed.headers }));
    listed += text.split('<Contents>').length - 1;
    token = /<NextContinuationToken>([^<]*)</.exec(text)?.[1] ?? '';
    if (token === '') return listed;
  }
}

function serversNow(): CpuByServer {
  const seconds = serverCpuSeconds({ pids: [], runDirectory: values['pids-from'] });
  if (seconds === undefined) throw new Error('--pids-from names no folder of pid files');
  return seconds;
}

function difference(before: CpuByServer, after: CpuByServer): number {
  let seconds = 0;
  for (const [name, spent] of Object.entries(after)) seconds += spent - (before[name] ?? 0);
  return seconds * 1000;
}

async function measure(what: string, times: number, list: () => Promise<number>): Promise<void> {
  const before = serversNow();
  const startedMs = performance.now();
  for (let time = 0; time < times; time += 1) {
    const listed = await list();
    if (listed !== objects) throw new Error(`${what}: ${listed} names`);
  }
  const elapsedMs = (performance.now() - startedMs) / times;
  const cpuMs = difference(before, serversNow()) / times;
  process.stdout.write(
    `${what.padEnd(32)} server CPU ${cpuMs.toFixed(1)} ms, elapsed ${elapsedMs.toFixed(1)} ms\n`,
  );
}

const { storage, headers } = await signIn();
const container = `listed-${process.pid}`;
const box = `${storage}/${container}`;
const listBySwift = async (format: 'plain' | 'json'): Promise<number> => {
  const text = await ok(await fetch(`${box}?format=${format}&limit=${objects}`, { headers }));
  return format === 'json' ? (JSON.parse(text) as unknown[]).length : text.split('\n').length - 1;
};
await ok(await fetch(box, { method: 'PUT', headers }));
try {
  await inFlight(objects, OUTSTANDING, async (number) => {
    await ok(await fetch(`${box}/${nameOf(number)}`, { method: 'PUT', headers, body: 'x' }));
  });
  await measure('ListObjectsV2, the first', 1, () => listByS3(container));
  await measure('ListObjectsV2', rounds, () => listByS3(container));
  await measure('Swift, plain', rounds, () => listBySwift('plain'));
  await measure('Swift, JSON', rounds, () => listBySwift('json'));
} finally {
  await inFlight(objects, OUTSTANDING, async (number) => {
    await (await fetch(`${box}/${nameOf(number)}`, { method: 'DELETE', headers })).text();
  });
  await (await fetch(box, { method: 'DELETE', headers })).text();
}
