/** The writes of one client: each is asked for, and goes into what is known when it is answered, or is found to have happened. */
import type { Randomness } from '#common/io/randomness.ts';
import { type IdentityClient, isGranted, textAt } from './identity-client.ts';
import type { Intent, Project, User } from './intent.ts';
import type { Snapshot } from './snapshot.ts';

export interface Write {
  readonly name: string;
  /** Asks for it, and takes it over when it is answered. */
  run(): Promise<void>;
  /** Of one without an answer: takes over what of it there is, all or nothing. */
  settle(seen: Snapshot): Promise<void> | void;
}

export interface WriterOptions {
  readonly client: IdentityClient;
  readonly admin: string;
  readonly memberRoleId: string;
  readonly intent: Intent;
  readonly random: Randomness;
}

const PROJECTS_MAX = 6;
const USERS_MAX = 8;
const TOKENS_MAX = 60;

export class Writer {
  readonly #options: WriterOptions;
  #names = 0;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  /** The next write, drawn among those that make sense now. */
  draw(): Write {
    const { random, intent } = this.#options;
    const projects = [...intent.projects.values()];
    const users = [...intent.users.values()];
    const project = projects[random.below(Math.max(1, projects.length))];
    const user = users[random.below(Math.max(1, users.length))];
    if (project === undefined) return this.#makeProject();
    if (user === undefined) return this.#makeUser();
    const may = user.memberOf.has(project.id);
    const drawn = random.below(100);
    if (drawn < 10)
      return projects.length < PROJECTS_MAX ? this.#makeProject() : this.#removeProject(project);
    if (drawn < 16) return users.length < USERS_MAX ? this.#makeUser() : this.#removeUser(user);
    if (drawn < 20) return this.#removeProject(project);
    if (drawn < 23) return this.#removeUser(user);
    if (drawn < 27) return this.#changePassword(user);
    if (!may) return this.#grant(user, project);
    if (drawn < 42) return this.#takeGrant(user, project);
    if (drawn < 60) return this.#removeKey() ?? this.#makeKey(user, project);
    if (drawn < 88) return this.#makeKey(user, project);
    if (drawn < 92) return this.#removeToken() ?? this.#login(user, project);
    if (drawn < 95) return this.#removeApplicationCredential() ?? this.#login(user, project);
    return drawn < 98 ? this.#makeApplicationCredential(user, project) : this.#login(user, project);
  }

