import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseListening } from './listening.ts';

test('only listening sockets count, of both versions of IP', () => {
  const text = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:2135 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 3456 1
   1: 0B00630A:0016 0100630A:C350 01 00000000:00000000 00:00000000 00000000     0        0 3457 1
  sl  local_address                         remote_address                        st
   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 5 1`;
  assert.deepEqual([...parseListening(text)].sort(), [80, 8501]);
});
