/** The files in an archive, one after the other as it arrives (pax and ustar, POSIX.1-2017; GNU's long names). */
import { Readable, type Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Extract, extract, type Header } from 'tar-stream';
import { ArchiveError } from './archive-error.ts';
import { type ArchiveForm, decompressor, ExpansionGuard, type ExpansionLimits } from './decompress.ts';

export interface ArchiveEntry {
  /** As the archive has it. */
  readonly name: string;
  readonly sizeBytes: number;
  /** Extended attributes and the like, by their pax key. */
  readonly attributes: Readonly<Record<string, string>>;
  /** A file that this reader can't put together (sparse, or of a kind that is not known): to be refused by name. */
  readonly readable: boolean;
  /** To be read to its end, or left alone. */
  readonly body: Readable;
}

export interface ArchiveLimits extends ExpansionLimits {
  /** Members of all kinds. */
  readonly entriesMax: number;
}

/** What is in an archive beside files does no harm: it is passed over, as Swift does. */
const passedOver: ReadonlySet<string> = new Set([
  'link',
  'symlink',
  'character-device',
  'block-device',
  'directory',
  'fifo',
]);

/**
 * @param pieces the archive's bytes.
 * Throws ArchiveError for what is no archive, what is truncated and what is over a limit; and what `pieces` throws.
 */
export async function* archiveEntries(
  pieces: AsyncIterable<Buffer>,
  form: ArchiveForm,
  limits: ArchiveLimits,
): AsyncGenerator<ArchiveEntry> {
  const guard = new ExpansionGuard(limits);
  // Archives of the seventh edition bear no magic number.
  const members = extract({ allowUnknownFormat: true } as object);
  // What breaks the stream is kept: tar-stream tells its reader of a cause of its own in some cases.
  let failure: { readonly error: unknown } | undefined;
  const piped = pipeline(stages(pieces, form, guard, members)).catch((error: unknown) => {
    failure = { error };
  });
  try {
    let count = 0;
    for await (const member of members) {
      count += 1;
      if (count > limits.entriesMax) throw new ArchiveError(`more than ${limits.entriesMax} members`);
      const { header } = member;
      if (passedOver.has(header.type)) {
        member.resume();
        continue;
      }
      const bytes = bytesOf(member, async (error) => {
        await piped;
        return asArchiveError(failure?.error ?? error);
      });
      const body = Readable.from(bytes, { objectMode: false });
      yield entryOf(header, body);
      await drained(member, body);
    }
    await piped;
    if (failure !== undefined) throw failure.error;
  } catch (error) {
    throw asArchiveError(failure?.error ?? error);
  } finally {
    members.destroy();
    await piped;
  }
}

function stages(
  pieces: AsyncIterable<Buffer>,
  form: ArchiveForm,
  guard: ExpansionGuard,
  members: Extract,
): [Readable, ...Duplex[], NodeJS.WritableStream] {
  const source = Readable.from(counted(pieces, guard), { objectMode: false });
  const unpack = decompressor(form);
  const between = unpack === undefined ? [] : [unpack, guard.watchOutput()];
  return [source, ...between, members as unknown as NodeJS.WritableStream];
}

async function* counted(pieces: AsyncIterable<Buffer>, guard: ExpansionGuard): AsyncGenerator<Buffer> {
  for await (const piece of pieces) {
    guard.countInput(piece.length);
    yield piece;
  }
}

function entryOf(header: Header, body: Readable): ArchiveEntry {
  const attributes = (header.pax ?? {}) as Readonly<Record<string, string>>;
  const sparse = Object.keys(attributes).some((key) => key.startsWith('GNU.sparse.'));
  const plain = header.type === 'file' || header.type === 'contiguous-file';
  return { name: header.name, sizeBytes: header.size, attributes, readable: plain && !sparse, body };
}

/** Whoever reads a member meets what breaks the archive before anybody else does, and in the same words. */
async function* bytesOf(
  member: AsyncIterable<unknown>,
  refused: (error: unknown) => Promise<unknown>,
): AsyncGenerator<unknown> {
  try {
    yield* member;
  } catch (error) {
    throw await refused(error);
  }
}

/** The next member comes only when this one's bytes are out of the way. */
async function drained(member: { resume(): unknown }, body: Readable): Promise<void> {
  if (body.destroyed && !body.readableEnded) {
    member.resume();
    return;
  }
  for await (const _ of body);
}

function asArchiveError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof ArchiveError) return error;
  // zlib's errors have codes Z_…; tar-stream's have none and are plain, or tell that its stream is no more.
  const code = 'code' in error ? String(error.code) : '';
  if (code.startsWith('Z_') || code === 'STREAM_DESTROYED' || (error.constructor === Error && code === ''))
    return new ArchiveError(error.message, { cause: error });
  return error;
}
