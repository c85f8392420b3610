/** The PDUs of iSCSI that an initiator at error recovery level 0 sends and meets (RFC 7143, section 11). */

export const HEADER_BYTES = 48;
export const RESERVED_TAG = 0xffffffff;

export const requestOpcodes = {
  nopOut: 0x00,
  command: 0x01,
  login: 0x03,
  dataOut: 0x05,
  logout: 0x06,
} as const;
export const responseOpcodes = {
  nopIn: 0x20,
  response: 0x21,
  login: 0x23,
  dataIn: 0x25,
  logout: 0x26,
  readyToTransfer: 0x31,
  asynchronous: 0x32,
  reject: 0x3f,
} as const;

const IMMEDIATE = 0x40;
export const FINAL = 0x80;

export function paddedBytes(bytes: number): number {
  return Math.ceil(bytes / 4) * 4;
}

/** A basic header segment, with the length of what follows it. */
export function header(opcode: number, flags: number, dataBytes: number, immediate = false): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes[0] = opcode | (immediate ? IMMEDIATE : 0);
  bytes[1] = flags;
  bytes.writeUIntBE(dataBytes, 5, 3);
  return bytes;
}

/** The logical unit's number in the peripheral device addressing of SAM (RFC 7143, section 11.2.1.4 via SAM). */
export function writeLun(bytes: Buffer, lun: number): void {
  bytes.writeUInt16BE(lun < 256 ? lun : 0x4000 | lun, 8);
}

export interface ReceivedHeader {
  readonly opcode: number;
  readonly flags: number;
  readonly dataBytes: number;
  readonly taskTag: number;
  readonly bytes: Buffer;
}

export function parseHeader(bytes: Buffer): ReceivedHeader {
  return {
    opcode: (bytes[0] ?? 0) & 0x3f,
    flags: bytes[1] ?? 0,
    dataBytes: bytes.readUIntBE(5, 3),
    taskTag: bytes.readUInt32BE(16),
    bytes,
  };
}

/** `key=value` pairs, each ended by a zero byte (RFC 7143, section 6.1). */
export function textOf(pairs: Readonly<Record<string, string>>): Buffer {
  return Buffer.from(
    Object.entries(pairs)
      .map(([key, value]) => `${key}=${value}\0`)
      .join(''),
  );
}

export function pairsOf(text: Buffer): Record<string, string> {
  const pairs: Record<string, string> = {};
  for (const pair of text.toString('utf8').split('\0')) {
    const at = pair.indexOf('=');
    if (at > 0) pairs[pair.slice(0, at)] = pair.slice(at + 1);
  }
  return pairs;
}
