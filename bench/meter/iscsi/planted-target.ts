/**
 * A small iSCSI target in memory for the initiator's tests, over real sockets, with faults planted by the test. One
 * logical unit, error recovery level 0 (RFC 7143); what a real one does is tested against tgt.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
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

export const READ = 0x88;
export const WRITE = 0x8a;
export const CAPACITY = 0x9e;
export const SYNCHRONIZE = 0x35;

const GOOD = 0;
const CHECK_CONDITION = 2;
const UNDERFLOW = 0x02;
const BLOCK_BYTES = 512;
const WINDOW = 32;
const DATA_IN_BYTES = 64 * 1024;

export interface PlantedCommand {
  readonly operation: number;
  /** Commands of this operation before this one. */
  readonly count: number;
}

/** What a test wants to happen to a command. */
export interface PlantedFault {
  /** Never answers. */
  readonly silent?: boolean;
  /** Answers GOOD behind so many bytes of what was to be read. */
  readonly dataBytes?: number;
  /** Says that so many bytes were neither read nor written. */
  readonly residualBytes?: number;
  /** Refuses, with these sense data. */
  readonly sense?: Buffer;
  /** Before it does or answers anything. */
  readonly after?: Promise<void>;
}

interface Write {
  readonly received: ReceivedHeader;
  readonly data: Buffer;
  readonly fault: PlantedFault;
  gotBytes: number;
}

export class PlantedTarget implements AsyncDisposable {
  readonly unit: Buffer;
  /** What every login brought. */
  readonly logins: { readonly sessionId: string; readonly initiator: string }[] = [];
  readonly counts = new Map<number, number>();
  readonly sockets = new Set<Socket>();
  faults: (command: PlantedCommand) => PlantedFault | undefined = () => undefined;
  /** Of the answer to a login, beside or in place of what is usual. */
  pairs: Readonly<Record<string, string>> = {};
  loginStatus = 0;
  readonly #server: Server;

