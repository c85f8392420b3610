/** The record of an object: docs/formats/object-record.md. */
import type { Counted, StoredRecord, Stripe } from '#cluster/cluster.ts';
import { HoldfastError } from '#common/errors.ts';
import { checksumAlgorithms } from '#proxy/body/request-body.ts';
import { type BodyLayout, decodeLayout, encodeLayout } from './body-layout.ts';
import {
  asFields,
  integerField,
  type JsonFields,
  parseJsonSection,
  stringField,
  stringsField,
} from './json-section.ts';
import { encodeObjectSummary } from './object-summary.ts';
import type { StoredChecksum } from './stored-checksum.ts';

const VERSION = 1;
const HEADER_BYTES = 16;
const METADATA_BYTES_MAX = 64 * 1024;
/** Bodies up to here are in the record itself. */
export const INLINE_BYTES_MAX = 64 * 1024;
/** Layouts up to here are in the record itself. */
export const LAYOUT_BYTES_MAX = 256 * 1024;

export interface ObjectMetadata {
  /** Without quotes. */
  readonly etag: string;
  readonly sizeBytes: number;
  /** Standard headers by lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  /** User metadata by lower-case name, without `x-amz-meta-`. */
  readonly user: Readonly<Record<string, string>>;
  readonly checksum?: StoredChecksum;
  readonly uploadId?: string;
}

export type ObjectBody =
  | { readonly form: 'inline'; readonly bytes: Buffer }
  | { readonly form: 'stripes'; readonly layout: BodyLayout }
  /** The layout, as a body of its own. */
  | { readonly form: 'manifest'; readonly manifest: readonly Stripe[] };

export interface ObjectRecord {
  readonly metadata: ObjectMetadata;
  /** Milliseconds since 1970. */
  readonly modifiedMs: number;
  readonly body: ObjectBody;
}

const formNumbers = { inline: 0, stripes: 1, manifest: 2 } as const;

/** Everything of a record but its time, encoded once, so that a decision that is made again only copies. */
export class EncodedObject {
  readonly metadata: ObjectMetadata;
  readonly #form: ObjectBody['form'];
  readonly #json: Buffer;
  readonly #section: Buffer;

  constructor(metadata: ObjectMetadata, body: ObjectBody) {
    this.metadata = metadata;
    this.#form = body.form;
    this.#json = Buffer.from(JSON.stringify(metadata));
    if (this.#json.length > METADATA_BYTES_MAX)
      throw new HoldfastError('invalid-argument', 'metadata over 64 KiB');
    this.#section = encodeSection(body);
  }

  /** Both buffers are new ones: an earlier attempt's may still be on its way to a replica. */
  at(modifiedMs: number): { summary: Buffer; content: Buffer; counted: Counted } {
    const content = Buffer.allocUnsafe(HEADER_BYTES + this.#json.length + this.#section.length);
    content[0] = VERSION;
    content[1] = formNumbers[this.#form];
    content.writeUIntBE(modifiedMs, 2, 6);
    content.writeUInt32BE(this.#json.length, 8);
    content.writeUInt32BE(this.#section.length, 12);
    content.set(this.#json, HEADER_BYTES);
    content.set(this.#section, HEADER_BYTES + this.#json.length);
    const { etag, sizeBytes, checksum, headers } = this.metadata;
    const contentType = headers['content-type'] ?? '';
    const fixed = { isDeleteMarker: false, versionId: undefined, contentType };
    const summary = encodeObjectSummary({ ...fixed, modifiedMs, sizeBytes, etag, checksum });
    return { summary, content, counted: { objects: 1, bytes: sizeBytes } };
  }
}

function encodeSection(body: ObjectBody): Buffer {
  if (body.form === 'inline') return body.bytes;
  if (body.form === 'manifest') return encodeLayout({ stripes: body.manifest, parts: [] });
  return encodeLayout(body.layout);
}

/** The form alone, from the header: for an overwrite that only asks whether stripes are to be released. */
export function isInline(record: StoredRecord): boolean {
  return record.content[0] === VERSION && record.content[1] === formNumbers.inline;
}

export function decodeObject(record: StoredRecord): ObjectRecord {
  const { content } = record;
  if (content.length < HEADER_BYTES || content[0] !== VERSION) {
    throw new HoldfastError('format-invalid', `an object record of version ${content[0]}`);
  }
  const modifiedMs = content.readUIntBE(2, 6);
  const metadataEnd = HEADER_BYTES + content.readUInt32BE(8);
  if (metadataEnd + content.readUInt32BE(12) !== content.length) {
    throw new HoldfastError('format-invalid', 'the lengths in an object record do not add up');
  }
  const metadata = decodeMetadata(parseJsonSection(content.subarray(HEADER_BYTES, metadataEnd)));
  const section = content.subarray(metadataEnd);
  return { metadata, modifiedMs, body: decodeBody(content[1] as number, section, metadata.sizeBytes) };
}

function decodeBody(form: number, section: Buffer, sizeBytes: number): ObjectBody {
  if (form === formNumbers.inline) {
    if (section.length !== sizeBytes)
      throw new HoldfastError('format-invalid', 'an inline body of another length');
    return { form: 'inline', bytes: section };
  }
  if (form === formNumbers.stripes) return { form: 'stripes', layout: decodeLayout(section, sizeBytes) };
  if (form === formNumbers.manifest) return { form: 'manifest', manifest: decodeLayout(section).stripes };
  throw new HoldfastError('format-invalid', `a body of form ${form}`);
}

function decodeMetadata(fields: JsonFields): ObjectMetadata {
  return {
    etag: stringField(fields, 'etag'),
    sizeBytes: integerField(fields, 'sizeBytes'),
    headers: stringsField(fields, 'headers'),
    user: stringsField(fields, 'user'),
    ...(fields['checksum'] === undefined
      ? undefined
      : { checksum: decodeChecksum(asFields(fields['checksum'])) }),
    ...(fields['uploadId'] === undefined ? undefined : { uploadId: stringField(fields, 'uploadId') }),
  };
}

function decodeChecksum(fields: JsonFields): StoredChecksum {
  const algorithm = checksumAlgorithms.find((name) => name === fields['algorithm']);
  const type = fields['type'];
  if (algorithm === undefined || (type !== 'FULL_OBJECT' && type !== 'COMPOSITE')) {
    throw new HoldfastError('format-invalid', 'a stored checksum is of no known kind');
  }
  return { algorithm, type, value: stringField(fields, 'value') };
}
