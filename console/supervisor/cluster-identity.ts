/** DIR/holdfast.json: what a data directory is, and what of it can never change (docs/formats/data-directory.md). */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { type ClusterConfig, devicesOf, zonesOf } from '#common/config/cluster-config.ts';
import { HoldfastError } from '#common/errors.ts';
import type { Randomness } from '#common/io/randomness.ts';
import type { DataPaths } from './data-paths.ts';
import { replacePrivateFile } from './private-file.ts';

export const DATA_FORMAT = 1;

export interface ClusterIdentity {
  readonly format: typeof DATA_FORMAT;
  /** 16 random bytes as 32 lower-case hexadecimal digits. */
  readonly clusterId: string;
  /** Milliseconds since 1970. */
  readonly createdMs: number;
  readonly devices: number;
  readonly zones: number;
  readonly devicePaths: readonly string[];
}

/** What a first start makes before the identity; anything else says that the folder is someone else's. */
const OWN_NAMES = new Set([
  'lock',
  'credentials',
  'ring',
  'devices',
  'run',
  'log',
  'holdfast.json.new',
  'lost+found',
]);

/** Undefined when the folder holds no cluster. Throws `format-invalid`. */
export function readIdentity(paths: DataPaths): ClusterIdentity | undefined {
  let text: string;
  try {
    text = readFileSync(paths.identity, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  return parseIdentity(text, paths.identity);
}

export function parseIdentity(text: string, name: string): ClusterIdentity {
  const wrong = (what: string) => new HoldfastError('format-invalid', `${name}: ${what}`);
  let value: Partial<Record<keyof ClusterIdentity, unknown>>;
  try {
    value = Object(JSON.parse(text));
  } catch (cause) {
    throw new HoldfastError('format-invalid', `${name} is not valid JSON`, { cause });
  }
  const { format, clusterId, createdMs, devices, zones, devicePaths } = value;
  if (!isCount(format)) throw wrong('it names no format');
  if (format > DATA_FORMAT)
    throw wrong(
      `the data has format ${format}, and this program knows formats up to ${DATA_FORMAT}: use a newer one`,
    );
  if (typeof clusterId !== 'string' || !/^[0-9a-f]{32}$/.test(clusterId))
    throw wrong('clusterId is not valid');
  if (!isCount(createdMs) || !isCount(devices) || !isCount(zones)) throw wrong('a number is missing');
  if (!Array.isArray(devicePaths) || !devicePaths.every((path) => typeof path === 'string'))
    throw wrong('devicePaths is not valid');
  return { format: DATA_FORMAT, clusterId, createdMs, devices, zones, devicePaths };
}

/** Throws `configuration-invalid` when the folder, if it is there, is in other use. Touches nothing. */
export function checkNotForeign(paths: DataPaths): void {
  if (!existsSync(paths.root)) return;
  const foreign = readdirSync(paths.root).filter((name) => !OWN_NAMES.has(name));
  if (foreign.length > 0) {
    const some = foreign.slice(0, 3).join(', ');
    throw refused(`${paths.root} holds no cluster, but other files (${some}): name an empty or a new folder`);
  }
}

/** The identity of a cluster that is about to be made. Throws `configuration-invalid` for impossible numbers. */
export function newIdentity(config: ClusterConfig, randomness: Randomness, nowMs: number): ClusterIdentity {
  const devices = devicesOf(config);
  const zones = zonesOf(config);
  if (zones > devices)
    throw refused(`zones is ${zones}: more than the ${devices} devices that could fill them`);
  return {
    format: DATA_FORMAT,
    clusterId: randomness.bytes(16).toString('hex'),
    createdMs: nowMs,
    devices,
    zones,
    devicePaths: config.devicePaths,
  };
}

export function writeIdentity(paths: DataPaths, identity: ClusterIdentity): void {
  replacePrivateFile(paths.identity, `${JSON.stringify(identity, undefined, 2)}\n`);
}

/** Throws `configuration-invalid` when a start asks for another number of devices or zones than the cluster was made with. */
export function checkUnchanged(identity: ClusterIdentity, config: ClusterConfig): void {
  for (const key of ['devices', 'zones'] as const) {
    const asked = config[key];
    if (asked === undefined || asked === identity[key]) continue;
    throw refused(
      `this cluster was made with ${identity[key]} ${key}, and ${key} is now ${asked}: ` +
        `leave it out, or add and remove devices with \`holdfast ring\``,
    );
  }
  const { devicePaths } = config;
  const moved = devicePaths.findIndex((path, device) => path !== identity.devicePaths[device]);
  if (moved >= 0)
    throw refused(
      `devicePaths puts device ${moved} in ${devicePaths[moved]}, but it is in ` +
        `${identity.devicePaths[moved] ?? 'the data directory'}`,
    );
}

function refused(what: string): HoldfastError {
  return new HoldfastError('configuration-invalid', what);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
