import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  type ComposeCase,
  ownCases,
  portable,
  publicCases,
  publicFolder,
  publicIndex,
  rejectedCases,
} from '../../test/golden/compose-cases.ts';
import { type ComposeProject, loadCompose } from './project.ts';
import type { Files } from './sources.ts';

const loaded = new Map<ComposeCase, ComposeProject>();

function load(project: ComposeCase): ComposeProject {
  const known = loaded.get(project) ?? loadCompose(project, filesOf(project));
  loaded.set(project, known);
  return known;
}

function filesOf(project: ComposeCase): Files {
  return {
    home: project.env.HOME ?? '',
    show: (path) => path,
    read: (path) => (existsSync(path) && statSync(path).isFile() ? readFileSync(path, 'utf8') : undefined),
  };
}

/** Without `x-` keys below the top level, which `docker compose config --format json` leaves out. */
function withoutExtensions(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => withoutExtensions(item, depth + 1));
  const entries = Object.entries(value).filter(([key]) => depth === 0 || !key.startsWith('x-'));
  return Object.fromEntries(
    entries.map(([key, inner]) => [key, key.startsWith('x-') ? inner : withoutExtensions(inner, depth + 1)]),
  );
}

const [own, open] = [ownCases(), publicCases()];

for (const project of [...own, ...open]) {
  const of = project.origin === undefined ? project.name : `${project.name} of ${project.origin}`;
  test(`the model of ${of} is the one that Docker Compose 2.40 prints`, () => {
    const { model, problems, refusals } = load(project);
    const serious = problems.filter(
      (problem) => problem.severity !== 'warning' && !refusals.includes(problem),
    );
    assert.deepEqual(serious, []);
    const expected: unknown = JSON.parse(readFileSync(project.record, 'utf8'));
    const actual: unknown = JSON.parse(portable(JSON.stringify(model), project));
    assert.deepEqual(withoutExtensions(actual), expected);
  });
}

for (const project of rejectedCases()) {
  test(`${project.name}, which Docker Compose 2.40 rejects, is rejected with a place in the file`, () => {
    const { problems, refusals } = load(project);
    const serious = problems.filter(
      (problem) => problem.severity !== 'warning' && !refusals.includes(problem),
    );
    assert.notDeepEqual(serious, [], readFileSync(project.record, 'utf8'));
    for (const { file, line, column } of serious)
      assert.ok(file.startsWith(project.root) && line > 0 && column > 0);
  });
}

test('at least a hundred projects resolve as in Docker Compose without a refused key, half of them public', (t) => {
  const isHandled = (project: ComposeCase) => load(project).refusals.length === 0;
  const [ours, theirs] = [own.filter(isHandled).length, open.filter(isHandled).length];
  t.diagnostic(
    `${ours + theirs} projects without a refused key resolve as in Docker Compose 2.40.3, ${theirs} of them unaltered from ${Object.keys(publicIndex().projects).length} public projects; ${rejectedCases().length} are rejected as by it`,
  );
  assert.ok(ours + theirs >= 100, `${ours} own and ${theirs} public ones`);
  assert.ok(theirs >= 50, `${theirs} public ones`);
});

test('every public file is unaltered and comes with its licence', () => {
  const { projects, cases } = publicIndex();
  for (const [name, { files, licence, repository, version }] of Object.entries(projects)) {
    assert.ok(licence !== '' && version !== '' && repository.startsWith('https://'), name);
    assert.ok(existsSync(join(publicFolder, name, 'LICENSE')), `${name} has no licence`);
    for (const [file, sha256] of Object.entries(files)) {
      const bytes = readFileSync(join(publicFolder, name, file));
      assert.equal(createHash('sha256').update(bytes).digest('hex'), sha256, `${name}/${file} was changed`);
    }
  }
  for (const { name, project, files = [] } of cases) {
    for (const file of files)
      assert.ok(projects[project]?.files[file], `${name}: ${file} is not in the index`);
  }
});
