/** Removes objects and containers by name, many in one request. */
import type { Account } from '#proxy/auth/credential-store.ts';
import type { SwiftContext } from '../context.ts';
import { toSwiftError } from '../error-mapping.ts';
import { removeNamed } from '../objects/remove-named.ts';
import { besides, writableElsewhere } from '../objects/elsewhere.ts';
import { encodePath } from '../objects/stored-metadata.ts';
import { removeContainer } from '../operations/delete-container.ts';
import type { SwiftRequest } from '../request.ts';
import type { BulkReport, ReportedError } from './bulk-report.ts';
import { bulkLimits } from './bulk-limits.ts';
import { statusLine } from './status-line.ts';

const CONCURRENT = 16;

export class Removals {
  readonly #request: SwiftRequest;
  readonly #context: SwiftContext;
  readonly #errors: ReportedError[] = [];
  #deleted = 0;
  #notFound = 0;
  #serverFailed = false;

  constructor(request: SwiftRequest, context: SwiftContext) {
    this.#request = request;
    this.#context = context;
  }

  get failed(): boolean {
    return this.#errors.length > 0;
  }

  /** @param names `container/object` or `container`; objects go first, so that containers are empty in time. */
  async remove(names: readonly string[]): Promise<void> {
    const isObject = (name: string) => name.replace(/\/+$/, '').includes('/');
    for (const some of [names.filter(isObject), names.filter((name) => !isObject(name))]) {
      for (let at = 0; at < some.length && !this.#hasEnough; at += CONCURRENT) {
        await Promise.all(some.slice(at, at + CONCURRENT).map((name) => this.#removeOne(name)));
      }
    }
  }

  /** Notes a name that cannot be removed. */
  refuse(name: string, status: string): void {
    this.#errors.push([encodePath(name), status]);
  }

  countNotFound(): void {
    this.#notFound += 1;
  }

  report(): BulkReport {
    const fields = {
      'Number Deleted': this.#deleted,
      'Number Not Found': this.#notFound,
      'Response Status': statusLine(this.#status()),
      'Response Body': this.#body(),
    };
    return { fields, errors: this.#errors };
  }

  get #hasEnough(): boolean {
    return this.#errors.length >= bulkLimits.deleteFailuresMax;
  }

  #status(): number {
    if (this.#hasEnough) return 400;
    if (this.failed) return this.#serverFailed ? 502 : 400;
    return this.#deleted + this.#notFound === 0 ? 400 : 200;
  }

  #body(): string {
    if (this.#hasEnough) return 'Max delete failures exceeded';
    return this.#status() === 400 && !this.failed ? 'Invalid bulk delete.' : '';
  }

  async #removeOne(name: string): Promise<void> {
    try {
      await this.#removeNamed(name);
      this.#deleted += 1;
    } catch (error) {
      const { status } = toSwiftError(error);
      if (status === 404) {
        this.#notFound += 1;
        return;
      }
      if (status >= 500) {
        this.#serverFailed = true;
        this.#context.log.warn('a bulk deletion failed', { error });
      }
      this.refuse(name, statusLine(status));
    }
  }

  async #removeNamed(name: string): Promise<void> {
    const [container = '', ...rest] = name.split('/');
    const object = rest.join('/');
    if (object === '') return this.#removeContainer(container);
    const place = besides(this.#request, container);
    const lease = await writableElsewhere(this.#request, this.#context, place, 'DELETE');
    await removeNamed(this.#context, lease, object);
  }

  #removeContainer(container: string): Promise<void> {
    const { version, account } = this.#request.resource;
    const resource = { version, account, container, object: undefined };
    const known: Account | undefined = this.#request.knownAccount;
    return removeContainer(this.#request.elsewhere('DELETE', known, resource), this.#context);
  }
}
