/** What one client knows it has asked for and been answered. It alone changes these things, so everything about them is known. */

export interface Project {
  readonly id: string;
  readonly name: string;
}

export interface User {
  readonly id: string;
  readonly name: string;
  password: string;
  formerPassword: string | undefined;
  /** Since its password was last looked at. */
  hasNewPassword: boolean;
  /** Ids of projects on which it is a member. */
  readonly memberOf: Set<string>;
}

export interface Key {
  readonly userId: string;
  readonly projectId: string;
  readonly access: string;
  readonly secret: string;
  isDeleted: boolean;
}

export interface ApplicationCredential {
  readonly id: string;
  readonly name: string;
  readonly secret: string;
  readonly userId: string;
  readonly projectId: string;
  isDeleted: boolean;
  /** Whether a login has shown what it is worth since that last changed; logins are dear. */
  isLookedAt: boolean;
}

export interface Token {
  readonly token: string;
  readonly userId: string;
  readonly projectId: string;
  isRevoked: boolean;
}

export class Intent {
  readonly prefix: string;
  readonly projects = new Map<string, Project>();
  readonly users = new Map<string, User>();
  readonly keys: Key[] = [];
  readonly applicationCredentials: ApplicationCredential[] = [];
  readonly tokens: Token[] = [];

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  mayAct(userId: string, projectId: string): boolean {
    return this.projects.has(projectId) && this.users.get(userId)?.memberOf.has(projectId) === true;
  }

  revokeTokens(isMeant: (token: Token) => boolean): void {
    for (const token of this.tokens) if (isMeant(token)) token.isRevoked = true;
  }

  removeProject(id: string): void {
    this.projects.delete(id);
    for (const user of this.users.values()) user.memberOf.delete(id);
    this.revokeTokens(({ projectId }) => projectId === id);
    this.#end(({ projectId }) => projectId === id);
  }

  removeUser(id: string): void {
    this.users.delete(id);
    this.revokeTokens(({ userId }) => userId === id);
    this.#end(({ userId }) => userId === id);
  }

  /** What a user had on a project is worth something else now. */
  lookAgain(userId: string, projectId: string): void {
    for (const each of this.applicationCredentials)
      if (each.userId === userId && each.projectId === projectId) each.isLookedAt = false;
  }

  #end(isMeant: (each: Key | ApplicationCredential) => boolean): void {
    for (const key of this.keys) if (isMeant(key)) key.isDeleted = true;
    for (const each of this.applicationCredentials)
      if (isMeant(each)) Object.assign(each, { isDeleted: true, isLookedAt: false });
  }
}