  private constructor(unitBytes: number) {
    this.unit = Buffer.alloc(unitBytes);
    this.#server = createServer((socket) => {
      this.sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => this.sockets.delete(socket));
      const session = new PlantedSession(this, socket);
      socket.on('data', (chunk: Buffer) => session.push(chunk));
    });
  }

  static async start(unitBytes = 2 ** 20): Promise<PlantedTarget> {
    const target = new PlantedTarget(unitBytes);
    await once(target.#server.listen(0, '127.0.0.1'), 'listening');
    return target;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `iscsi://127.0.0.1:${this.port}/iqn.2026-11.org.holdfast:planted/1`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

class PlantedSession {
  readonly #target: PlantedTarget;
  readonly #socket: Socket;
  readonly #writes = new Map<number, Write>();
  readonly #reader = new PduReader({
    place: () => undefined,
    received: (received, data) => this.#received(received, data),
  });
  #statusNumber = 1;
  #commandNumber = 1;

  constructor(target: PlantedTarget, socket: Socket) {
    this.#target = target;
    this.#socket = socket;
  }

  push(chunk: Buffer): void {
    this.#reader.push(chunk);
  }

  #received(received: ReceivedHeader, data: Buffer): void {
    const { opcode, bytes } = received;
    if (opcode === requestOpcodes.login) this.#login(bytes, data);
    else if (opcode === requestOpcodes.logout) this.#socket.end();
    else if (opcode === requestOpcodes.dataOut) this.#dataOut(received, data);
    else if (opcode === requestOpcodes.command) {
      this.#commandNumber = (bytes.readUInt32BE(24) + 1) >>> 0;
      const operation = bytes[32] ?? 0;
      const count = this.#target.counts.get(operation) ?? 0;
      this.#target.counts.set(operation, count + 1);
      const fault = this.#target.faults({ operation, count }) ?? {};
      if (fault.after === undefined) this.#command(received, data, fault);
      else void fault.after.then(() => this.#command(received, data, fault));
    }
  }

  #login(bytes: Buffer, data: Buffer): void {
    const initiator = pairsOf(data)['InitiatorName'] ?? '';
    this.#target.logins.push({ sessionId: bytes.toString('hex', 8, 14), initiator });
    const text = textOf({
      MaxRecvDataSegmentLength: '8192',
      FirstBurstLength: '8192',
      ...this.#target.pairs,
    });
    const answer = header(responseOpcodes.login, bytes[1] ?? 0, text.length);
    bytes.copy(answer, 8, 8, 20);
    answer.writeUInt16BE(this.#target.loginStatus, 36);
    this.#send(answer, text);
  }

  #command(received: ReceivedHeader, data: Buffer, fault: PlantedFault): void {
    if (fault.silent === true) return;
    const { bytes } = received;
    const operation = bytes[32] ?? 0;
    const lengthBytes = bytes.readUInt32BE(20);
    if (fault.sense !== undefined) this.#answer(received, CHECK_CONDITION, fault);
    else if (operation === CAPACITY) this.#dataIn(received, this.#capacity(), fault);
    else if (operation === READ) {
      const start = Number(bytes.readBigUInt64BE(34)) * BLOCK_BYTES;
      this.#dataIn(received, this.#target.unit.subarray(start, start + lengthBytes), fault);
    } else if (operation === WRITE) {
      const write = { received, data: Buffer.alloc(lengthBytes), fault, gotBytes: data.length };
      data.copy(write.data);
      this.#writes.set(received.taskTag, write);
      this.#askForMore(write);
    } else this.#answer(received, GOOD, fault);
  }

  #capacity(): Buffer {
    const answer = Buffer.alloc(32);
    answer.writeBigUInt64BE(BigInt(this.#target.unit.length / BLOCK_BYTES - 1), 0);
    answer.writeUInt32BE(BLOCK_BYTES, 8);
    return answer;
  }

  #dataIn(received: ReceivedHeader, all: Buffer, fault: PlantedFault): void {
    const data = all.subarray(0, fault.dataBytes);
    for (let at = 0; at < data.length; at += DATA_IN_BYTES) {
      const piece = data.subarray(at, at + DATA_IN_BYTES);
      const out = header(responseOpcodes.dataIn, at + piece.length === data.length ? FINAL : 0, piece.length);
      out.writeUInt32BE(received.taskTag, 16);
      out.writeUInt32BE(0xffffffff, 20);
      out.writeUInt32BE(at, 40);
      this.#send(out, piece, false);
    }
    this.#answer(received, GOOD, fault);
  }

  #askForMore(write: Write): void {
    const { received, data, gotBytes, fault } = write;
    if (gotBytes < data.length) {
      const ready = header(responseOpcodes.readyToTransfer, FINAL, 0);
      ready.writeUInt32BE(received.taskTag, 16);
      ready.writeUInt32BE(received.taskTag, 20);
      ready.writeUInt32BE(gotBytes, 40);
      ready.writeUInt32BE(data.length - gotBytes, 44);
      this.#send(ready, Buffer.alloc(0), false);
      return;
    }
    this.#writes.delete(received.taskTag);
    data.copy(this.#target.unit, Number(received.bytes.readBigUInt64BE(34)) * BLOCK_BYTES);
    this.#answer(received, GOOD, fault);
  }

  #dataOut({ taskTag, flags, bytes }: ReceivedHeader, data: Buffer): void {
    const write = this.#writes.get(taskTag);
    if (write === undefined) return;
    data.copy(write.data, bytes.readUInt32BE(40));
    write.gotBytes += data.length;
    if ((flags & FINAL) !== 0) this.#askForMore(write);
  }

  #answer({ taskTag }: ReceivedHeader, status: number, { sense, residualBytes = 0 }: PlantedFault): void {
    const length = Buffer.alloc(sense === undefined ? 0 : 2);
    if (sense !== undefined) length.writeUInt16BE(sense.length);
    const data = Buffer.concat([length, sense ?? Buffer.alloc(0)]);
    const flags = FINAL | (residualBytes === 0 ? 0 : UNDERFLOW);
    const out = header(responseOpcodes.response, flags, data.length);
    out[3] = status;
    out.writeUInt32BE(taskTag, 16);
    out.writeUInt32BE(residualBytes, 44);
    this.#send(out, data);
  }

  /** @param numbered whether it takes a status number. */
  #send(bytes: Buffer, data: Buffer, numbered = true): void {
    bytes.writeUInt32BE(this.#statusNumber, 24);
    if (numbered) this.#statusNumber++;
    bytes.writeUInt32BE(this.#commandNumber, 28);
    bytes.writeUInt32BE(this.#commandNumber + WINDOW - 1, 32);
    this.#socket.write(Buffer.concat([bytes, data, Buffer.alloc(paddedBytes(data.length) - data.length)]));
  }
}
