/** What processes and control tell each other of membership and the ring: docs/formats/membership.md. */
import { fileURLToPath } from 'node:url';
import { loadSync, type MethodDefinition } from '@grpc/proto-loader';
import { HoldfastError } from '#common/errors.ts';
import { FeedProof, NONCE_BYTES } from './feed-proof.ts';

export interface ProcessFrame {
  readonly nonce: Buffer;
  /** Milliseconds since 1970, in decimal. */
  readonly time_ms: string;
  readonly body: Buffer;
  readonly proof: Buffer;
}

export interface ControlFrame {
  readonly body: Buffer;
  readonly proof: Buffer;
}

export const processRoles = ['node', 'storage', 'proxy', 'control'] as const;
export type ProcessRole = (typeof processRoles)[number];

/** What a process says of itself. */
export interface ProcessState {
  /** Unique in the cluster. */
  readonly name: string;
  readonly role: ProcessRole;
  /** The machine's name. */
  readonly host: string;
  readonly ports: readonly number[];
  readonly version: string;
  /** Milliseconds since 1970. */
  readonly startedMs: number;
  readonly isServing: boolean;
  /** 0 for none. */
  readonly ringVersion: number;
  /** How many it serves. */
  readonly devices: number;
  /** Numbers of those that are out of service. */
  readonly devicesOut: readonly number[];
}

export type ProcessWord = { readonly state: ProcessState } | { readonly leaving: true };

/** A state comes this often. */
export const STATE_EVERY_MS = 2000;
/** Control says something this often. */
export const WORD_EVERY_MS = 1000;
/** After so long without a frame the stream is given up, by either side. */
export const SILENCE_MS_MAX = 5000;
/** Frames of a process; a state is bounded by its fields. */
export const PROCESS_FRAME_BYTES_MAX = 8192;

const PORTS_MAX = 16;
const DEVICES_MAX = 256;
const NAME = /^[a-z0-9][a-z0-9-]{0,63}$/;
const TEXT = /^[!-~]{1,255}$/;

const WORD = 0;
const RING = 1;

/** The proofs of the three things that are said. */
export interface MembershipProofs {
  readonly request: FeedProof;
  readonly control: FeedProof;
  readonly process: FeedProof;
}

export function membershipProofs(clusterKey: Buffer): MembershipProofs {
  return {
    request: new FeedProof(clusterKey, 'holdfast membership 1'),
    control: new FeedProof(clusterKey, 'holdfast membership control 1'),
    process: new FeedProof(clusterKey, 'holdfast membership process 1'),
  };
}

/** @param nonce of control, in its first word. */
export function wordBody(nonce?: Buffer): Buffer {
  const word = nonce === undefined ? {} : { nonce: nonce.toString('hex') };
  return Buffer.concat([Buffer.of(WORD), Buffer.from(JSON.stringify(word))]);
}

export function ringBody(ring: Buffer): Buffer {
  return Buffer.concat([Buffer.of(RING), ring]);
}

export type ControlWord =
  | { readonly kind: 'word'; readonly nonce: Buffer | undefined }
  | { readonly kind: 'ring'; readonly ring: Buffer };

/** Throws `protocol-violation`. */
export function readControlBody(body: Buffer): ControlWord {
  const content = body.subarray(1);
  if (body[0] === RING) return { kind: 'ring', ring: content };
  if (body[0] !== WORD) throw malformed();
  const { nonce } = parsed(content);
  if (nonce === undefined) return { kind: 'word', nonce };
  const bytes = Buffer.from(typeof nonce === 'string' ? nonce : '', 'hex');
  if (bytes.length !== NONCE_BYTES) throw malformed();
  return { kind: 'word', nonce: bytes };
}

export function processBody(word: ProcessWord): Buffer {
  return Buffer.from(JSON.stringify(word));
}

/** Throws `protocol-violation` for what no process would say. */
export function readProcessBody(body: Buffer): ProcessWord {
  const { state, leaving } = parsed(body);
  return leaving === true ? { leaving } : { state: readState(Object(state) as Record<string, unknown>) };
}

/** Throws `protocol-violation`. Fields that are not known are left out. */
export function readState(fields: Record<string, unknown>): ProcessState {
  const { name, role, host, ports, version, startedMs, isServing, ringVersion, devices, devicesOut } = fields;
  const knownRole = processRoles.find((each) => each === role);
  if (
    !isText(name, NAME) ||
    knownRole === undefined ||
    !isText(host, TEXT) ||
    !isText(version, TEXT) ||
    !isCounts(ports, PORTS_MAX, 65_535) ||
    !isCount(startedMs, Number.MAX_SAFE_INTEGER) ||
    typeof isServing !== 'boolean' ||
    !isCount(ringVersion, 0xffff_ffff) ||
    !isCount(devices, DEVICES_MAX) ||
    !isCounts(devicesOut, DEVICES_MAX, 65_535)
  )
    throw malformed();
  return {
    name,
    role: knownRole,
    host,
    ports,
    version,
    startedMs,
    isServing,
    ringVersion,
    devices,
    devicesOut,
  };
}

function isText(value: unknown, pattern: RegExp): value is string {
  return typeof value === 'string' && pattern.test(value);
}

function isCount(value: unknown, max: number): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) <= max;
}

function isCounts(value: unknown, countMax: number, max: number): value is readonly number[] {
  return Array.isArray(value) && value.length <= countMax && value.every((each) => isCount(each, max));
}

function parsed(json: Buffer): Record<string, unknown> {
  try {
    return Object(JSON.parse(json.toString())) as Record<string, unknown>;
  } catch (cause) {
    throw malformed(cause);
  }
}

function malformed(cause?: unknown): HoldfastError {
  return new HoldfastError('protocol-violation', 'a frame of membership is malformed', { cause });
}

export type AttendMethod = MethodDefinition<ProcessFrame, ControlFrame, ProcessFrame, ControlFrame>;

export function loadAttendMethod(): AttendMethod {
  const file = fileURLToPath(new URL('membership.proto', import.meta.url));
  const definition = loadSync(file, { keepCase: true, longs: String, defaults: true });
  const service = definition['holdfast.membership.Membership'] as Record<string, unknown> | undefined;
  const method = service?.['Attend'];
  if (method === undefined) throw new Error('membership.proto has no Attend');
  // What the names in the proto and the types above promise each other, nobody checks but the tests.
  return method as AttendMethod;
}
