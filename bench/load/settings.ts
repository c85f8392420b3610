/** The settings of a run, out of the command line and the environment. */
import { randomBytes } from 'node:crypto';
import { BLOCK_BYTES } from './content.ts';
import { WORKERS_MAX } from './load-worker.ts';
import { type Operation, operations } from './phase.ts';
import { bytes, count, duration, given, list, parseOptions, share, wrong } from './option-values.ts';
import type { Protocol } from './request-factory.ts';
import type { Credentials } from './signature.ts';

const CONCURRENCY_MAX = 4096;
const REPEAT_MAX = 1000;
const OBJECTS_MAX = 10_000_000;
const RATE_MAX = 1_000_000;
/** S3's own bound. */
const PARTS_MAX = 10_000;

export interface LoadSettings {
  readonly endpoint: string;
  readonly protocol: Protocol;
  readonly anonymous: boolean;
  readonly region: string;
  /** Undefined for one of our own. */
  readonly bucket: string | undefined;
  readonly operations: readonly Operation[];
  readonly sizesBytes: readonly number[];
  readonly concurrencies: readonly number[];
  readonly durationMs: number;
  readonly warmupMs: number;
  readonly operationsMax: number | undefined;
  readonly objects: number | undefined;
  readonly repeat: number;
  readonly ratePerS: number | undefined;
  readonly rangeBytes: number | undefined;
  readonly multipartBytes: number | undefined;
  readonly signedPayload: boolean;
  readonly checkReads: number | undefined;
  readonly checkEtags: number | undefined;
  readonly timeoutMs: number;
  readonly processes: number;
  readonly seed: string;
  readonly jsonFile: string | undefined;
  readonly pids: readonly number[];
  readonly runDirectory: string | undefined;
}

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;
const OPTIONS = {
  endpoint: text,
  protocol: text,
  anonymous: flag,
  region: text,
  bucket: text,
  operations: text,
  size: text,
  concurrency: text,
  duration: text,
  warmup: text,
  'max-operations': text,
  objects: text,
  repeat: text,
  rate: text,
  range: text,
  multipart: text,
  'signed-payload': flag,
  'check-reads': text,
  'check-etags': text,
  timeout: text,
  processes: text,
  seed: text,
  json: text,
  pid: text,
  'pids-from': text,
  help: { type: 'boolean', short: 'h' },
} as const;

type Environment = Readonly<Record<string, string | undefined>>;

function endpointUrl(value: string | undefined): string {
  if (value === undefined || value === '')
    throw wrong('no endpoint: give --endpoint, or set AWS_ENDPOINT_URL');
  const url = URL.parse(value);
  if (url === null || !/^https?:$/.test(url.protocol) || url.search !== '' || url.username !== '')
    throw wrong(`not an endpoint: ${value} (such as http://127.0.0.1:8080)`);
  return url.href.replace(/\/+$/, '');
}

function protocolOf(value: string): Protocol {
  if (value !== 's3' && value !== 'http') throw wrong(`--protocol takes s3 or http, not ${value}`);
  return value;
}

function operationsOf(value: string | undefined, protocol: Protocol): Operation[] {
  const available = operations.filter((operation) => protocol === 's3' || operation !== 'list');
  if (value === undefined) return available;
  return list('operations', value, (item) => {
    const operation = available.find((one) => one === item);
    if (operation === undefined)
      throw wrong(`--operations takes ${available.join(', ')} with protocol ${protocol}, not ${item}`);
    return operation;
  });
}

function bucketOf(value: string): string {
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(value)) throw wrong(`not a bucket name: ${value}`);
  return value;
}

function multipartOf(value: string, sizesBytes: readonly number[]): number {
  const part = bytes('multipart', value);
  if (part % BLOCK_BYTES !== 0) throw wrong(`--multipart takes a multiple of 64 KiB, not ${value}`);
  if (Math.max(...sizesBytes) > part * PARTS_MAX)
    throw wrong(`--multipart ${value} makes more than ${PARTS_MAX} parts`);
  return part;
}

/** 'help' when that was asked for. Throws `invalid-argument` with one clear line. */
export function readSettings(args: readonly string[], environment: Environment): LoadSettings | 'help' {
  const values = parseOptions(args, OPTIONS);
  if (values.help === true) return 'help';
  const protocol = protocolOf(values.protocol ?? 's3');
  const sizesBytes = list('size', values.size ?? '4k', (item) => bytes('size', item));
  const settings: LoadSettings = {
    endpoint: endpointUrl(
      values.endpoint ?? environment['AWS_ENDPOINT_URL_S3'] ?? environment['AWS_ENDPOINT_URL'],
    ),
    protocol,
    anonymous: values.anonymous === true || protocol === 'http',
    region: values.region ?? environment['AWS_REGION'] ?? environment['AWS_DEFAULT_REGION'] ?? 'us-east-1',
    bucket: given(values.bucket, bucketOf),
    operations: operationsOf(values.operations, protocol),
    sizesBytes,
    concurrencies: list('concurrency', values.concurrency ?? '8', (item) =>
      count('concurrency', item, 1, CONCURRENCY_MAX),
    ),
    durationMs: duration('duration', values.duration ?? '10s', 10),
    warmupMs: duration('warmup', values.warmup ?? '1s', 0),
    operationsMax: given(values['max-operations'], (value) => count('max-operations', value, 1, OBJECTS_MAX)),
    objects: given(values.objects, (value) => count('objects', value, 1, OBJECTS_MAX)),
    repeat: count('repeat', values.repeat ?? '1', 1, REPEAT_MAX),
    ratePerS: given(values.rate, (value) => count('rate', value, 1, RATE_MAX)),
    rangeBytes: given(values.range, (value) => bytes('range', value)),
    multipartBytes: given(values.multipart, (value) => multipartOf(value, sizesBytes)),
    signedPayload: values['signed-payload'] === true,
    checkReads: given(values['check-reads'], (value) => share('check-reads', value)),
    checkEtags: given(values['check-etags'], (value) => share('check-etags', value)),
    timeoutMs: duration('timeout', values.timeout ?? '60s', 100),
    processes: count('processes', values.processes ?? '1', 1, WORKERS_MAX),
    seed: values.seed ?? randomBytes(6).toString('hex'),
    jsonFile: values.json,
    pids: list('pid', values.pid ?? '0', (item) => count('pid', item, 0, 2 ** 22)).filter((pid) => pid > 0),
    runDirectory: values['pids-from'],
  };
  if (protocol === 'http' && settings.multipartBytes !== undefined)
    throw wrong('--multipart needs protocol s3');
  return settings;
}

/** Undefined when requests are not to be signed. Throws `invalid-argument` when they are and there are none. */
export function readCredentials(settings: LoadSettings, environment: Environment): Credentials | undefined {
  if (settings.anonymous) return undefined;
  const accessKeyId = environment['AWS_ACCESS_KEY_ID'];
  const secretAccessKey = environment['AWS_SECRET_ACCESS_KEY'];
  if (!accessKeyId || !secretAccessKey)
    throw wrong('no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give --anonymous');
  return { accessKeyId, secretAccessKey, sessionToken: environment['AWS_SESSION_TOKEN'] || undefined };
}
