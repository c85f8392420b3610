/** The bytes of a token (docs/formats/identity-token.md). Signing is the control role's; anybody with the key may verify. */
import { type KeyObject, sign, verify } from 'node:crypto';
import { ByteReader } from '#common/codec/byte-reader.ts';
import { HoldfastError } from '#common/errors.ts';
import {
  type AccessRule,
  type Named,
  type TokenMethod,
  tokenMethods,
  type TokenScope,
  type TokenStatement,
} from './token-statement.ts';

const PREFIX = 'HF';
const VERSION = 1;
const SIGNATURE_BYTES = 64;
const CONTEXT = Buffer.from('holdfast identity token\0');
const SCOPES = ['unscoped', 'system', 'domain', 'project'] as const;
const PACKED_ID = /^[0-9a-f]{32}$/;
const BASE64URL = /^[A-Za-z0-9_-]+$/;
/** Characters of a token: fits, with room, the 16 KiB that servers give to all headers. */
export const TOKEN_CHARACTERS_MAX = 8192;
const TEXT_BYTES_MAX = 1024;
const RULES_BYTES_MAX = 4096;

export interface SignedToken {
  readonly keyId: number;
  readonly statement: TokenStatement;
  readonly signed: Buffer;
  readonly signature: Buffer;
}

export function signToken(statement: TokenStatement, keyId: number, privateKey: KeyObject): string {
  const head = Buffer.concat(partsOf(statement, keyId));
  const signature = sign(null, Buffer.concat([CONTEXT, head]), privateKey);
  const token = PREFIX + Buffer.concat([head, signature]).toString('base64url');
  if (token.length > TOKEN_CHARACTERS_MAX)
    throw new HoldfastError('invalid-argument', 'names, roles and access rules do not fit a token');
  return token;
}

/** Reads a token without believing it. Throws `unauthenticated` for what is none. */
export function readToken(token: string): SignedToken {
  const text = token.slice(PREFIX.length);
  if (token.length > TOKEN_CHARACTERS_MAX || !token.startsWith(PREFIX) || !BASE64URL.test(text))
    throw new HoldfastError('unauthenticated', 'not a token');
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.length <= SIGNATURE_BYTES) throw new HoldfastError('unauthenticated', 'not a token');
  const signed = bytes.subarray(0, -SIGNATURE_BYTES);
  const reader = new ByteReader(signed, 'unauthenticated');
  if (reader.u8() !== VERSION) throw reader.violation('a token of another version');
  const keyId = reader.u32();
  const statement = readStatement(reader);
  reader.end();
  return { keyId, statement, signed, signature: bytes.subarray(-SIGNATURE_BYTES) };
}

export function isSignedBy({ signed, signature }: SignedToken, publicKey: KeyObject): boolean {
  return verify(null, Buffer.concat([CONTEXT, signed]), publicKey, signature);
}

function partsOf(statement: TokenStatement, keyId: number): Buffer[] {
  const { user, scope, roles, methods, applicationCredential: credential } = statement;
  const head = Buffer.alloc(5);
  head.writeUInt8(VERSION, 0);
  head.writeUInt32BE(keyId, 1);
  const times = Buffer.alloc(16);
  times.writeBigUInt64BE(BigInt(statement.issuedMs), 0);
  times.writeBigUInt64BE(BigInt(statement.expiresMs), 8);
  const methodBits = tokenMethods.reduce(
    (bits, method, at) => bits | (methods.includes(method) ? 1 << at : 0),
    0,
  );
  return [
    head,
    times,
    auditBytes(statement.auditId),
    auditBytes(statement.auditChainId),
    Buffer.from([methodBits]),
    ...named(user),
    ...named(user.domain),
    Buffer.from([SCOPES.indexOf(scope.kind)]),
    ...(scope.kind === 'domain' ? named(scope.domain) : []),
    ...(scope.kind === 'project' ? [...named(scope.project), ...named(scope.project.domain)] : []),
    Buffer.from([roles.length]),
    ...roles.flatMap(named),
    ...(credential === undefined
      ? [Buffer.from([0])]
      : [
          Buffer.from([credential.isRestricted ? 1 : 2]),
          idBytes(credential.id),
          text(
            credential.accessRules === undefined ? '' : JSON.stringify(credential.accessRules),
            RULES_BYTES_MAX,
          ),
        ]),
  ];
}

function readStatement(reader: ByteReader): TokenStatement {
  const issuedMs = reader.u64();
  const expiresMs = reader.u64();
  const auditId = reader.raw(16).toString('base64url');
  const auditChainId = reader.raw(16).toString('base64url');
  const methodBits = reader.u8();
  const methods: TokenMethod[] = tokenMethods.filter((_, at) => (methodBits & (1 << at)) !== 0);
  const user = { ...readNamed(reader), domain: readNamed(reader) };
  const scope = readScope(reader);
  const roles = Array.from({ length: reader.u8() }, () => readNamed(reader));
  const applicationCredential = readCredential(reader);
  return { user, scope, roles, methods, auditId, auditChainId, applicationCredential, issuedMs, expiresMs };
}

function readScope(reader: ByteReader): TokenScope {
  const kind = SCOPES[reader.u8()];
  if (kind === 'unscoped' || kind === 'system') return { kind };
  if (kind === 'domain') return { kind, domain: readNamed(reader) };
  if (kind === undefined) throw reader.violation('an unknown scope');
  return { kind, project: { ...readNamed(reader), domain: readNamed(reader) } };
}

function readCredential(reader: ByteReader): TokenStatement['applicationCredential'] {
  const kind = reader.u8();
  if (kind === 0) return undefined;
  if (kind > 2) throw reader.violation('an unknown kind of application credential');
  const id = readId(reader);
  const rules = reader.short(RULES_BYTES_MAX).toString();
  return { id, isRestricted: kind === 1, accessRules: rules === '' ? undefined : readRules(rules, reader) };
}

function readRules(rules: string, reader: ByteReader): readonly AccessRule[] {
  try {
    return JSON.parse(rules) as readonly AccessRule[];
  } catch {
    throw reader.violation('access rules that are no JSON');
  }
}

function named({ id, name }: Named): Buffer[] {
  return [idBytes(id), text(name, TEXT_BYTES_MAX)];
}

function readNamed(reader: ByteReader): Named {
  return { id: readId(reader), name: reader.short(TEXT_BYTES_MAX).toString() };
}

/** 32 hexadecimal digits are 16 bytes behind a zero; any other id is its length and its characters. */
function idBytes(id: string): Buffer {
  if (PACKED_ID.test(id)) return Buffer.concat([Buffer.from([0]), Buffer.from(id, 'hex')]);
  const bytes = Buffer.from(id);
  if (bytes.length === 0 || bytes.length > 255)
    throw new HoldfastError('invalid-argument', 'an id of that length');
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

function readId(reader: ByteReader): string {
  const length = reader.u8();
  return length === 0 ? reader.hex(16) : reader.raw(length).toString();
}

function text(value: string, bytesMax: number): Buffer {
  const bytes = Buffer.from(value);
  if (bytes.length > bytesMax)
    throw new HoldfastError('invalid-argument', 'a text that does not fit a token');
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function auditBytes(auditId: string): Buffer {
  const bytes = Buffer.from(auditId, 'base64url');
  if (bytes.length !== 16) throw new HoldfastError('invalid-argument', 'an audit id has 16 bytes');
  return bytes;
}
