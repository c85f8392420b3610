/**
 * Files that a web server offers for reading. Below a URL that ends with a slash they are those that an earlier run has
 * written (with the same name and seed), and are compared; any other URL is one file of unknown content.
 */
import { HoldfastError } from '#common/errors.ts';
import { ObjectStoreTarget, requireAnswer } from './object-store-target.ts';
import type { MediaObject, Recording, TargetTraits } from './target.ts';

export class HttpTarget extends ObjectStoreTarget {
  override get traits(): TargetTraits {
    const verified = this.spec.prefix !== '';
    return { ...super.traits, durability: 'read only', writable: false, verified };
  }

  async prepare(): Promise<void> {
    const name = this.spec.prefix;
    const answer = await this.exchange({ method: 'HEAD', name });
    // A folder need not list itself: that something answers is enough.
    if (name === '') requireAnswer(answer, 200);
  }

  record(_object: MediaObject): Promise<Recording> {
    return Promise.reject(readOnly());
  }

  override put(_object: MediaObject): Promise<void> {
    return Promise.reject(readOnly());
  }

  override remove(_object: MediaObject): Promise<void> {
    return Promise.resolve();
  }

  list(_prefix: string, _limit: number): Promise<number> {
    return Promise.reject(readOnly());
  }

  removePlace(): Promise<void> {
    return Promise.resolve();
  }

  protected override nameOf(object: MediaObject): string {
    return this.spec.prefix === '' ? '' : super.nameOf(object);
  }
}

function readOnly(): HoldfastError {
  return new HoldfastError('invalid-argument', 'a target of http:// or https:// is only read');
}
