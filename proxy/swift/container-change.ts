/** What PUT and POST of a container change of it. */
import type { ContainerFields } from '#proxy/buckets/bucket-record.ts';
import { normalizeAcl } from './access/container-acl.ts';
import { SECRET_METADATA } from './account-headers.ts';
import { CONTAINER_SETTINGS } from './container-headers.ts';
import { mergeEntries, mergeMetadata, type MetadataChange, readMetadataChange } from './metadata.ts';
import type { Permission } from './permission.ts';
import { checkContainerQuotas } from './quotas.ts';
import type { SwiftRequest } from './request.ts';

/** Throws 400. What only the account's own people may set is left out for others, as Swift does. */
export function readContainerChange(request: SwiftRequest, { isOwner }: Permission): MetadataChange {
  const change = readMetadataChange(request.headers, 'container', CONTAINER_SETTINGS);
  checkContainerQuotas(change.metadata);
  const settings: Record<string, string> = { ...change.settings };
  for (const name of ['read', 'write']) {
    const value = settings[name];
    if (value !== undefined) settings[name] = normalizeAcl(`x-container-${name}`, value);
  }
  if (isOwner) return { metadata: change.metadata, settings };
  const metadata = Object.entries(change.metadata).filter(([name]) => !SECRET_METADATA.includes(name));
  return { metadata: Object.fromEntries(metadata), settings: {} };
}

/** A PUT of a container that is there counts as a change, whatever it brings. */
export function touchedContainer(
  before: ContainerFields | undefined,
  change: MetadataChange,
  nowMs: number,
): ContainerFields {
  const empty = { metadata: {}, settings: {}, modifiedMs: nowMs };
  return { ...(changedContainer(before, change, nowMs) ?? empty), modifiedMs: nowMs };
}

/** Undefined when there is nothing to keep. Throws 400 when it would be too much. */
export function changedContainer(
  before: ContainerFields | undefined,
  change: MetadataChange,
  nowMs: number,
): ContainerFields | undefined {
  const changes = Object.keys(change.metadata).length + Object.keys(change.settings).length > 0;
  if (!changes) return before;
  return {
    metadata: mergeMetadata(before?.metadata ?? {}, change.metadata),
    settings: mergeEntries(before?.settings ?? {}, change.settings),
    modifiedMs: nowMs,
  };
}
