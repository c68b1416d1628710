'use strict';
// Kept in the oldest JavaScript, so that an old Node reaches the sentence below instead of a syntax error.
var parts = process.versions.node.split('.').map(Number);
if (parts[0] < 22 || (parts[0] === 22 && parts[1] < 18)) {
  process.stderr.write(
    'seawall: Node 22.18 or newer is needed, this is ' + process.version + ' (' + process.execPath + ')\n',
  );
  process.exit(2);
}
var path = require('node:path');
var url = require('node:url');
var root = path.dirname(__dirname);
var bundle = path.join(root, 'dist', 'main.js');
// SEAWALL_SOURCE=1 runs a checkout's sources although a bundle was built.
var isBuilt = process.env.SEAWALL_SOURCE !== '1' && require('node:fs').existsSync(bundle);
import(url.pathToFileURL(isBuilt ? bundle : path.join(root, 'src', 'main.ts')).href);
