/** `POST /v3/users/{id}/password`: whoever knows the old one sets a new one; also when the old one has expired. */
import { type Call, param, type Route } from '../../api/route.ts';
import { checkUser } from '../auth/proof.ts';
import { badRequest, unauthorized } from '../api-error.ts';
import { bodyOf } from './resource.ts';
import { revoke } from '../tokens/revoke.ts';
import type { FailureLimit } from '../../api/failure-limit.ts';

const secret = { type: 'string', maxLength: 1024 };

export function ownPasswordRoutes(failures: FailureLimit): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/users/:user_id/password',
      operation: 'public',
      body: bodyOf('user', { original_password: secret, password: secret }, [
        'original_password',
        'password',
      ]),
      async handle(identity, call: Call) {
        failures.check(call.remote);
        const { user: given } = call.body as { user: { original_password: string; password: string } };
        const user = (await identity.users.find(param(call, 'user_id')))?.value;
        if (!(await identity.passwords.isRight(user, given.original_password)) || user === undefined) {
          failures.failed(call.remote);
          throw unauthorized();
        }
        await checkUser(identity, user);
        if (user.options.lock_password === true) throw badRequest('The password of this user is locked.');
        if (given.password === given.original_password) throw badRequest('The new password is the old one.');
        const then = await identity.passwords.operationsToSet(user.id, given.password);
        await identity.users.update(
          user.id,
          (before) => before,
          () => ({ then: [...then, revoke(identity, { userId: user.id })] }),
        );
        return { status: 204 };
      },
    },
  ];
}