  #newName(kind: string): string {
    this.#names += 1;
    return `${this.#options.intent.prefix}${kind}-${this.#names}`;
  }

  #makeProject(): Write {
    const { client, admin, intent } = this.#options;
    const name = this.#newName('project');
    const made = (id: string) => void intent.projects.set(id, { id, name });
    return {
      name: `make project ${name}`,
      async run() {
        const { body } = await client.expect(201, 'POST', '/projects', admin, { project: { name } });
        made(textAt(body, 'project.id'));
      },
      settle({ cloud }) {
        const found = cloud.projects.find((each) => each.name === name);
        if (found !== undefined) made(found.id);
      },
    };
  }

  #removeProject({ id, name }: Project): Write {
    const { client, admin, intent } = this.#options;
    return {
      name: `remove project ${name}`,
      async run() {
        await client.expect(204, 'DELETE', `/projects/${id}`, admin);
        intent.removeProject(id);
      },
      settle({ cloud }) {
        if (!cloud.projects.some((each) => each.id === id)) intent.removeProject(id);
      },
    };
  }

  #makeUser(): Write {
    const { client, admin, intent } = this.#options;
    const name = this.#newName('user');
    const password = `first of ${name}`;
    const made = (id: string) =>
      void intent.users.set(id, {
        id,
        name,
        password,
        formerPassword: undefined,
        hasNewPassword: true,
        memberOf: new Set(),
      });
    return {
      name: `make user ${name}`,
      async run() {
        const { body } = await client.expect(201, 'POST', '/users', admin, { user: { name, password } });
        made(textAt(body, 'user.id'));
      },
      settle({ cloud }) {
        const found = cloud.users.find((each) => each.name === name);
        if (found !== undefined) made(found.id);
      },
    };
  }

  #removeUser({ id, name }: User): Write {
    const { client, admin, intent } = this.#options;
    return {
      name: `remove user ${name}`,
      async run() {
        await client.expect(204, 'DELETE', `/users/${id}`, admin);
        intent.removeUser(id);
      },
      settle({ cloud }) {
        if (!cloud.users.some((each) => each.id === id)) intent.removeUser(id);
      },
    };
  }

  /** By the user with the old one, or by the administrator. */
  #changePassword(user: User): Write {
    const { client, admin, intent, random } = this.#options;
    const next = this.#newName(`password of ${user.name}`);
    const isOwn = random.below(2) === 0;
    const changed = () => {
      Object.assign(user, { formerPassword: user.password, password: next, hasNewPassword: true });
      intent.revokeTokens(({ userId }) => userId === user.id);
    };
    return {
      name: `change password of ${user.name}`,
      async run() {
        const own = { original_password: user.password, password: next };
        if (isOwn) await client.expect(204, 'POST', `/users/${user.id}/password`, undefined, { user: own });
        else await client.expect(200, 'PATCH', `/users/${user.id}`, admin, { user: { password: next } });
        changed();
      },
      async settle() {
        if (isGranted(await client.login(user.name, next))) changed();
      },
    };
  }

  #grantPath(user: User, project: Project): string {
    return `/projects/${project.id}/users/${user.id}/roles/${this.#options.memberRoleId}`;
  }

  #grant(user: User, project: Project): Write {
    const { client, admin, intent } = this.#options;
    const given = () => {
      user.memberOf.add(project.id);
      intent.lookAgain(user.id, project.id);
    };
    const path = this.#grantPath(user, project);
    return {
      name: `grant ${user.name} ${project.name}`,
      async run() {
        await client.expect(204, 'PUT', path, admin);
        given();
      },
      settle({ cloud }) {
        if (isAssigned(cloud.assignments, user.id, project.id)) given();
      },
    };
  }

  #takeGrant(user: User, project: Project): Write {
    const { client, admin, intent } = this.#options;
    const taken = () => {
      user.memberOf.delete(project.id);
      intent.revokeTokens((each) => each.userId === user.id && each.projectId === project.id);
      intent.lookAgain(user.id, project.id);
    };
    const path = this.#grantPath(user, project);
    return {
      name: `take grant ${user.name} ${project.name}`,
      async run() {
        await client.expect(204, 'DELETE', path, admin);
        taken();
      },
      settle({ cloud }) {
        if (!isAssigned(cloud.assignments, user.id, project.id)) taken();
      },
    };
  }

  #makeKey(user: User, project: Project): Write {
    const { client, admin, intent } = this.#options;
    const path = `/users/${user.id}/credentials/OS-EC2`;
    const made = (access: string, secret: string) =>
      void intent.keys.push({ userId: user.id, projectId: project.id, access, secret, isDeleted: false });
    return {
      name: `make key ${user.name} ${project.name}`,
      async run() {
        const { body } = await client.expect(201, 'POST', path, admin, { tenant_id: project.id });
        made(textAt(body, 'credential.access'), textAt(body, 'credential.secret'));
      },
      settle({ keys }) {
        const known = new Set(intent.keys.map(({ access }) => access));
        const found = keys.find(
          (each) => each.user_id === user.id && each.tenant_id === project.id && !known.has(each.access),
        );
        if (found !== undefined) made(found.access, found.secret);
      },
    };
  }

  #removeKey(): Write | undefined {
    const { client, admin, intent } = this.#options;
    const key = this.#pick(intent.keys.filter(({ isDeleted }) => !isDeleted));
    if (key === undefined) return undefined;
    return {
      name: `remove key ${key.access}`,
      async run() {
        const path = `/users/${key.userId}/credentials/OS-EC2/${key.access}`;
        await client.expect(204, 'DELETE', path, admin);
        key.isDeleted = true;
      },
      settle({ keys }) {
        if (!keys.some(({ access }) => access === key.access)) key.isDeleted = true;
      },
    };
  }

  #login(user: User, project: Project): Write {
    const { client, intent } = this.#options;
    return {
      name: `login ${user.name} ${project.name}`,
      async run() {
        const { status, token } = await client.login(user.name, user.password, project.id);
        if (status !== 201 || token === undefined)
          throw new Error(`${user.name} could not log in: ${status}`);
        intent.tokens.push({ token, userId: user.id, projectId: project.id, isRevoked: false });
        if (intent.tokens.length > TOKENS_MAX) intent.tokens.shift();
      },
      settle() {},
    };
  }

  #removeToken(): Write | undefined {
    const { client, admin, intent } = this.#options;
    const token = this.#pick(intent.tokens.filter(({ isRevoked }) => !isRevoked));
    if (token === undefined) return undefined;
    return {
      name: 'revoke a token',
      async run() {
        await client.expect(204, 'DELETE', '/auth/tokens', admin, undefined, token.token);
        token.isRevoked = true;
      },
      async settle() {
        token.isRevoked = !(await client.isTokenGood(admin, token.token));
      },
    };
  }

  /** It takes a token of the user's own. */
  #makeApplicationCredential(user: User, project: Project): Write {
    const { client, intent } = this.#options;
    const name = this.#newName('credential');
    const secret = `secret of ${name}`;
    const path = `/users/${user.id}/application_credentials`;
    const made = (id: string) =>
      void intent.applicationCredentials.push({
        ...{ id, name, secret, userId: user.id, projectId: project.id },
        ...{ isDeleted: false, isLookedAt: false },
      });
    return {
      name: `make application credential ${name}`,
      async run() {
        const { token } = await client.login(user.name, user.password, project.id);
        const body = { application_credential: { name, secret } };
        made(textAt((await client.expect(201, 'POST', path, token, body)).body, 'application_credential.id'));
      },
      settle({ applicationCredentials }) {
        const found = applicationCredentials.find((each) => each.name === name);
        if (found !== undefined) made(found.id);
      },
    };
  }

  #removeApplicationCredential(): Write | undefined {
    const { client, intent } = this.#options;
    const credential = this.#pick(
      intent.applicationCredentials.filter(
        (each) => !each.isDeleted && intent.mayAct(each.userId, each.projectId),
      ),
    );
    const user = credential && intent.users.get(credential.userId);
    if (credential === undefined || user === undefined) return undefined;
    const removed = () => Object.assign(credential, { isDeleted: true, isLookedAt: false });
    return {
      name: `remove application credential ${credential.name}`,
      async run() {
        const { token } = await client.login(user.name, user.password, credential.projectId);
        const path = `/users/${user.id}/application_credentials/${credential.id}`;
        await client.expect(204, 'DELETE', path, token);
        removed();
      },
      settle({ applicationCredentials }) {
        if (!applicationCredentials.some(({ id }) => id === credential.id)) removed();
      },
    };
  }

  #pick<Item>(items: readonly Item[]): Item | undefined {
    return items[this.#options.random.below(Math.max(1, items.length))];
  }
}

function isAssigned(
  assignments: Snapshot['cloud']['assignments'],
  userId: string,
  projectId: string,
): boolean {
  return assignments.some(({ user, scope }) => user?.id === userId && scope.project?.id === projectId);
}
