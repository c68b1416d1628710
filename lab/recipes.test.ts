import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cacheFile, labRecipes, type Recipe, recipeHash } from './recipes.ts';

const recipe: Recipe = { image: 'nginx:1.30', base: 'debian:forky-slim', folder: 'nginx', isPublic: true };
const file = { name: 'Dockerfile', mode: 0o644, bytes: Buffer.from('FROM debian') };

test('every image comes after its base', () => {
  const seen = new Set<string>();
  for (const { image, base, suite } of labRecipes('x64')) {
    assert.ok(suite || seen.has(base ?? ''), `${image} stands before ${base}`);
    seen.add(image);
  }
});

test('the names that users write are all there', () => {
  const images = labRecipes('arm64').map(({ image }) => image);
  const names = [
    'debian:trixie-slim',
    'nginx:1.30',
    'node:24-slim',
    'python:3.13-slim',
    'postgres:17',
    'redis:8',
  ];
  for (const name of names) assert.ok(images.includes(name), name);
});

test('what only some tests need is not made for everybody', () => {
  const extra = labRecipes('x64').filter(({ isExtra }) => isExtra);
  assert.deepEqual(extra.map(({ image }) => image).sort(), [
    'bind:9',
    'certbot/certbot:v5.5.0',
    'haproxy:3.2',
    'nginx:alpine',
    'pebble:2.10',
    'python:3.14-slim',
    'redis:7-alpine',
    'seawall-lab/faketime:1',
    'testssl:3.2',
  ]);
});

test('a hash stays for the same files in another order, and changes with a byte, a mode or the base', () => {
  const other = { name: 'init.sh', mode: 0o755, bytes: Buffer.from('#!/bin/sh') };
  const hash = recipeHash(recipe, [file, other], 'base');
  assert.equal(recipeHash(recipe, [other, file], 'base'), hash);
  assert.notEqual(recipeHash(recipe, [file], 'base'), hash);
  assert.notEqual(recipeHash(recipe, [file, { ...other, mode: 0o644 }], 'base'), hash);
  assert.notEqual(recipeHash(recipe, [file, { ...other, bytes: Buffer.from('#!/bin/bash') }], 'base'), hash);
  assert.notEqual(recipeHash(recipe, [file, other], 'other base'), hash);
});

test('an image is cached under a name that a file may have', () => {
  assert.equal(cacheFile('seawall-lab/host:28.5', 'abc'), 'seawall-lab_host_28.5-abc.tar');
});
