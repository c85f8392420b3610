/**
 * `?extract-archive`: makes an object of every file in an archive (Object Storage API, "Archive auto-extract"). Names in an
 * archive are names of objects and nothing else; still, those with `..` are refused, since whoever downloads them has
 * a file system.
 */
import type { RequestBody } from '#proxy/body/request-body.ts';
import type { SwiftContext } from '../context.ts';
import { toSwiftError } from '../error-mapping.ts';
import { badRequest, SwiftError } from '../errors.ts';
import { checkBodyHeaders } from '../objects/put-headers.ts';
import { encodePath } from '../objects/stored-metadata.ts';
import { permit } from '../permission.ts';
import type { Operation, SwiftRequest } from '../request.ts';
import { type ArchiveEntry, archiveEntries } from './archive-entries.ts';
import { ArchiveError } from './archive-error.ts';
import { bulkLimits } from './bulk-limits.ts';
import { type BulkReport, formatReport, type ReportedError } from './bulk-report.ts';
import { type ArchiveForm, parseArchiveForm } from './decompress.ts';
import { ensureContainer } from './ensure-container.ts';
import { LongAnswer } from './long-answer.ts';
import { putEntry } from './put-entry.ts';
import { reportTypeOf } from './report-type.ts';
import { statusLine } from './status-line.ts';

const PATH_CHARACTERS_SHOWN = 1282;

export const bulkUpload: Operation = async (request, context) => {
  const form = parseArchiveForm(request.query.get('extract-archive') ?? '');
  if (form === undefined) throw badRequest('Unsupported archive format');
  const type = reportTypeOf(request.header('accept'));
  if (type === undefined) throw new SwiftError(406);
  if (request.caller === undefined) await permit(request, context, { scope: 'account' });
  checkBodyHeaders(request);
  using _ = context.bulkUploads.take();
  const unpacking = new Unpacking(request, context);
  const body = request.openBody(context);
  const answer = new LongAnswer(request.reply, context.clock, { status: 200, type });
  try {
    answer.finish(formatReport(await unpacking.run(body, form), type, 'extract'));
  } finally {
    answer.cancel();
  }
};

/** Ends the unpacking with a status for all of it. */
class Halt extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

class Unpacking {
  readonly #request: SwiftRequest;
  readonly #context: SwiftContext;
  readonly #errors: ReportedError[] = [];
  /** Containers that are known to be there, or not to be had. */
  readonly #containers = new Map<string, SwiftError | undefined>();
  #containersMade = 0;
  #created = 0;
  #serverFailed = false;

  constructor(request: SwiftRequest, context: SwiftContext) {
    this.#request = request;
    this.#context = context;
  }

  async run(body: RequestBody, form: ArchiveForm): Promise<BulkReport> {
    try {
      for await (const entry of archiveEntries(body.pieces(), form, bulkLimits.archive)) {
        await this.#take(entry);
        if (this.#errors.length >= bulkLimits.uploadFailuresMax) break;
      }
    } catch (error) {
      if (error instanceof ArchiveError) return this.#report(400, `Invalid Tar File: ${error.message}`);
      if (error instanceof Halt) return this.#report(error.status, error.message);
      throw error;
    }
    if (this.#errors.length > 0) return this.#report(this.#serverFailed ? 502 : 400, '');
    if (this.#created === 0) return this.#report(400, 'Invalid Tar File: No Valid Files');
    return this.#report(201, '');
  }

  #report(status: number, body: string): BulkReport {
    const fields = {
      'Number Files Created': this.#created,
      'Response Status': statusLine(status),
      'Response Body': body,
    };
    return { fields, errors: this.#errors };
  }

  async #take(entry: ArchiveEntry): Promise<void> {
    const path = this.#pathOf(entry.name);
    const slash = path.indexOf('/');
    // A file at the base names a container at most: there is nothing to put it into.
    if (slash < 0) return;
    const container = path.slice(0, slash);
    const object = path.slice(slash + 1);
    const refusal = refusalOf(entry, path, object);
    if (refusal !== undefined) return this.#fail(path, statusLine(refusal));
    const missing = await this.#ensure(container);
    try {
      await putEntry(this.#request, this.#context, { container, object, entry });
      this.#created += 1;
    } catch (error) {
      if (error instanceof ArchiveError) throw error;
      this.#failed(path, toSwiftError(error), missing, container);
    }
  }

  #pathOf(name: string): string {
    const path = name.replace(/^\.\//, '').replace(/^\/+/, '');
    const { container, object } = this.#request.resource;
    const base = [container, object]
      .filter((part) => part !== undefined)
      .join('/')
      .replace(/\/+$/, '');
    return base === '' ? path : `${base}/${path}`;
  }

  /** Why there is no such container; undefined when there is. */
  async #ensure(container: string): Promise<SwiftError | undefined> {
    if (this.#containers.has(container)) return this.#containers.get(container);
    let refused: SwiftError | undefined;
    try {
      if (await ensureContainer(this.#request, this.#context, container)) this.#containersMade += 1;
    } catch (error) {
      refused = toSwiftError(error);
    }
    if (this.#containersMade > bulkLimits.containersMax) {
      throw new Halt(400, `More than ${bulkLimits.containersMax} containers to create from tar.`);
    }
    this.#containers.set(container, refused);
    return refused;
  }

  #failed(path: string, error: SwiftError, missing: SwiftError | undefined, container: string): void {
    if (missing !== undefined) this.#fail(container, statusLine(missing.status));
    this.#fail(path, statusLine(error.status));
    if (error.status === 401) throw new Halt(401, '');
    if (error.status < 500) return;
    this.#serverFailed = true;
    this.#context.log.warn('a file of a bulk upload failed', { error });
  }

  #fail(path: string, status: string): void {
    // Half of a character cannot be encoded.
    this.#errors.push([encodePath(path.slice(0, PATH_CHARACTERS_SHOWN).toWellFormed()), status]);
  }
}

/** The status with which an entry is refused before anything is done for it. */
function refusalOf(entry: ArchiveEntry, path: string, object: string): number | undefined {
  // Bytes that are no UTF-8 were read as U+FFFD.
  if (path.includes('\ufffd') || path.includes('\u0000')) return 412;
  if (object === '' || !entry.readable || path.split('/').includes('..')) return 400;
  return undefined;
}
