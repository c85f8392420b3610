/** The record of an object: docs/formats/object-record.md. */
import type { Counted, StoredRecord, Stripe } from '#cluster/cluster.ts';
import { HoldfastError } from '#common/errors.ts';
import { type BodyLayout, decodeLayout, encodeLayout } from './body-layout.ts';
import { parseJsonSection } from './json-section.ts';
import { decodeMetadata, type ObjectMetadata } from './object-metadata.ts';
import { decodeObjectSummary, encodeObjectSummary } from './object-summary.ts';
import { decodeOlderVersions, encodeOlderVersions, type OlderVersion } from './older-versions.ts';
import {
  asVersionId,
  VERSION_ID_BYTES,
  type VersionId,
  type VersionStamp,
  versionTimeMs,
} from './version-id.ts';

export type { ObjectMetadata } from './object-metadata.ts';

const VERSION = 2;
const HEADER_BYTES = 33;
const NULL_FLAG = 1;
const METADATA_BYTES_MAX = 64 * 1024;
const NONE = Buffer.alloc(0);
/** Bodies up to here are in the record itself. */
export const INLINE_BYTES_MAX = 64 * 1024;
/** Layouts up to here are in the record itself. */
export const LAYOUT_BYTES_MAX = 256 * 1024;

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
  readonly version: VersionStamp;
}

const formNumbers = { inline: 0, stripes: 1, manifest: 2 } as const;
const MARKER_FORM = 3;

export interface EncodedRecord {
  readonly summary: Buffer;
  readonly content: Buffer;
  readonly counted?: Counted;
}

/** Everything of a record but its version, encoded once, so that a decision that is made again only copies. */
export class EncodedObject {
  readonly metadata: ObjectMetadata;
  /** What the record refers to itself; of a manifest's body, the manifest's. */
  readonly ownStripes: readonly Stripe[];
  readonly #form: ObjectBody['form'];
  readonly #json: Buffer;
  readonly #section: Buffer;

