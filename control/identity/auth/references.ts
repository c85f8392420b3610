/** Finds what a request names by id, or by name and domain; undefined when there is no such thing. */
import type { Identity } from '../identity.ts';
import type { Collection } from '../records/collection.ts';
import type { DomainRecord } from '../records/records.ts';
import type { DomainReference, Reference } from './requests.ts';

export async function findDomain(
  { domains }: Identity,
  { id, name }: DomainReference,
): Promise<DomainRecord | undefined> {
  if (id !== undefined) return (await domains.find(id))?.value;
  return name === undefined ? undefined : await domains.findByName('all', name);
}

export async function findReferred<Value extends { readonly id: string }>(
  identity: Identity,
  collection: Collection<Value>,
  reference: Reference,
): Promise<Value | undefined> {
  const { id, name, domain } = reference;
  if (id !== undefined) return (await collection.find(id))?.value;
  if (name === undefined || domain === undefined) return undefined;
  const within = await findDomain(identity, domain);
  return within === undefined ? undefined : await collection.findByName(within.id, name);
}
