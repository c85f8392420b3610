/** A target out of the command line and the usual environment of its protocol. */
import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bytes, count, duration, wrong } from '../../load/option-values.ts';
import { parseIscsiUrl } from '../iscsi/iscsi-target.ts';
import type { DirectMode, SyncMode, TargetSpec } from './target.ts';

const CONNECTIONS_MAX = 4096;
const NAME_PREFIX = 'holdfast-meter-';

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;

export const TARGET_OPTIONS = {
  target: text,
  endpoint: text,
  region: text,
  anonymous: flag,
  overwrite: flag,
  name: text,
  seed: text,
  sync: text,
  direct: text,
  'io-size': text,
  timeout: text,
  connections: text,
  'write-at': text,
  priority: text,
} as const;

export const TARGET_USAGE = `  --target URL            file:FOLDER (or just a folder's path), s3://BUCKET or s3://, swift://CONTAINER or swift://,
                          iscsi://HOST:PORT/TARGET/LUN with --overwrite: what the unit holds is lost
                          http(s)://SERVER/FILE or http(s)://SERVER/FOLDER/ (read only)
                          s3: AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION
                          swift: ST_AUTH, ST_USER, ST_KEY; iscsi: ISCSI_CHAP_USER, ISCSI_CHAP_SECRET
  --endpoint URL          of s3: in place of AWS_ENDPOINT_URL; of swift: the storage URL in place of the one that is told
  --region NAME           of s3; default AWS_REGION, or us-east-1
  --anonymous             of s3: do not sign
  --name NAME             what is written is named so, and nothing else is there (but for --reuse); default drawn
  --seed TEXT             of contents and choices; default the name
  --sync none|end|each    of files: fsync never, when a file is whole, after each write; default end
  --direct auto|on|off    of files: O_DIRECT where it works, or not at all, or never; default auto
  --io-size BYTES         of files: most bytes of one read or write; default 4m
  --timeout TIME          without any progress, after which a request has failed; default 30s
  --connections N         of one process: most at once; default 1024
  --write-at URL          of http(s)://SERVER/FOLDER/: the same folder as another target, at which the clips are written
  --priority normal|high  high: the processes that measure come before others on this machine, where the system lets them
                          (CAP_SYS_NICE); for a storage that shares its processors; default normal
`;

