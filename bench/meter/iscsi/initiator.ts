/**
 * An iSCSI initiator: one session of one connection, error recovery level 0, without digests (RFC 7143). It logs in, keeps
 * to the target's command window, and moves data by Data-In, immediate data and R2T. Nothing is retried.
 */
import { connect, type Socket } from 'node:net';
import { OperationFailure, socketFailure, stopped, timedOut } from '../../load/operation-failure.ts';
import { type IscsiAddress, login, type SessionLimits } from './login.ts';
import {
  FINAL,
  header,
  paddedBytes,
  type ReceivedHeader,
  requestOpcodes,
  RESERVED_TAG,
  responseOpcodes,
  writeLun,
} from './pdu.ts';
import { PduReader } from './pdu-reader.ts';

const READS = 0x40;
const WRITES = 0x20;
const SIMPLE = 0x01;
const HAS_STATUS = 0x01;
const UNDERFLOW = 0x02;
const OVERFLOW = 0x04;
const UNIT_ATTENTION = 6;
/** In a row: a unit has a few to tell to a new session (of being powered on, of another's changes to it). */
const UNIT_ATTENTIONS_MAX = 8;
/** Response codes of sense data in descriptor format; others are in fixed format (SPC-4, section 4.5). */
const DESCRIPTOR_SENSE = new Set([0x72, 0x73]);
const PROGRESS_CHECK_PERIOD_MS_MAX = 500;

export interface ScsiCommand {
  readonly cdb: Buffer;
  /** Filled by a command that reads. */
  readonly into?: Buffer;
  /** Of what is read, for a command whose answer may be shorter than `into`. */
  readonly leastBytes?: number;
  /** Sent by a command that writes. */
  readonly from?: Buffer;
}

interface Task {
  readonly command: ScsiCommand;
  /** When it was queued, or anything of it last moved. */
  progressAtMs: number;
  receivedBytes: number;
  resolve(): void;
  reject(failure: OperationFailure): void;
}

export class Initiator {
  readonly #address: IscsiAddress;
  readonly #tasks = new Map<number, Task>();
  readonly #waiting: { readonly taskTag: number; readonly task: Task }[] = [];
  #socket: Socket | undefined;
  #limits: SessionLimits | undefined;
  #commandNumber = 0;
  #commandNumberMax = 0;
  #statusNumber = 0;
  #nextTag = 1;
  #broken: OperationFailure | undefined;
  #timeoutMs = 0;
  #watch: NodeJS.Timeout | undefined;
  /** When the target last said anything, and when the system last took anything for it. */
  #heardAtMs = 0;
  #sentAtMs = 0;

  constructor(address: IscsiAddress) {
    this.#address = address;
  }

