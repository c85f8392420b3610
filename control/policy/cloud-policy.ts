/** Who may see what projects use, and set what they may hold. */
import type { Allowance } from './rules.ts';

const admin: Allowance = { role: 'admin', scope: 'cloud' };
const systemReader: Allowance = { role: 'reader', scope: 'system' };
const projectReader: Allowance = { role: 'reader', scope: 'project', own: 'project' };
const anybody: Allowance = { scope: 'anywhere' };

export const cloudPolicy = {
  'usage:get_project': [admin, systemReader, projectReader],
  'usage:list_projects': [admin, systemReader],

  'quota:get_project': [admin, systemReader, projectReader],
  'quota:update_project': [admin],
  'quota:get_defaults': [anybody],
  'quota:update_defaults': [admin],
} as const satisfies Readonly<Record<string, readonly Allowance[]>>;
