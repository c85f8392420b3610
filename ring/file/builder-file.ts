/** The builder's state to and from its file: docs/formats/ring.md. */
import { crc32c } from '@node-rs/crc32';
import { errorText, HoldfastError } from '#common/errors.ts';
import type { DeviceId } from '#common/ids.ts';
import { type BuilderState, checkSettings, RingBuilder } from '../builder.ts';
import { DEVICE_ID_MAX, NO_DEVICE, PARTITION_POWER_MAX, REPLICAS_MAX, VERSION_MAX } from '../limits.ts';
import type { RingDevice } from '../ring.ts';
import { checkRingDevice, checkRingTable } from '../ring-table.ts';
import { type PendingDrop, type PlannedMove, standingTable } from '../moves.ts';
import { BUILDER_FORMAT, BUILDER_FORMAT_VERSION, BUILDER_FORMAT_VERSION_MIN } from './ring-format.ts';

type Json = Readonly<Record<string, unknown>>;

export function encodeBuilder(builder: RingBuilder): Buffer {
  const { rows, epochs, movedSeconds, moves, drops, ...plain } = builder.state;
  const body = {
    ...plain,
    rows: rows.map((row) => littleEndian(row, 2)),
    epochs: littleEndian(epochs, 4),
    movedSeconds: littleEndian(movedSeconds, 4),
    moves: littleEndian(
      Uint32Array.from(
        moves.flatMap(({ partition, row, device, begun }) => [partition, row, device, begun ? 1 : 0]),
      ),
      4,
    ),
    drops: littleEndian(Uint32Array.from(drops.flatMap(({ partition, device }) => [partition, device])), 4),
  };
  const file = {
    format: BUILDER_FORMAT,
    formatVersion: BUILDER_FORMAT_VERSION,
    checksum: checksumOf(body),
    body,
  };
  return Buffer.from(`${JSON.stringify(file, undefined, 1)}\n`);
}

/** Throws `format-invalid` with what is wrong. */
export function readBuilder(bytes: Uint8Array): RingBuilder {
  const file = parse(bytes);
  if (file.format !== BUILDER_FORMAT) throw invalid('it does not say that it is one');
  const format = Number(file.formatVersion);
  if (!(format >= BUILDER_FORMAT_VERSION_MIN && format <= BUILDER_FORMAT_VERSION))
    throw invalid(
      `it has format ${String(file.formatVersion)}, and this program knows ${BUILDER_FORMAT_VERSION_MIN} to ${BUILDER_FORMAT_VERSION}`,
    );
  const body = object(file.body, 'body');
  if (file.checksum !== checksumOf(body)) throw invalid('its checksum is wrong');
  const partitionPower = whole(body, 'partitionPower', PARTITION_POWER_MAX);
  const partitions = 2 ** partitionPower;
  const devices = array(body, 'devices').map((device) => readDevice(object(device, 'device')));
  const state: BuilderState = {
    partitionPower,
    version: whole(body, 'version', VERSION_MAX),
    nextDeviceId: whole(body, 'nextDeviceId', NO_DEVICE),
    replicas: number(body, 'replicas'),
    overload: number(body, 'overload'),
    minMoveHours: number(body, 'minMoveHours'),
    staged: body.staged === true,
    devices,
    rows: array(body, 'rows').map((row) => Uint16Array.from(integers(row, 2, 'rows'))),
    epochs: Uint32Array.from(integers(body.epochs, 4, 'epochs')),
    movedSeconds: Uint32Array.from(integers(body.movedSeconds, 4, 'movedSeconds')),
    ...(format === BUILDER_FORMAT_VERSION_MIN
      ? { balanced: devices, leaving: [], moves: [], drops: [] }
      : readChanges(body)),
  };
  checkState(state, partitions);
  // The ring that stands must be one: a move that refers to nothing is found here.
  if (format > BUILDER_FORMAT_VERSION_MIN && state.version > 0) checkRingTable(standingTable(state));
  return new RingBuilder(state);
}

/** What format 2 has in addition. */
function readChanges(body: Json): Pick<BuilderState, 'balanced' | 'leaving' | 'moves' | 'drops'> {
  const devicesOf = (name: string): RingDevice[] =>
    array(body, name).map((device) => readDevice(object(device, 'device')));
  const moves: PlannedMove[] = [];
  const drops: PendingDrop[] = [];
  for (const [partition = 0, row = 0, device = 0, begun = 0] of groups(body.moves, 4, 'moves'))
    moves.push({ partition, row, device: device as DeviceId, begun: begun === 1 });
  for (const [partition = 0, device = 0] of groups(body.drops, 2, 'drops'))
    drops.push({ partition, device: device as DeviceId });
  return { balanced: devicesOf('balanced'), leaving: devicesOf('leaving'), moves, drops };
}

