/**
 * Reads a policy's document. Whatever it holds, what comes out can be evaluated; what is not understood is refused, because
 * a statement that is passed over may have been a denial.
 */
import { asFields, asList, type Fields, texts } from './policy-fields.ts';
import { type Condition, parseCondition } from './condition.ts';
import { type Matcher, type Policy, PolicyError, type Statement } from './policy.ts';
import { isPublicStatement } from './public-policy.ts';
import { parsePrincipals } from './principal-patterns.ts';

export const POLICY_BYTES_MAX = 20 * 1024;
const DEPTH_MAX = 128;
const STATEMENTS_MAX = 256;
const VALUES_MAX = 1024;
const RESOURCE_PREFIX = 'arn:aws:s3:::';
const ACTION = /^(?:\*|s3:[A-Za-z*?]{1,64})$/;
const VERSIONS = ['2012-10-17', '2008-10-17'];
const STATEMENT_KEYS = new Set([
  ...['Sid', 'Effect', 'Principal', 'NotPrincipal', 'Action', 'NotAction'],
  ...['Resource', 'NotResource', 'Condition'],
]);

/** Throws PolicyError. */
export function parsePolicy(text: string): Policy {
  if (Buffer.byteLength(text) > POLICY_BYTES_MAX) {
    throw new PolicyError(`Policy has exceeded the maximum size of ${POLICY_BYTES_MAX} bytes`);
  }
  checkDepth(text);
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw new PolicyError('Policies must be valid JSON and the first byte must be {', { cause });
  }
  const fields = asFields(document, 'Policies must be valid JSON and the first byte must be {');
  for (const key in fields) {
    if (!['Version', 'Id', 'Statement'].includes(key)) throw new PolicyError(`Unknown field ${key}`);
  }
  const version = fields['Version'];
  if (version !== undefined && !VERSIONS.some((known) => known === version)) {
    throw new PolicyError('The policy must contain a valid version string');
  }
  const listed = fields['Statement'];
  if (listed === undefined) throw new PolicyError('Missing required field Statement');
  const statements = asList(listed).map(parseStatement);
  if (statements.length === 0) throw new PolicyError('Could not parse the policy: Statement is empty!');
  if (statements.length > STATEMENTS_MAX) throw new PolicyError('The policy has too many statements');
  return { statements, isPublic: statements.some(isPublicStatement) };
}

/** Counts brackets, also those within strings: a document that is too deep is never parsed. */
function checkDepth(text: string): void {
  let depth = 0;
  for (const bracket of text.match(/[[\]{}]/g) ?? []) {
    if (bracket === '{' || bracket === '[') depth += 1;
    else depth = Math.max(0, depth - 1);
    if (depth > DEPTH_MAX) throw new PolicyError('The policy is nested too deeply');
  }
}

function parseStatement(value: unknown): Statement {
  const fields = asFields(value, 'A statement is not an object');
  for (const key in fields) {
    if (!STATEMENT_KEYS.has(key)) throw new PolicyError(`Unknown field ${key}`);
  }
  const { Sid: sid, Effect: effect } = fields;
  if (sid !== undefined && (typeof sid !== 'string' || sid.length > 256))
    throw new PolicyError('Invalid Sid');
  if (effect !== 'Allow' && effect !== 'Deny') throw new PolicyError(`Invalid effect: ${shown(effect)}`);
  const actions = eitherOf(fields, 'Action', 'NotAction', parseActions);
  const resources = eitherOf(fields, 'Resource', 'NotResource', parseResources);
  const principals = eitherOf(fields, 'Principal', 'NotPrincipal', parsePrincipals);
  return { sid, effect, principals, actions, resources, conditions: parseConditions(fields['Condition']) };
}

function eitherOf<Pattern>(
  fields: Fields,
  name: string,
  notName: string,
  parse: (value: unknown) => readonly Pattern[],
): Matcher<Pattern> {
  const [plain, inverted] = [fields[name], fields[notName]];
  if (plain !== undefined && inverted !== undefined) {
    throw new PolicyError(`A statement has both ${name} and ${notName}`);
  }
  if (plain !== undefined) return { patterns: parse(plain), inverted: false };
  if (inverted !== undefined) return { patterns: parse(inverted), inverted: true };
  throw new PolicyError(`Missing required field ${name}`);
}

function parseActions(value: unknown): string[] {
  return texts(value, 'Policy has invalid action').map((action) => {
    if (!ACTION.test(action)) throw new PolicyError('Policy has invalid action');
    return action.toLowerCase();
  });
}

function parseResources(value: unknown): string[] {
  return texts(value, 'Policy has invalid resource').map((resource) => {
    if (resource === '*') return resource;
    if (!resource.startsWith(RESOURCE_PREFIX) || resource.length === RESOURCE_PREFIX.length) {
      throw new PolicyError('Policy has invalid resource');
    }
    return resource.slice(RESOURCE_PREFIX.length);
  });
}

function parseConditions(value: unknown): Condition[] {
  if (value === undefined) return [];
  const conditions: Condition[] = [];
  for (const [operator, tests] of Object.entries(asFields(value, 'Condition is not an object'))) {
    for (const [key, wanted] of Object.entries(asFields(tests, 'A condition is not an object'))) {
      if (!/^[A-Za-z0-9-]{1,32}:[^\s]{1,256}$/.test(key))
        throw new PolicyError('Policy has an invalid condition key');
      conditions.push(parseCondition(operator, key, scalars(wanted)));
    }
  }
  return conditions;
}

function scalars(value: unknown): string[] {
  const values = asList(value);
  if (values.length === 0) throw new PolicyError('A condition has no value');
  if (values.length > VALUES_MAX) throw new PolicyError('A condition has too many values');
  return values.map((each) => {
    if (typeof each === 'string') return each;
    if (typeof each === 'boolean' || typeof each === 'number') return String(each);
    throw new PolicyError('A value of a condition is neither text, number nor truth value');
  });
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, 64) : typeof value;
}