  constructor(metadata: ObjectMetadata, body: ObjectBody) {
    this.metadata = metadata;
    this.#form = body.form;
    this.ownStripes = stripesIn(body);
    this.#json = Buffer.from(JSON.stringify(metadata));
    if (this.#json.length > METADATA_BYTES_MAX)
      throw new HoldfastError('invalid-argument', 'metadata over 64 KiB');
    this.#section = encodeSection(body);
  }

  /** The buffers are new ones: an earlier attempt's may still be on its way to a replica. */
  at(stamp: VersionStamp, older: readonly OlderVersion[] = []): EncodedRecord {
    const { etag, sizeBytes, checksum, headers, swift } = this.metadata;
    const large = swift?.largeObject;
    const contentType = headers['content-type'] ?? '';
    const olderSection = older.length === 0 ? NONE : encodeOlderVersions(older);
    return {
      content: encodeContent(formNumbers[this.#form], stamp, this.#json, this.#section, olderSection),
      summary: encodeObjectSummary({
        isDeleteMarker: false,
        versionId: stamp.id,
        isNull: stamp.isNull,
        contentType,
        sizeBytes: large?.sizeBytes ?? sizeBytes,
        etag: large === undefined ? etag : etag + large.etag,
        checksum,
        older: olderSection,
      }),
      counted: { objects: 1, bytes: sizeBytes },
    };
  }
}

function stripesIn(body: ObjectBody): readonly Stripe[] {
  if (body.form === 'manifest') return body.manifest;
  return body.form === 'stripes' ? body.layout.stripes : [];
}

function encodeContent(
  form: number,
  stamp: VersionStamp,
  json: Buffer,
  section: Buffer,
  older: Buffer,
): Buffer {
  const content = Buffer.allocUnsafe(HEADER_BYTES + json.length + section.length + older.length);
  content[0] = VERSION;
  content[1] = form;
  content[2] = stamp.isNull ? NULL_FLAG : 0;
  content.write(stamp.id, 3, 'hex');
  content.writeUInt32BE(stamp.revision, 17);
  content.writeUInt32BE(json.length, 21);
  content.writeUInt32BE(section.length, 25);
  content.writeUInt32BE(older.length, 29);
  content.set(json, HEADER_BYTES);
  content.set(section, HEADER_BYTES + json.length);
  content.set(older, HEADER_BYTES + json.length + section.length);
  return content;
}

/** A delete marker in an object's place. */
export function encodeDeleteMarker(stamp: VersionStamp, older: readonly OlderVersion[]): EncodedRecord {
  const olderSection = encodeOlderVersions(older);
  return {
    content: encodeContent(MARKER_FORM, stamp, NONE, NONE, olderSection),
    summary: encodeObjectSummary({
      isDeleteMarker: true,
      versionId: stamp.id,
      isNull: stamp.isNull,
      contentType: '',
      sizeBytes: 0,
      etag: '',
      checksum: undefined,
      older: olderSection,
    }),
  };
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

/** What a record's first bytes tell, and where its sections are. */
export interface RecordHead extends VersionStamp {
  readonly isDeleteMarker: boolean;
  readonly hasOlder: boolean;
}

interface Sections extends RecordHead {
  readonly form: number;
  readonly metadataEnd: number;
  readonly bodyEnd: number;
}

function sectionsOf({ content }: Pick<StoredRecord, 'content'>): Sections {
  if (content.length < HEADER_BYTES || content[0] !== VERSION) {
    throw new HoldfastError('format-invalid', `an object record of version ${content[0]}`);
  }
  const form = content[1] as number;
  const flags = content[2] as number;
  if ((flags & ~NULL_FLAG) !== 0) throw new HoldfastError('format-invalid', `flags ${flags} are unknown`);
  const metadataEnd = HEADER_BYTES + content.readUInt32BE(21);
  const bodyEnd = metadataEnd + content.readUInt32BE(25);
  const olderBytes = content.readUInt32BE(29);
  if (bodyEnd + olderBytes !== content.length) {
    throw new HoldfastError('format-invalid', 'the lengths in an object record do not add up');
  }
  return {
    form,
    metadataEnd,
    bodyEnd,
    isDeleteMarker: form === MARKER_FORM,
    hasOlder: olderBytes > 0,
    id: asVersionId(content.toString('hex', 3, 3 + VERSION_ID_BYTES)),
    isNull: flags === NULL_FLAG,
    revision: content.readUInt32BE(17),
  };
}

export function headOf(record: StoredRecord): RecordHead {
  return sectionsOf(record);
}

/** The versions behind the current one, newest first. */
export function olderOf(record: StoredRecord): OlderVersion[] {
  const { bodyEnd, hasOlder } = sectionsOf(record);
  return hasOlder ? decodeOlderVersions(record.content.subarray(bodyEnd)) : [];
}

/** The current version as it is named once another has taken its place. */
export function asOlderVersion(record: StoredRecord): OlderVersion {
  const { id, isNull, revision, isDeleteMarker } = sectionsOf(record);
  const { sizeBytes, etag, checksum } = decodeObjectSummary(record.summary);
  const { uploadId, lock } = decodeCurrent(record)?.metadata ?? {};
  return { id, isNull, revision, isDeleteMarker, sizeBytes, etag, checksum, uploadId, lock };
}

/** The version that `record` begins with, in front of other versions than before. */
export function withOlder(record: StoredRecord, older: readonly OlderVersion[]): EncodedRecord {
  const { bodyEnd } = sectionsOf(record);
  const current = decodeCurrent(record);
  const section = older.length === 0 ? NONE : encodeOlderVersions(older);
  const content = Buffer.concat([record.content.subarray(0, bodyEnd), section]);
  content.writeUInt32BE(section.length, 29);
  const summary = decodeObjectSummary(record.summary);
  return {
    content,
    summary: encodeObjectSummary({ ...summary, older: section }),
    // Of a large object the manifest's own bytes: listings show what its segments make together.
    ...(current === undefined ? {} : { counted: { objects: 1, bytes: current.metadata.sizeBytes } }),
  };
}

/** The object that a record holds as its current version; undefined of a delete marker. */
export function decodeCurrent(record: StoredRecord): ObjectRecord | undefined {
  const sections = sectionsOf(record);
  if (sections.isDeleteMarker) return undefined;
  const { content } = record;
  const { metadataEnd, bodyEnd, id, isNull, revision, form } = sections;
  const metadata = decodeMetadata(parseJsonSection(content.subarray(HEADER_BYTES, metadataEnd)));
  const body = decodeBody(form, content.subarray(metadataEnd, bodyEnd), metadata.sizeBytes);
  return { metadata, modifiedMs: versionTimeMs(id), body, version: { id, isNull, revision } };
}

/** Of a record that is known to hold no delete marker. */
export function decodeObject(record: StoredRecord): ObjectRecord {
  const object = decodeCurrent(record);
  if (object === undefined) throw new HoldfastError('format-invalid', 'a delete marker where an object was');
  return object;
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

export type { VersionId };
