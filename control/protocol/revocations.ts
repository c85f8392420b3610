/**
 * Tokens that are good no longer though they have not expired. A revocation names what it takes away; a token is revoked
 * when it was issued no later than the revocation says and everything that the revocation names is the token's own.
 */
import type { TokenStatement } from './token-statement.ts';

export interface Revocation {
  readonly id: string;
  /** Milliseconds since 1970, inclusive: tokens issued later are not touched. */
  readonly issuedBeforeMs: number;
  /** When every token that it could touch has expired: then it goes. */
  readonly endsMs: number;
  readonly auditId?: string | undefined;
  readonly auditChainId?: string | undefined;
  readonly userId?: string | undefined;
  readonly projectId?: string | undefined;
  /** Users of this domain, and tokens scoped to it or to its projects. */
  readonly domainId?: string | undefined;
  readonly roleId?: string | undefined;
  readonly applicationCredentialId?: string | undefined;
  /** Only tokens scoped to the system. */
  readonly isSystem?: boolean | undefined;
}

type Named =
  | 'auditId'
  | 'auditChainId'
  | 'applicationCredentialId'
  | 'userId'
  | 'projectId'
  | 'domainId'
  | 'roleId';

/** The first that a revocation names is where it is filed: the rarest first. */
const FILED_BY: readonly Named[] = [
  'auditId',
  'auditChainId',
  'applicationCredentialId',
  'userId',
  'projectId',
  'domainId',
  'roleId',
];

export class RevocationList {
  readonly #filed = new Map<string, Map<string, Revocation>>();
  readonly #byId = new Map<string, Revocation>();

  get size(): number {
    return this.#byId.size;
  }

  add(revocation: Revocation): void {
    this.remove(revocation.id);
    this.#byId.set(revocation.id, revocation);
    const place = placeOf(revocation);
    const filed = this.#filed.get(place);
    if (filed === undefined) this.#filed.set(place, new Map([[revocation.id, revocation]]));
    else filed.set(revocation.id, revocation);
  }

  remove(id: string): void {
    const known = this.#byId.get(id);
    if (known === undefined) return;
    this.#byId.delete(id);
    const place = placeOf(known);
    const filed = this.#filed.get(place);
    filed?.delete(id);
    if (filed?.size === 0) this.#filed.delete(place);
  }

  /** Those that touch no token any more. */
  dropEnded(beforeMs: number): void {
    for (const { id, endsMs } of this.#byId.values()) if (endsMs < beforeMs) this.remove(id);
  }

  clear(): void {
    this.#byId.clear();
    this.#filed.clear();
  }

  isRevoked(statement: TokenStatement): boolean {
    if (this.#byId.size === 0) return false;
    for (const place of placesOf(statement)) {
      for (const revocation of this.#filed.get(place)?.values() ?? [])
        if (touches(revocation, statement)) return true;
    }
    return false;
  }
}

function placeOf(revocation: Revocation): string {
  const name = FILED_BY.find((candidate) => revocation[candidate] !== undefined);
  return name === undefined ? 'all' : `${name} ${revocation[name]}`;
}

function placesOf(statement: TokenStatement): string[] {
  const { auditId, auditChainId, applicationCredential, user, scope, roles } = statement;
  const places = ['all', `auditId ${auditId}`, `auditChainId ${auditChainId}`, `userId ${user.id}`];
  if (applicationCredential !== undefined) places.push(`applicationCredentialId ${applicationCredential.id}`);
  if (scope.kind === 'project') places.push(`projectId ${scope.project.id}`);
  for (const id of domainsOf(statement)) places.push(`domainId ${id}`);
  for (const { id } of roles) places.push(`roleId ${id}`);
  return places;
}

function domainsOf({ user, scope }: TokenStatement): Set<string> {
  const ids = new Set([user.domain.id]);
  if (scope.kind === 'project') ids.add(scope.project.domain.id);
  if (scope.kind === 'domain') ids.add(scope.domain.id);
  return ids;
}

function touches(revocation: Revocation, statement: TokenStatement): boolean {
  const { user, scope, roles, applicationCredential } = statement;
  const fits = (wanted: string | undefined, given: string | undefined) =>
    wanted === undefined || wanted === given;
  return (
    statement.issuedMs <= revocation.issuedBeforeMs &&
    fits(revocation.auditId, statement.auditId) &&
    fits(revocation.auditChainId, statement.auditChainId) &&
    fits(revocation.userId, user.id) &&
    fits(revocation.projectId, scope.kind === 'project' ? scope.project.id : undefined) &&
    fits(revocation.applicationCredentialId, applicationCredential?.id) &&
    (revocation.domainId === undefined || domainsOf(statement).has(revocation.domainId)) &&
    (revocation.roleId === undefined || roles.some(({ id }) => id === revocation.roleId)) &&
    (revocation.isSystem !== true || scope.kind === 'system')
  );
}
