import { problemAt } from '../../problems.ts';
import { child, type Node } from '../node.ts';
import { type Check, entries, guess } from './check.ts';

export function checkDependencies(service: Node, name: string, { names, disabled, problems }: Check): void {
  const dependencies = child(service, 'depends_on');
  if (dependencies?.kind !== 'map') return;
  for (const [other, entry] of dependencies.entries) {
    const path = ['services', name, 'depends_on', other];
    const required = child(entry.value, 'required');
    const isRequired = !(required?.kind === 'scalar' && required.value === false);
    if (child(entry.value, 'condition') === undefined) {
      problems.push(
        problemAt(entry.key, path, 'the key "condition" is missing', 'Add "condition: service_started".'),
      );
    }
    if (names.includes(other)) continue;
    if (disabled.has(other)) {
      const remedy = `Activate its profile with --profile, or write "required: false" beside the dependency.`;
      if (isRequired)
        problems.push(problemAt(entry.key, path, `the service "${other}" is in no active profile`, remedy));
    } else problems.push(problemAt(entry.key, path, `there is no service "${other}"${guess(other, names)}`));
  }
}

export function checkCircles(services: readonly [string, Node][], { problems }: Check): void {
  const edges = new Map(
    services.map(([name, service]) => [name, entries(child(service, 'depends_on')).map(([other]) => other)]),
  );
  const done = new Set<string>();
  const visit = (name: string, trail: readonly string[]) => {
    const at = trail.indexOf(name);
    if (at !== -1) {
      const circle = [...trail.slice(at), name];
      const service = services.find(([own]) => own === trail.at(-1))?.[1];
      const node = child(service, 'depends_on');
      const path = ['services', trail.at(-1) ?? '', 'depends_on', name];
      if (node !== undefined)
        problems.push(
          problemAt(
            node.place,
            path,
            `these services depend on each other in a circle: ${circle.join(' → ')}`,
            'Take one of them out of "depends_on:", or of "links:" or "volumes_from:", which depend as well.',
          ),
        );
      return;
    }
    if (done.has(name)) return;
    for (const other of edges.get(name) ?? []) visit(other, [...trail, name]);
    done.add(name);
  };
  for (const [name] of services) visit(name, []);
}
