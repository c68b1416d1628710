'use strict';
// Kept in the oldest JavaScript, so that an old Node reaches the sentence below instead of a syntax error.
var parts = process.versions.node.split('.').map(Number);
if (parts[0] < 22 || (parts[0] === 22 && parts[1] < 18)) {
  process.stderr.write(
    'seawall: Node 22.18 or newer is needed, this is ' + process.version + ' (' + process.execPath + ')\n',
  );
  process.exit(2);
}
var fs = require('node:fs');
var path = require('node:path');
var url = require('node:url');
var root = path.dirname(__dirname);
var bundle = path.join(root, 'dist', 'main.js');
var sources = path.join(root, 'src');

/** The bundle, unless a checkout's sources are newer than it: then they are what the developer means. */
function isCurrent() {
  if (!fs.existsSync(bundle)) return false;
  if (!fs.existsSync(sources)) return true;
  var builtAt = fs.statSync(bundle).mtimeMs;
  return fs.readdirSync(sources, { recursive: true }).every(function (name) {
    return !name.endsWith('.ts') || name.endsWith('.test.ts') || fs.statSync(path.join(sources, name)).mtimeMs <= builtAt;
  });
}

import(url.pathToFileURL(isCurrent() ? bundle : path.join(sources, 'main.ts')).href);