function groups(value: unknown, size: number, name: string): number[][] {
  const numbers = integers(value, 4, name);
  if (numbers.length % size !== 0) throw invalid(`${name} is short`);
  return Array.from({ length: numbers.length / size }, (_, i) => numbers.slice(i * size, (i + 1) * size));
}

function checkState(state: BuilderState, partitions: number): void {
  try {
    checkSettings(state);
    for (const device of [...state.devices, ...state.balanced, ...state.leaving]) checkRingDevice(device);
  } catch (error) {
    throw new HoldfastError('format-invalid', `not a ring builder: ${errorText(error)}`, {
      cause: error,
    });
  }
  if (state.epochs.length !== partitions || state.movedSeconds.length !== partitions)
    throw invalid('its tables are short');
  if (state.rows.length > REPLICAS_MAX) throw invalid(`${state.rows.length} replicas`);
  for (const [i, row] of state.rows.entries()) {
    const full = i < state.rows.length - 1;
    if (full ? row.length !== partitions : row.length < 1 || row.length > partitions)
      throw invalid('its tables are short');
    for (const id of row)
      if (id !== NO_DEVICE && id >= state.nextDeviceId) throw invalid(`device ${id} never was`);
  }
  for (const [i, { id }] of state.devices.entries()) {
    if (id <= (state.devices[i - 1]?.id ?? -1)) throw invalid(`device ${id} is out of order`);
    if (id >= state.nextDeviceId) throw invalid(`device ${id} never was`);
  }
}

function readDevice(device: Json): RingDevice {
  const address = object(device.address, 'address');
  return Object.freeze({
    id: whole(device, 'id', DEVICE_ID_MAX) as DeviceId,
    region: number(device, 'region'),
    zone: number(device, 'zone'),
    rack: number(device, 'rack'),
    host: string(device, 'host'),
    address: Object.freeze({ host: string(address, 'host'), port: number(address, 'port') }),
    weight: number(device, 'weight'),
  });
}

function parse(bytes: Uint8Array): Json {
  try {
    return object(
      JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')),
      'file',
    );
  } catch (error) {
    throw new HoldfastError('format-invalid', 'not a ring builder: it is not a JSON object', {
      cause: error,
    });
  }
}

/** Over the body as JSON.stringify lays it out, so that white space in the file does not matter. */
function checksumOf(body: unknown): string {
  return crc32c(JSON.stringify(body)).toString(16).padStart(8, '0');
}

function littleEndian(values: Uint16Array | Uint32Array, width: 2 | 4): string {
  const bytes = Buffer.alloc(values.length * width);
  let at = 0;
  for (const value of values) at = bytes.writeUIntLE(value, at, width);
  return bytes.toString('base64');
}

function integers(value: unknown, width: 2 | 4, name: string): number[] {
  if (typeof value !== 'string') throw invalid(`${name} is not base64`);
  const bytes = Buffer.from(value, 'base64');
  if (bytes.toString('base64') !== value || bytes.length % width !== 0)
    throw invalid(`${name} is not base64`);
  return Array.from({ length: bytes.length / width }, (_, i) => bytes.readUIntLE(i * width, width));
}

function object(value: unknown, name: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(`${name} is not an object`);
  return value as Json;
}

function array(from: Json, name: string): readonly unknown[] {
  const value = from[name];
  if (!Array.isArray(value) || value.length > NO_DEVICE) throw invalid(`${name} is not a list`);
  return value;
}

function number(from: Json, name: string): number {
  const value = from[name];
  if (typeof value !== 'number') throw invalid(`${name} is not a number`);
  return value;
}

function whole(from: Json, name: string, most: number): number {
  const value = number(from, name);
  if (!Number.isInteger(value) || value < 0 || value > most) throw invalid(`${name} is ${value}`);
  return value;
}

function string(from: Json, name: string): string {
  const value = from[name];
  if (typeof value !== 'string') throw invalid(`${name} is not a string`);
  return value;
}

function invalid(detail: string): HoldfastError {
  return new HoldfastError('format-invalid', `not a ring builder: ${detail}`);
}
