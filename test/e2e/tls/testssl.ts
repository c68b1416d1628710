/** testssl.sh as a machine beside the lab's hosts. */
import { writeFileSync } from 'node:fs';
import { runGuest } from '../../../lab/guests.ts';
import { ensureImages } from '../../../lab/images.ts';
import { testsslImage } from '../../../lab/recipes.ts';
import type { TlsStage } from './stage.ts';

/** A whole scan asks some hundred handshakes, and each is a process. */
const scanTimeoutMs = 1_500_000;

export interface Finding {
  readonly id: string;
  readonly severity: string;
  readonly finding: string;
}

/** Scans an edge for a name and keeps what was found in a file of JSON. */
export async function scan(
  stage: TlsStage,
  edge: string,
  name: string,
  trust: string,
  file: string,
): Promise<readonly Finding[]> {
  await ensureImages({ images: [testsslImage], say: () => undefined });
  // A debug output of the program may stand between the lines of the screen: the file alone is whole.
  const options = ['--quiet', '--color', '0', '--nodns', 'none', '--warnings', 'off', '--add-ca', '/ca.pem'];
  const line = `testssl ${options.join(' ')} --ip=${edge} --jsonfile /out.json ${name}:443 >&2; cat /out.json`;
  const { code, stdout, stderr } = await runGuest(
    stage.lab,
    {
      name: `${stage.name}-testssl`,
      image: testsslImage,
      number: stage.guest(5).number,
      entrypoint: 'sh',
      files: { '/ca.pem': trust },
      args: ['-c', line],
    },
    scanTimeoutMs,
  );
  if (code !== 0 || !stdout.trim().startsWith('['))
    throw new Error(`testssl.sh ended with ${code}\n${stderr.slice(-3000)}`);
  const findings = JSON.parse(stdout) as readonly Finding[];
  writeFileSync(file, `${JSON.stringify(findings, undefined, 1)}\n`);
  return findings;
}
