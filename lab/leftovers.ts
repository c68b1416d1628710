import { runCommand } from './command.ts';
import { besideLabel, folderLabel, labLabel, labPrefix } from './lab.ts';

/** A container that plays a machine of a lab. */
export interface LabContainer {
  readonly id: string;
  readonly lab: string;
  /** The machine it plays: `host1`, `foreign`. */
  readonly machine: string;
  /** The state folder of its lab. */
  readonly folder: string;
  /** As Docker says it: `running`, `exited`, `created`. */
  readonly state: string;
}

/** The containers on the engine that carry the label of this lab, or of any. */
export async function findContainers(lab?: string): Promise<LabContainer[]> {
  const format = `{{.ID}}\t{{.Names}}\t{{.Label "${labLabel}"}}\t{{.Label "${folderLabel}"}}\t{{.State}}`;
  const listed = await runCommand('docker', ['ps', '--all', ...labFilter(lab), '--format', format]);
  return listed
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [id = '', name = '', of = '', folder = '', state = ''] = line.split('\t');
      return { id, lab: of, machine: name.slice(labPrefix(of).length + 1), folder, state };
    })
    .sort(
      (a, b) => a.lab.localeCompare(b.lab) || a.machine.localeCompare(b.machine, 'en', { numeric: true }),
    );
}

/** Removes the containers, volumes and networks that carry the label of this lab, or of any, and what stands beside. */
export async function removeLeftovers(lab?: string): Promise<void> {
  const filter = labFilter(lab);
  const beside = ['ps', '--all', '--quiet', ...labFilter(lab, besideLabel)];
  await removeAll(beside, ['rm', '--force', '--volumes']);
  await removeAll(['ps', '--all', '--quiet', ...filter], ['rm', '--force', '--volumes']);
  await removeAll(['volume', 'ls', '--quiet', ...filter], ['volume', 'rm', '--force']);
  await removeAll(['network', 'ls', '--quiet', ...filter], ['network', 'rm']);
}

async function removeAll(list: readonly string[], remove: readonly string[]): Promise<void> {
  const found = (await runCommand('docker', list)).split('\n').filter(Boolean);
  if (found.length > 0) await runCommand('docker', [...remove, ...found]);
}

function labFilter(lab: string | undefined, label = labLabel): string[] {
  return ['--filter', `label=${lab === undefined ? label : `${label}=${lab}`}`];
}