export interface TargetValues {
  readonly target?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
  readonly anonymous?: boolean | undefined;
  readonly overwrite?: boolean | undefined;
  readonly name?: string | undefined;
  readonly seed?: string | undefined;
  readonly sync?: string | undefined;
  readonly direct?: string | undefined;
  readonly 'io-size'?: string | undefined;
  readonly timeout?: string | undefined;
  readonly connections?: string | undefined;
  readonly 'write-at'?: string | undefined;
  readonly priority?: string | undefined;
  /** An option of those who have clips. */
  readonly reuse?: boolean | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

type Where = Pick<
  TargetSpec,
  | 'scheme'
  | 'url'
  | 'place'
  | 'bucket'
  | 'ownBucket'
  | 'prefix'
  | 'region'
  | 'user'
  | 'secret'
  | 'sessionToken'
>;

const NOBODY = { region: '', user: '', secret: '', sessionToken: '' } as const;

function oneOf<Value extends string>(option: string, value: string, allowed: readonly Value[]): Value {
  const found = allowed.find((one) => one === value);
  if (found === undefined) throw wrong(`--${option} takes ${allowed.join(', ')}, not ${value}`);
  return found;
}

function serverUrl(value: string | undefined, whatFor: string): string {
  if (value === undefined || value === '') throw wrong(whatFor);
  const url = URL.parse(value);
  if (url === null || !/^https?:$/.test(url.protocol) || url.search !== '' || url.username !== '')
    throw wrong(`not a server: ${value} (such as http://127.0.0.1:8080)`);
  return url.href.replace(/\/+$/, '');
}

/** `BUCKET`, `BUCKET/PREFIX` or nothing, behind the scheme. */
function bucketOf(rest: string, name: string): Pick<Where, 'bucket' | 'ownBucket' | 'prefix'> {
  const [bucket = '', ...path] = rest.replace(/\/+$/, '').split('/');
  if (bucket === '') return { bucket: name, ownBucket: true, prefix: '' };
  if (!/^[\w.-]{1,255}$/.test(bucket)) throw wrong(`not a bucket or container: ${bucket}`);
  const prefix = [...path, name].join('/');
  return { bucket, ownBucket: false, prefix: `${prefix}/` };
}

function s3Where(rest: string, name: string, values: TargetValues, env: Environment): Where {
  const endpoint = values.endpoint ?? env['AWS_ENDPOINT_URL_S3'] ?? env['AWS_ENDPOINT_URL'];
  const place = serverUrl(endpoint, 'no endpoint: give --endpoint, or set AWS_ENDPOINT_URL');
  const user = env['AWS_ACCESS_KEY_ID'] ?? '';
  const secret = env['AWS_SECRET_ACCESS_KEY'] ?? '';
  const anonymous = values.anonymous === true;
  if (!anonymous && (user === '' || secret === ''))
    throw wrong('no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give --anonymous');
  const where = bucketOf(rest, name);
  return {
    scheme: 's3',
    url: `s3://${where.bucket} at ${place}`,
    place,
    ...where,
    region: values.region ?? env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION'] ?? 'us-east-1',
    user: anonymous ? '' : user,
    secret,
    sessionToken: env['AWS_SESSION_TOKEN'] ?? '',
  };
}

function swiftWhere(rest: string, name: string, values: TargetValues, env: Environment): Where {
  const place = serverUrl(env['ST_AUTH'], 'no server to log in at: set ST_AUTH, ST_USER and ST_KEY');
  const user = env['ST_USER'] ?? '';
  const secret = env['ST_KEY'] ?? '';
  if (user === '' || secret === '') throw wrong('no credentials: set ST_USER and ST_KEY');
  const where = bucketOf(rest, name);
  const url = `swift://${where.bucket} at ${place}`;
  const region = values.endpoint === undefined ? '' : serverUrl(values.endpoint, '');
  return { scheme: 'swift', url, place, ...where, region, user, secret, sessionToken: '' };
}

function httpWhere(target: string, given: string | undefined, written: boolean, drawn: string): Where {
  const name = given ?? (written ? drawn : undefined);
  const place = serverUrl(target, `not a URL: ${target}`);
  const folder = target.endsWith('/');
  if (written && !folder)
    throw wrong('--write-at belongs to a folder of a web server: a URL that ends with /');
  if (folder && name === undefined)
    throw wrong('a folder of a web server needs --write-at, or --name: that of the run that wrote it');
  const prefix = folder ? `${name}/` : '';
  return { scheme: 'http', url: target, place, bucket: '', ownBucket: false, prefix, ...NOBODY };
}

function iscsiWhere(target: string, name: string, values: TargetValues, env: Environment): Where {
  if (parseIscsiUrl(target) === undefined)
    throw wrong(`not a logical unit: ${target} (such as iscsi://host/iqn.2026-01.org:disk/1)`);
  if (values.overwrite !== true)
    throw wrong('what the logical unit holds would be lost: give --overwrite if it may be');
  const user = env['ISCSI_CHAP_USER'] ?? '';
  const secret = env['ISCSI_CHAP_SECRET'] ?? '';
  const prefix = `${name}/`;
  return {
    ...NOBODY,
    scheme: 'iscsi',
    url: target,
    place: target,
    bucket: '',
    ownBucket: true,
    prefix,
    user,
    secret,
  };
}

function fileWhere(target: string, name: string): Where {
  const path = target.startsWith('file://') ? fileURLToPath(target) : target.replace(/^file:/, '');
  if (path === '') throw wrong('file: needs a folder behind it');
  const place = resolve(path);
  return {
    scheme: 'file',
    url: `file:${place}`,
    place,
    bucket: '',
    ownBucket: true,
    prefix: `${name}/`,
    ...NOBODY,
  };
}

function whereOf(target: string, name: string, values: TargetValues, env: Environment): Where {
  const [, scheme = '', rest = ''] = /^([a-z0-9]+):\/\/(.*)$/.exec(target) ?? [];
  if (scheme === 's3') return s3Where(rest, name, values, env);
  if (scheme === 'swift') return swiftWhere(rest, name, values, env);
  if (scheme === 'iscsi') return iscsiWhere(target, name, values, env);
  if (scheme === 'http' || scheme === 'https')
    return httpWhere(target, values.name, values['write-at'] !== undefined, name);
  if (scheme === 'file' || target.startsWith('file:') || /^[./~]/.test(target))
    return fileWhere(target, name);
  throw wrong(
    `no such kind of target: ${target} (there are file:, s3://, swift://, iscsi://, http:// and https://)`,
  );
}

/** Throws `invalid-argument` with one clear line. */
export function targetSpecOf(values: TargetValues, env: Environment): TargetSpec {
  if (values.target === undefined || values.target === '') throw wrong('no target: give --target URL');
  if (values.name !== undefined && !/^[a-z0-9][a-z0-9.-]{2,62}$/.test(values.name))
    throw wrong(`--name takes 3 to 63 small letters, digits, points and hyphens, not ${values.name}`);
  const name = values.name ?? `${NAME_PREFIX}${Date.now().toString(36)}-${randomBytes(3).toString('hex')}`;
  const where = whereOf(values.target, name, values, env);
  const rest: Omit<TargetSpec, keyof Where> = {
    drawn: values.name === undefined,
    reuse: values.reuse === true,
    seed: values.seed ?? name,
    sync: oneOf<SyncMode>('sync', values.sync ?? 'end', ['none', 'end', 'each']),
    direct: oneOf<DirectMode>('direct', values.direct ?? 'auto', ['auto', 'on', 'off']),
    ioBytes: bytes('io-size', values['io-size'] ?? '4m'),
    timeoutMs: duration('timeout', values.timeout ?? '30s', 100),
    connections: count('connections', values.connections ?? '1024', 1, CONNECTIONS_MAX),
    priority: oneOf<TargetSpec['priority']>('priority', values.priority ?? 'normal', ['normal', 'high']),
  };
  const at = values['write-at'];
  if (at === undefined) return { ...where, ...rest };
  if (where.scheme !== 'http')
    throw wrong('--write-at belongs to a folder of a web server, which is only read');
  const writer = whereOf(at, name, values, env);
  if (writer.scheme === 'http' || writer.scheme === 'iscsi') throw wrong(`--write-at takes no ${at}`);
  return { ...where, ...rest, writer: { ...writer, ...rest } };
}

/** What may be shown of it. */
export function publicSpec(spec: TargetSpec): Record<string, unknown> {
  const { secret: _secret, sessionToken: _token, user: _user, writer, ...shown } = spec;
  return writer === undefined ? shown : { ...shown, writer: publicSpec(writer) };
}
