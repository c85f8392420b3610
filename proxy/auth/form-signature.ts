/**
 * The signature of a form (Amazon S3 API Reference, "Authenticating Requests in Browser-Based Uploads Using POST"): the
 * string to sign is the policy itself.
 */
import { AuthenticationError, type AuthenticationOptions } from './authentication.ts';
import { ALGORITHM, parseScope, unsupportedMechanism } from './authorization.ts';
import type { CredentialStore } from './credential-store.ts';
import type { Principal } from './principal.ts';
import { parseBasicTime } from './request-time.ts';
import { sameSignature } from './verify-signature.ts';

/** By lower-case name. */
export type FormFields = ReadonlyMap<string, string>;

/** Undefined when nobody has signed. Throws AuthenticationError. */
export function authenticateForm(
  fields: FormFields,
  store: CredentialStore,
  options: AuthenticationOptions,
): Principal | undefined {
  if (fields.has('awsaccesskeyid') || fields.has('signature')) throw unsupportedMechanism();
  const policy = fields.get('policy');
  const signature = fields.get('x-amz-signature');
  if (policy === undefined && signature === undefined) return undefined;
  const required = (name: string): string => {
    const value = fields.get(name);
    if (value !== undefined && value !== '') return value;
    throw invalidArgument(`Bucket POST must contain a field named '${name}'.`, name, '');
  };
  const algorithm = required('x-amz-algorithm');
  if (algorithm !== ALGORITHM) throw unsupportedMechanism();
  const scope = parseScope('query', required('x-amz-credential'));
  const date = required('x-amz-date');
  if (parseBasicTime(date)?.dateTime.startsWith(scope.date) !== true) {
    throw invalidArgument(
      'X-Amz-Date must be formatted as ISO8601 and be of the day of the credential',
      'x-amz-date',
      date,
    );
  }
  if (fields.has('x-amz-security-token')) {
    throw new AuthenticationError('InvalidToken', 'The provided token is malformed or otherwise invalid.');
  }
  const credential = store.find(scope.accessKey);
  if (credential === undefined) {
    throw new AuthenticationError(
      'InvalidAccessKeyId',
      'The AWS Access Key Id you provided does not exist in our records.',
      { AWSAccessKeyId: scope.accessKey },
    );
  }
  const signingKey = options.signingKeys.find(credential, scope.text, scope.date, scope.region);
  if (!sameSignature(signingKey.sign(required('policy')), required('x-amz-signature'))) {
    throw new AuthenticationError(
      'SignatureDoesNotMatch',
      'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
      { AWSAccessKeyId: scope.accessKey, StringToSign: required('policy') },
    );
  }
  return credential.principal;
}

function invalidArgument(message: string, name: string, value: string): AuthenticationError {
  return new AuthenticationError('InvalidArgument', message, {
    ArgumentName: name,
    ArgumentValue: value.slice(0, 64),
  });
}
