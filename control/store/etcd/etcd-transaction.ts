/** Entries, ranges and transactions in etcd's messages, and back. */
import { HoldfastError } from '#common/errors.ts';
import type { KeyRange } from '../key-range.ts';
import type {
  Comparison,
  Entry,
  LeaseId,
  Operation,
  OperationResult,
  Relation,
  Transaction,
  TransactionResult,
} from '../store.ts';
import type {
  Int64,
  KeyValue,
  RequestOp,
  ResponseOp,
  WireCompare,
  WireRange,
  WireTransaction,
  WireTransactionResponse,
} from './etcd-messages.ts';

const relations: Readonly<Record<Relation, WireCompare['result']>> = {
  '=': 'EQUAL',
  '!=': 'NOT_EQUAL',
  '<': 'LESS',
  '>': 'GREATER',
};

/** Keys with the installation's prefix before them, and without. */
export class EtcdCodec {
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  range({ from, to }: KeyRange): WireRange {
    return { key: this.#key(from), range_end: this.#key(to) };
  }

  transaction({ compare = [], then, otherwise = [] }: Transaction): WireTransaction {
    return {
      compare: compare.map((comparison) => this.#compare(comparison)),
      success: then.map((operation) => this.#operation(operation)),
      failure: otherwise.map((operation) => this.#operation(operation)),
    };
  }

  result(response: WireTransactionResponse): TransactionResult {
    const revision = integer(response.header.revision);
    const results = response.responses.map((one) => this.#result(one, revision));
    return { succeeded: response.succeeded, revision, results };
  }

  key(bytes: Buffer): string {
    return bytes.toString('latin1', this.#prefix.length);
  }

  entry({ key, value, create_revision, mod_revision, version, lease }: KeyValue): Entry {
    return {
      key: this.key(key),
      value,
      createRevision: integer(create_revision),
      modRevision: integer(mod_revision),
      version: integer(version),
      lease: lease === '0' ? undefined : (lease as LeaseId),
    };
  }

  #key(key: string): Buffer {
    return Buffer.from(this.#prefix + key, 'latin1');
  }

  #compare(comparison: Comparison): WireCompare {
    const result = relations[comparison.is];
    const key = this.#key(comparison.key);
    switch (comparison.target) {
      case 'version':
        return { result, key, target: 'VERSION', version: comparison.to };
      case 'createRevision':
        return { result, key, target: 'CREATE', create_revision: comparison.to };
      case 'modRevision':
        return { result, key, target: 'MOD', mod_revision: comparison.to };
      case 'value':
        return { result, key, target: 'VALUE', value: comparison.to };
    }
  }

  #operation(operation: Operation): RequestOp {
    switch (operation.kind) {
      case 'put': {
        const { value, lease } = operation;
        return { request_put: { key: this.#key(operation.key), value, lease: lease ?? '0' } };
      }
      case 'delete':
        return { request_delete_range: this.range(operation.range) };
      case 'range':
        return { request_range: { ...this.range(operation.range), limit: operation.limit ?? 0 } };
    }
  }

  #result(response: ResponseOp, revision: number): OperationResult {
    if (response.response_range) {
      const { kvs, more } = response.response_range;
      return {
        kind: 'range',
        revision,
        entries: kvs.map((one) => this.entry(one)),
        more,
      };
    }
    if (response.response_delete_range)
      return { kind: 'delete', deleted: integer(response.response_delete_range.deleted) };
    return { kind: 'put' };
  }
}

export function integer(text: Int64): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value))
    throw new HoldfastError('protocol-violation', 'etcd gave an integer beyond 2^53');
  return value;
}
