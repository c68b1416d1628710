import { type KeyPath, type Problem, problemAt } from '../problems.ts';
import { findKeys } from './key-index.ts';
import { isNull, type MapNode, type Node, placeAt } from './node.ts';
import { patternTable, ruleAt, walk } from './pattern.ts';
import { showScalar } from './scalar.ts';

/** A problem for every key, and every value of a key, that Seawall refuses. */
export function refusedKeys(root: MapNode): readonly Problem[] {
  const problems = findKeys(root, 'refused').map(({ row, path }) =>
    problemAt(
      placeAt(root, path, 'key'),
      path,
      `"${path.at(-1)}" is refused: ${lowerFirst(row.text)}`,
      row.remedy,
    ),
  );
  walk(root, (node, path) => {
    if (node.kind === 'scalar' && typeof node.value === 'string' && node.value.includes('\0'))
      problems.push(
        problemAt(node.place, path, 'a NUL character cannot be given to a program', 'Remove it.'),
      );
    const rule = node.kind === 'scalar' && !isNull(node) ? ruleAt(VALUE_RULES, path) : undefined;
    const refusal = rule?.(showScalar((node as Node & { kind: 'scalar' }).value), path);
    if (refusal !== undefined) problems.push(problemAt(node.place, path, refusal.text, refusal.remedy));
  });
  return problems;
}

interface Refusal {
  readonly text: string;
  readonly remedy: string;
}

type ValueRule = (value: string, path: KeyPath) => Refusal | undefined;

const lowerFirst = (text: string): string => {
  const sentence = text.replace(/\.$/, '');
  return /^(Seawall|Docker|CPU|GPU)/.test(sentence)
    ? sentence
    : sentence.charAt(0).toLowerCase() + sentence.slice(1);
};

const oneOf =
  (allowed: readonly string[], refuse: (value: string) => Refusal): ValueRule =>
  (value) =>
    allowed.includes(value) ? undefined : refuse(value);

const namespaces = (noun: string): ValueRule =>
  oneOf(['private', 'none', 'shareable', ''], (value) => ({
    text: `the ${noun} "${value}" is not private to the replica`,
    remedy:
      'Remove it; replicas move between hosts and share nothing with the host or with other containers.',
  }));

const NETWORK_MODE_REMEDIES: Readonly<Record<string, string>> = {
  host: 'Remove it: let a route lead to the service, or publish its ports with `ports:` and `expose:` in seawall.yml.',
  none: 'Give the service a network of its own with `internal: true`.',
};

const VALUE_RULES = patternTable<ValueRule>({
  'services.*.network_mode': oneOf(['bridge', 'default'], (value) => ({
    text: `the network mode "${value}" is refused: every replica has an address of its own in the private network`,
    remedy: NETWORK_MODE_REMEDIES[value] ?? 'Remove it, and let the services talk to each other by name.',
  })),
  'services.*.ipc': namespaces('IPC namespace'),
  'services.*.pid': namespaces('process namespace'),
  'services.*.uts': namespaces('name namespace'),
  'services.*.cgroup': namespaces('control group'),
  'services.*.deploy.mode': oneOf(['replicated', 'global'], (value) => ({
    text: `the mode "${value}" is refused`,
    remedy: value.endsWith('job')
      ? 'Let another service depend on this one with "condition: service_completed_successfully".'
      : 'Write replicated or global.',
  })),
  'services.*.volumes.*.type': oneOf(['bind', 'volume', 'tmpfs'], (value) => ({
    text: `mounts of type "${value}" are refused`,
    remedy: 'Use a named volume, or copy what is needed into the image.',
  })),
  'services.*.volumes.*.target': (value) =>
    value.startsWith('/')
      ? undefined
      : {
          text: `the path "${value}" in the container is not absolute`,
          remedy:
            'Start it with "/"; and give volumes names of more than one letter, which Docker Compose takes for a Windows drive.',
        },
  'networks.*.driver': oneOf(['bridge', 'overlay', 'default'], (value) => ({
    text: `the network driver "${value}" is refused: Seawall joins hosts by a network of its own`,
    remedy: 'Remove it.',
  })),
  'services.*.ports.*.protocol': oneOf(['tcp', 'udp'], (value) => ({
    text: `the protocol "${value}" cannot be published`,
    remedy: 'Use tcp or udp.',
  })),
  'services.*.restart': (value) =>
    /^(no|always|unless-stopped|on-failure(:\d+)?)$/.test(value)
      ? undefined
      : {
          text: `the restart policy "${value}" is not known`,
          remedy: 'Write no, always, unless-stopped, on-failure or on-failure:N.',
        },
  'services.*.deploy.restart_policy.condition': oneOf(['none', 'on-failure', 'any'], (value) => ({
    text: `the condition "${value}" is not known`,
    remedy: 'Write none, on-failure or any.',
  })),
  ...failureActions(['update_config', 'rollback_config']),
  'services.*.security_opt.*': (value) =>
    /^seccomp[=:](?!unconfined$|builtin$)/.test(value)
      ? {
          text: 'a seccomp profile in a file cannot be sent to the hosts',
          remedy: "Use Docker's own profile, or seccomp=unconfined.",
        }
      : undefined,
});

function failureActions(keys: readonly string[]): Record<string, ValueRule> {
  const rule = (isRollback: boolean): ValueRule =>
    oneOf(isRollback ? ['pause', 'continue'] : ['rollback', 'pause', 'continue'], (value) => ({
      text: `the failure action "${value}" is not known here`,
      remedy: isRollback ? 'Write pause or continue.' : 'Write rollback, pause or continue.',
    }));
  return Object.fromEntries(
    keys.map((key) => [`services.*.deploy.${key}.failure_action`, rule(key === 'rollback_config')]),
  );
}
