/** The login phase: security, with CHAP where there is a user, then the operational parameters (RFC 7143, section 6). */
import { createHash, randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { OperationFailure, socketFailure } from '../../load/operation-failure.ts';
import {
  FINAL,
  header,
  paddedBytes,
  pairsOf,
  type ReceivedHeader,
  requestOpcodes,
  responseOpcodes,
  textOf,
} from './pdu.ts';
import { PduReader } from './pdu-reader.ts';

export interface IscsiAddress {
  readonly host: string;
  readonly port: number;
  readonly target: string;
  readonly lun: number;
  readonly user: string;
  readonly secret: string;
}

export interface SessionLimits {
  readonly immediateData: boolean;
  readonly firstBurstBytes: number;
  /** Data of one PDU that the target takes. */
  readonly sendDataBytesMax: number;
}

export interface Session {
  readonly limits: SessionLimits;
  readonly commandNumber: number;
  readonly commandNumberMax: number;
  readonly statusNumber: number;
}

const SECURITY = 0;
const OPERATIONAL = 1;
const FULL_FEATURE = 3;
const INITIATOR_NAME = 'iqn.2026-11.org.holdfast:meter';
const RECEIVE_BYTES = 256 * 1024;
const SEND_BYTES_MAX = 2 ** 20;
const DEFAULT_DATA_BYTES = 8192;
const LENGTH_BYTES_MIN = 512;
const LENGTH_BYTES_MAX = 2 ** 24 - 1;
const CHAP_MD5 = '5';
const EXCHANGES_MAX = 10;

const OPERATIONAL_KEYS: Readonly<Record<string, string>> = {
  HeaderDigest: 'None',
  DataDigest: 'None',
  MaxConnections: '1',
  InitialR2T: 'Yes',
  ImmediateData: 'Yes',
  MaxRecvDataSegmentLength: String(RECEIVE_BYTES),
  MaxBurstLength: String(16 * 2 ** 20 - 1024),
  FirstBurstLength: String(RECEIVE_BYTES),
  DefaultTime2Wait: '0',
  DefaultTime2Retain: '0',
  MaxOutstandingR2T: '1',
  DataPDUInOrder: 'Yes',
  DataSequenceInOrder: 'Yes',
  ErrorRecoveryLevel: '0',
};

const STATUS_WORDS: Readonly<Record<number, string>> = {
  0x0201: 'wrong credentials',
  0x0202: 'not allowed',
  0x0203: 'there is no such target',
  0x0207: 'the target name is missing',
};

interface Answer {
  readonly received: ReceivedHeader;
  readonly pairs: Record<string, string>;
}

function loginFailure(status: number): OperationFailure {
  const words = STATUS_WORDS[status] ?? `status 0x${status.toString(16).padStart(4, '0')}`;
  return new OperationFailure('request-refused', 'iscsi-login', `the target refuses the login: ${words}`);
}

class LoginExchange {
  readonly #socket: Socket;
  /**
   * Of the kind that is drawn (RFC 7143, section 11.12.5). A target takes a login with a name and an id that it knows for
   * the same session begun anew, and ends the one before: that of another meter.
   */
  readonly #sessionId = Buffer.concat([Buffer.from([0x80]), randomBytes(5)]);
  #heard: (answer: Answer) => void = () => undefined;
  #failed: (failure: OperationFailure) => void = () => undefined;
  #statusNumber = 0;
  #exchanges = 0;
  readonly #reader = new PduReader({
    place: () => undefined,
    received: (received, data) => this.#heard({ received, pairs: pairsOf(data) }),
  });
  readonly #onData = (chunk: Buffer): void => {
    try {
      this.#reader.push(chunk);
    } catch (error) {
      this.#failed(error as OperationFailure);
    }
  };
  readonly #onError = (error: Error): void => this.#failed(socketFailure(error));
  readonly #onClose = (): void =>
    this.#failed(
      new OperationFailure('peer-unavailable', 'connection-closed', 'the target closed the connection'),
    );

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', this.#onData);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
  }

  /** @param next the stage to go to behind this one; undefined to stay. */
  async ask(
    stage: number,
    next: number | undefined,
    pairs: Readonly<Record<string, string>>,
  ): Promise<Answer> {
    if (++this.#exchanges > EXCHANGES_MAX)
      throw new OperationFailure('protocol-violation', 'iscsi-login', 'the login does not end');
    const text = textOf(pairs);
    const flags = (next === undefined ? 0 : FINAL | next) | (stage << 2);
    const bytes = header(requestOpcodes.login, flags, text.length, true);
    this.#sessionId.copy(bytes, 8);
    bytes.writeUInt32BE(1, 24);
    bytes.writeUInt32BE(this.#statusNumber, 28);
    this.#socket.write(Buffer.concat([bytes, text, Buffer.alloc(paddedBytes(text.length) - text.length)]));
    const answer = await new Promise<Answer>((resolve, reject) => {
      this.#heard = resolve;
      this.#failed = reject;
    });
    if (answer.received.opcode !== responseOpcodes.login)
      throw new OperationFailure('protocol-violation', 'iscsi-login', 'the answer is not one to a login');
    const status = answer.received.bytes.readUInt16BE(36);
    if (status !== 0) throw loginFailure(status);
    this.#statusNumber = (answer.received.bytes.readUInt32BE(24) + 1) >>> 0;
    return answer;
  }

  end(): void {
    this.#socket.off('data', this.#onData);
    this.#socket.off('error', this.#onError);
    this.#socket.off('close', this.#onClose);
  }
}

/** Response of CHAP with MD5: of the identifier, the secret and the challenge (RFC 1994, section 4.1). */
export function chapResponse(identifier: number, secret: string, challenge: Buffer): string {
  const digest = createHash('md5')
    .update(Buffer.from([identifier]))
    .update(secret)
    .update(challenge)
    .digest('hex');
  return `0x${digest}`;
}

function challengeOf(text: string): Buffer {
  if (/^0b/i.test(text)) return Buffer.from(text.slice(2), 'base64');
  return Buffer.from(text.replace(/^0x/i, ''), 'hex');
}

async function authenticate(
  exchange: LoginExchange,
  { user, secret }: IscsiAddress,
  names: Record<string, string>,
) {
  const { pairs } = await exchange.ask(SECURITY, undefined, { ...names, AuthMethod: 'CHAP,None' });
  if (pairs['AuthMethod'] !== 'CHAP') {
    await exchange.ask(SECURITY, OPERATIONAL, {});
    return;
  }
  const { pairs: asked } = await exchange.ask(SECURITY, undefined, { CHAP_A: CHAP_MD5 });
  const identifier = Number(asked['CHAP_I']);
  const challenge = challengeOf(asked['CHAP_C'] ?? '');
  if (asked['CHAP_A'] !== CHAP_MD5 || !(identifier >= 0 && identifier <= 255) || challenge.length === 0)
    throw new OperationFailure('protocol-violation', 'iscsi-login', 'the target asks for no CHAP with MD5');
  const response = chapResponse(identifier, secret, challenge);
  await exchange.ask(SECURITY, OPERATIONAL, { CHAP_N: user, CHAP_R: response });
}

/** Throws when it is no length that may be agreed on (RFC 7143, sections 13.12 and 13.14). */
function lengthOf(pairs: Readonly<Record<string, string>>, key: string, otherwise: number): number {
  const value = Number(pairs[key] ?? otherwise);
  if (Number.isInteger(value) && value >= LENGTH_BYTES_MIN && value <= LENGTH_BYTES_MAX) return value;
  throw new OperationFailure('protocol-violation', 'iscsi-login', `the target wants ${key}=${pairs[key]}`);
}

/** Throws with one clear line. What comes on the socket afterwards is the caller's. */
export async function login(socket: Socket, address: IscsiAddress): Promise<Session> {
  const exchange = new LoginExchange(socket);
  try {
    const names = { InitiatorName: INITIATOR_NAME, SessionType: 'Normal', TargetName: address.target };
    const secured = address.user !== '';
    if (secured) await authenticate(exchange, address, names);
    const keys = secured ? OPERATIONAL_KEYS : { ...names, ...OPERATIONAL_KEYS };
    const { received, pairs } = await exchange.ask(OPERATIONAL, FULL_FEATURE, keys);
    if ((received.flags & 0x83) !== (FINAL | FULL_FEATURE))
      throw new OperationFailure('protocol-violation', 'iscsi-login', 'the target does not end the login');
    const takenBytes = lengthOf(pairs, 'MaxRecvDataSegmentLength', DEFAULT_DATA_BYTES);
    return {
      limits: {
        immediateData: pairs['ImmediateData'] !== 'No',
        firstBurstBytes: Math.min(RECEIVE_BYTES, lengthOf(pairs, 'FirstBurstLength', RECEIVE_BYTES)),
        sendDataBytesMax: Math.min(SEND_BYTES_MAX, takenBytes),
      },
      commandNumber: received.bytes.readUInt32BE(28),
      commandNumberMax: received.bytes.readUInt32BE(32),
      statusNumber: (received.bytes.readUInt32BE(24) + 1) >>> 0,
    };
  } finally {
    exchange.end();
  }
}
