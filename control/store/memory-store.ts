/** A store that lives as long as its process: for tests, and for programs that have nothing to keep. */
import { noJournal } from './mvcc/journal.ts';
import { MvccState } from './mvcc/mvcc-state.ts';
import { MvccStore, type MvccStoreOptions } from './mvcc/mvcc-store.ts';
import type { Store } from './store.ts';

export function memoryStore(options: MvccStoreOptions): Store {
  return new MvccStore(new MvccState(), noJournal, options);
}