  /**
   * Connects and logs in. Throws with one clear line.
   * @param timeoutMs without any progress of a command, after which the session is given up.
   */
  async open(timeoutMs: number): Promise<void> {
    const { host, port } = this.#address;
    const socket = connect({ host, port, noDelay: true });
    this.#socket = socket;
    this.#timeoutMs = timeoutMs;
    const limit = setTimeout(
      () =>
        socket.destroy(
          new OperationFailure('peer-unavailable', 'timeout', `${host}:${port} does not answer`),
        ),
      timeoutMs,
    );
    try {
      const session = await login(socket, this.#address);
      this.#limits = session.limits;
      this.#commandNumber = session.commandNumber;
      this.#commandNumberMax = session.commandNumberMax;
      this.#statusNumber = session.statusNumber;
    } catch (error) {
      // What the target still says on it is nobody's any more, a reset too.
      socket.on('error', () => undefined).destroy();
      this.#socket = undefined;
      throw error;
    } finally {
      clearTimeout(limit);
    }
    const reader = new PduReader({
      place: (received) => this.#placeOf(received),
      received: (received, data) => this.#received(received, data),
    });
    const periodMs = Math.min(timeoutMs / 4, PROGRESS_CHECK_PERIOD_MS_MAX);
    this.#watch = setInterval(() => this.#checkProgress(performance.now()), periodMs).unref();
    socket.on('data', (chunk: Buffer) => {
      this.#heardAtMs = performance.now();
      try {
        reader.push(chunk);
      } catch (error) {
        this.#break(error as OperationFailure);
      }
    });
    socket.on('error', (error) => this.#break(socketFailure(error)));
    socket.on('close', () =>
      this.#break(
        new OperationFailure('peer-unavailable', 'connection-closed', 'the target closed the connection'),
      ),
    );
  }

  /**
   * Resolves when the command has ended well. Throws what its status is. A unit attention is told instead of doing the
   * command, each only once: behind it the command is given again.
   */
  async perform(command: ScsiCommand): Promise<void> {
    for (let attentions = 0; ; attentions++)
      try {
        await this.#queue(command);
        return;
      } catch (error) {
        const attention = error instanceof OperationFailure && error.kind === 'unit-attention';
        if (!attention || attentions >= UNIT_ATTENTIONS_MAX) throw error;
      }
  }

  /**
   * Gives the session up when nothing of a command has moved for the timeout: what a command reads into may not be used
   * again before it has ended, and with its session it has.
   */
  #checkProgress(nowMs: number): void {
    const sending = (this.#socket?.writableLength ?? 0) > 0;
    const stuck = ({ progressAtMs }: Task): boolean =>
      nowMs - Math.max(progressAtMs, sending ? this.#sentAtMs : 0) > this.#timeoutMs;
    const [next] = this.#waiting;
    // One that waits for others is not stuck; one that waits for the target's window alone is.
    const shutOut =
      next !== undefined && this.#tasks.size === 0 && nowMs - this.#heardAtMs > this.#timeoutMs
        ? stuck(next.task)
        : false;
    if (shutOut || [...this.#tasks.values()].some(stuck)) this.#break(timedOut(this.#timeoutMs / 1000));
  }

  /** Fails what has not been sent. The rest ends by itself: it cannot be taken back without asking the target. */
  breakOff(): void {
    for (const { task } of this.#waiting.splice(0)) task.reject(stopped());
  }

  close(): void {
    clearInterval(this.#watch);
    const socket = this.#socket;
    if (socket === undefined || this.#broken !== undefined) return;
    // Logout with reason 0 closes the session (RFC 7143, section 11.14).
    const bytes = header(requestOpcodes.logout, FINAL, 0, true);
    bytes.writeUInt32BE(this.#nextTag++, 16);
    bytes.writeUInt32BE(this.#commandNumber, 24);
    bytes.writeUInt32BE(this.#statusNumber, 28);
    socket.end(bytes);
    socket.unref();
    this.#broken = stopped();
    this.#failAll(this.#broken);
  }

  #queue(command: ScsiCommand): Promise<void> {
    if (this.#broken !== undefined) return Promise.reject(this.#broken);
    return new Promise((resolve, reject) => {
      const taskTag = this.#nextTag;
      this.#nextTag = this.#nextTag >= RESERVED_TAG - 1 ? 1 : this.#nextTag + 1;
      this.#waiting.push({
        taskTag,
        task: { command, resolve, reject, progressAtMs: performance.now(), receivedBytes: 0 },
      });
      this.#sendWaiting();
    });
  }

  /** Sends what the target's window allows. */
  #sendWaiting(): void {
    while (this.#waiting.length > 0 && ((this.#commandNumberMax - this.#commandNumber) | 0) >= 0) {
      const next = this.#waiting.shift();
      if (next !== undefined) this.#send(next.taskTag, next.task);
    }
  }

  #send(taskTag: number, task: Task): void {
    const limits = this.#limits as SessionLimits;
    const { cdb, into, from } = task.command;
    this.#tasks.set(taskTag, task);
    task.progressAtMs = performance.now();
    const most = limits.immediateData ? Math.min(limits.firstBurstBytes, limits.sendDataBytesMax) : 0;
    const immediateBytes = Math.min(from?.length ?? 0, most);
    const flags = FINAL | SIMPLE | (into === undefined ? 0 : READS) | (from === undefined ? 0 : WRITES);
    const bytes = header(requestOpcodes.command, flags, immediateBytes);
    writeLun(bytes, this.#address.lun);
    bytes.writeUInt32BE(taskTag, 16);
    bytes.writeUInt32BE(into?.length ?? from?.length ?? 0, 20);
    bytes.writeUInt32BE(this.#commandNumber, 24);
    bytes.writeUInt32BE(this.#statusNumber, 28);
    cdb.copy(bytes, 32);
    this.#commandNumber = (this.#commandNumber + 1) >>> 0;
    this.#write(bytes, from?.subarray(0, immediateBytes), task);
  }

  #write(bytes: Buffer, data?: Buffer, task?: Task): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    socket.cork();
    socket.write(bytes, () => {
      this.#sentAtMs = performance.now();
      if (task !== undefined) task.progressAtMs = this.#sentAtMs;
    });
    if (data !== undefined && data.length > 0) {
      socket.write(data);
      const padding = paddedBytes(data.length) - data.length;
      if (padding > 0) socket.write(Buffer.alloc(padding));
    }
    socket.uncork();
  }

  #placeOf({ opcode, taskTag, dataBytes, bytes }: ReceivedHeader): Buffer | undefined {
    if (opcode !== responseOpcodes.dataIn) return undefined;
    const task = this.#tasks.get(taskTag);
    const offset = bytes.readUInt32BE(40);
    if (task !== undefined) task.receivedBytes += dataBytes;
    return task?.command.into?.subarray(offset, offset + dataBytes);
  }

  #received(received: ReceivedHeader, data: Buffer): void {
    const { opcode, flags, bytes } = received;
    const hasStatus = opcode !== responseOpcodes.dataIn || (flags & HAS_STATUS) !== 0;
    const asked =
      opcode === responseOpcodes.readyToTransfer ||
      (opcode === responseOpcodes.nopIn && received.taskTag === RESERVED_TAG);
    if (hasStatus && !asked) this.#statusNumber = (bytes.readUInt32BE(24) + 1) >>> 0;
    this.#commandNumberMax = bytes.readUInt32BE(32);
    const task = this.#tasks.get(received.taskTag);
    if (task !== undefined) task.progressAtMs = performance.now();
    if (opcode === responseOpcodes.dataIn) {
      if (hasStatus) this.#ended(received, Buffer.alloc(0));
    } else if (opcode === responseOpcodes.response) this.#ended(received, data);
    else if (opcode === responseOpcodes.readyToTransfer) this.#sendData(received);
    else if (opcode === responseOpcodes.nopIn) this.#answerPing(received);
    else if (opcode === responseOpcodes.reject)
      this.#break(
        new OperationFailure(
          'protocol-violation',
          'rejected',
          `the target rejects a PDU, reason ${bytes[2]}`,
        ),
      );
    this.#sendWaiting();
  }

  #ended({ taskTag, bytes, flags, opcode }: ReceivedHeader, data: Buffer): void {
    const task = this.#tasks.get(taskTag);
    if (task === undefined) return;
    this.#tasks.delete(taskTag);
    const status = bytes[3] ?? 0;
    const response = opcode === responseOpcodes.response ? (bytes[2] ?? 0) : 0;
    const failure =
      status === 0 && response === 0
        ? shortfall(task, flags, bytes.readUInt32BE(44))
        : statusFailure(status, response, data);
    if (failure === undefined) task.resolve();
    else task.reject(failure);
  }

  /** Sends what the target is ready for, in pieces that it takes. */
  #sendData({ taskTag, bytes }: ReceivedHeader): void {
    const task = this.#tasks.get(taskTag);
    const from = task?.command.from;
    if (from === undefined) return;
    const transferTag = bytes.readUInt32BE(20);
    const start = bytes.readUInt32BE(40);
    const end = Math.min(from.length, start + bytes.readUInt32BE(44));
    const piece = (this.#limits as SessionLimits).sendDataBytesMax;
    for (let at = start, number = 0; at < end; at += piece, number++) {
      const length = Math.min(piece, end - at);
      const out = header(requestOpcodes.dataOut, at + length === end ? FINAL : 0, length);
      writeLun(out, this.#address.lun);
      out.writeUInt32BE(taskTag, 16);
      out.writeUInt32BE(transferTag, 20);
      out.writeUInt32BE(this.#statusNumber, 28);
      out.writeUInt32BE(number, 36);
      out.writeUInt32BE(at, 40);
      this.#write(out, from.subarray(at, at + length), task);
    }
  }

  #answerPing({ bytes }: ReceivedHeader): void {
    const transferTag = bytes.readUInt32BE(20);
    if (transferTag === RESERVED_TAG) return;
    const out = header(requestOpcodes.nopOut, FINAL, 0, true);
    bytes.copy(out, 8, 8, 16);
    out.writeUInt32BE(RESERVED_TAG, 16);
    out.writeUInt32BE(transferTag, 20);
    out.writeUInt32BE(this.#commandNumber, 24);
    out.writeUInt32BE(this.#statusNumber, 28);
    this.#write(out);
  }

  #break(failure: OperationFailure): void {
    clearInterval(this.#watch);
    if (this.#broken === undefined) this.#socket?.destroy();
    this.#broken ??= failure;
    this.#failAll(this.#broken);
  }

  #failAll(failure: OperationFailure): void {
    for (const task of this.#tasks.values()) task.reject(failure);
    for (const { task } of this.#waiting) task.reject(failure);
    this.#tasks.clear();
    this.#waiting.length = 0;
  }
}

/**
 * What was not moved although the status is GOOD, told by the residual count (RFC 7143, section 11.4.5) or by what came:
 * a buffer that was not filled still holds what another command has read or written.
 */
function shortfall(
  { command, receivedBytes }: Task,
  flags: number,
  residualBytes: number,
): OperationFailure | undefined {
  const { into, from, leastBytes = into?.length ?? 0 } = command;
  const wrong = (detail: string): OperationFailure =>
    new OperationFailure('data-corrupt', 'length-mismatch', detail);
  if (receivedBytes < leastBytes) return wrong(`the target gave ${receivedBytes} bytes of ${leastBytes}`);
  if ((flags & OVERFLOW) !== 0) return wrong(`the target would move ${residualBytes} bytes more`);
  return from !== undefined && (flags & UNDERFLOW) !== 0
    ? wrong(`the target left out ${residualBytes} bytes of ${from.length}`)
    : undefined;
}

/** What a status other than GOOD is, with the sense that came with it (RFC 7143, section 11.4.7; SPC, sense data). */
function statusFailure(status: number, response: number, data: Buffer): OperationFailure {
  if (response !== 0)
    return new OperationFailure(
      'request-refused',
      'iscsi-target-failure',
      `the target could not do it, response ${response}`,
    );
  const sense = data.subarray(2);
  const [keyAt, codeAt] = DESCRIPTOR_SENSE.has((sense[0] ?? 0) & 0x7f) ? [1, 2] : [2, 12];
  const key = (sense[keyAt] ?? 0) & 0x0f;
  if (status === 2 && key === UNIT_ATTENTION)
    return new OperationFailure('request-refused', 'unit-attention', 'unit attention');
  const detail = `status ${status}, sense key ${key}, code ${sense[codeAt] ?? 0}/${sense[codeAt + 1] ?? 0}`;
  return new OperationFailure('request-refused', `scsi-${status}`, `the logical unit refuses: ${detail}`);
}
