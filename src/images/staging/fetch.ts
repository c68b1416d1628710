import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { SeawallError } from '../../errors.ts';
import type { LayerFolder } from './folder.ts';
import type { FetchOrder, Layer } from './orders.ts';

/** Milliseconds without a byte after which the other host counts as gone. */
const idleMs = 20_000;

/** Gets the layers that are not whole here from another host; a part goes on where it stopped. @returns bytes that came. */
export async function fetchLayers(
  order: FetchOrder,
  folder: LayerFolder,
  onBytes: (bytes: number) => void,
): Promise<number> {
  const { certificate: ca, tlsName: servername } = order;
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca, servername, minVersion: 'TLSv1.3' });
  let fetched = 0;
  const count = (bytes: number) => {
    fetched += bytes;
    onBytes(fetched);
  };
  try {
    for (const layer of order.layers) {
      if (await folder.isWhole(layer.diffId)) continue;
      const present = await folder.partBytes(layer.diffId);
      const from = present < layer.bytes ? present : 0;
      // The part is hashed first, which may take longer than the other host's answer may stand idle.
      const open = () => ask(order, agent, layer, from);
      await folder.add(layer.diffId, from, counted(open, layer.bytes - from, count));
    }
    return fetched;
  } finally {
    agent.destroy();
  }
}

function ask(order: FetchOrder, agent: Agent, layer: Layer, from: number): Promise<IncomingMessage> {
  const { address: host, port, token } = order;
  const range = from === 0 ? {} : { Range: `bytes=${from}-` };
  const headers = { Authorization: `Bearer ${token}`, ...range };
  return new Promise((resolve, reject) => {
    const call = request({ host, port, path: `/${layer.diffId}`, headers, agent, timeout: idleMs });
    call.on('timeout', () => call.destroy(new SeawallError('timeout', `no answer from ${host}:${port}`)));
    call.on('error', reject);
    call.on('response', (response) => {
      if (response.statusCode === (from === 0 ? 200 : 206)) return resolve(response);
      response.resume();
      reject(new SeawallError('unreachable', `${host}:${port} answered with status ${response.statusCode}`));
    });
    call.end();
  });
}

async function* counted(
  open: () => Promise<AsyncIterable<Buffer>>,
  limit: number,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  let left = limit;
  for await (const chunk of await open()) {
    left -= chunk.byteLength;
    // More than was promised must not fill the disk.
    if (left < 0) throw new SeawallError('docker', 'the other host sent more bytes than the layer has');
    onBytes(chunk.byteLength);
    yield chunk;
  }
}
