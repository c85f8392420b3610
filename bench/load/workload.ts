/** Which object each operation of a phase works on, and what its outcome means for the set of objects. */
import type { ObjectSet } from './object-set.ts';
import type { OperationFailure } from './operation-failure.ts';
import type { Activity } from './phase.ts';
import type { RandomSequence } from './random-sequence.ts';
import type { StoreClient } from './store-client.ts';

export interface Workload {
  /** The index of the next object; undefined when there is none left to work on. */
  next(): number | undefined;
  /** Resolves to the body bytes moved; throws OperationFailure. */
  perform(client: StoreClient, index: number): Promise<number>;
  succeeded(index: number): void;
  /** Whether the failure is what this workload expects, and counts as success. */
  failed(index: number, failure: OperationFailure): boolean;
}

function reading(objects: ObjectSet, random: RandomSequence, perform: Workload['perform']): Workload {
  return {
    next: () => objects.pick(random),
    perform,
    succeeded: () => undefined,
    failed: () => false,
  };
}

export function workloadOf(activity: Activity, objects: ObjectSet, random: RandomSequence): Workload {
  switch (activity) {
    case 'put':
      return {
        next: () => objects.create(),
        perform: (client, index) => client.put(index),
        succeeded: (index) => objects.confirm(index),
        failed: (index) => {
          objects.doubt(index);
          return false;
        },
      };
    case 'get':
      return reading(objects, random, (client, index) => client.get(index));
    case 'head':
      return reading(objects, random, (client, index) => client.head(index));
    case 'list':
      return {
        ...reading(objects, random, (client) => client.list()),
        next: () => 0,
      };
    case 'delete':
      return {
        next: () => objects.take(),
        perform: (client, index) => client.delete(index),
        succeeded: () => undefined,
        failed: (index) => {
          objects.doubt(index);
          return false;
        },
      };
    case 'clear':
      return {
        next: () => objects.take() ?? objects.takeDoubtful(),
        perform: (client, index) => client.delete(index),
        succeeded: () => undefined,
        failed: (_index, failure) => failure.kind.startsWith('http-404'),
      };
  }
}
