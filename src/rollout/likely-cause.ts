/** A rule of experience: what shows in state, probe and log, and what it mostly means. */
interface Rule {
  readonly when: RegExp;
  readonly cause: string;
}

const RULES: readonly Rule[] = [
  {
    when: /out of memory|\bcode 137\b/i,
    cause: 'It needs more memory than deploy.resources.limits.memory allows, or it was killed.',
  },
  { when: /exec format error/i, cause: 'The image was built for another platform than the host has.' },
  {
    when: /\bcode 127\b|executable file not found|command not found/i,
    cause: 'Its command does not exist in the image.',
  },
  {
    when: /\bcode 126\b|permission denied/i,
    cause: 'Its command, or a file it needs, may not be used by the user it runs as.',
  },
  {
    when: /address already in use|EADDRINUSE/i,
    cause: 'Something in the same container already listens on its port.',
  },
  {
    when: /could not translate host name|Name or service not known|ENOTFOUND|getaddrinfo|Temporary failure in name resolution/i,
    cause: 'It asks for a name that is no service of this project, or that has no healthy replica.',
  },
  {
    when: /ECONNREFUSED.*(5432|6379|3306)|connection (to server .* )?(failed|refused)|could not connect to server/i,
    cause:
      'A service it depends on does not accept connections; depends_on with condition: service_healthy makes it wait.',
  },
  {
    when: /password authentication failed|Access denied for user/i,
    cause: 'The database refuses its user or password.',
  },
  {
    when: /DisallowedHost|Invalid HTTP_HOST header/i,
    cause:
      'The application refuses the host name it is asked by: allow the probe address in its ALLOWED_HOSTS.',
  },
  {
    when: /relation ".*" does not exist|no such table/i,
    cause: 'The database schema is older than the code: a migration did not run.',
  },
  {
    when: /KeyError: '[A-Z_]+'|(setting|environment variable)\b.*\b(missing|not set|required)|must be set|ImproperlyConfigured/i,
    cause: 'A setting that it needs is missing in its environment.',
  },
  {
    when: /ModuleNotFoundError|Cannot find module|ImportError/i,
    cause: 'A dependency is missing in the image.',
  },
  {
    when: /connection refused|ECONNREFUSED/i,
    cause: 'Nothing listens on the port that is probed: the program listens on 127.0.0.1 or on another port.',
  },
  {
    when: /→ 5\d\d\b|\b5\d\d (Internal|Service|Bad)/i,
    cause: 'The application answers with an error of its own; its log says why.',
  },
  {
    when: /timed? ?out|ETIMEDOUT/i,
    cause: 'The application accepts connections but does not answer in time.',
  },
];

/** The first rule that fits what is known of a failure; undefined when none does. Pure. */
export function likelyCause(what: string, lastProbe: string, log: readonly string[]): string | undefined {
  const text = [what, ...log, lastProbe].join('\n');
  return RULES.find((rule) => rule.when.test(text))?.cause;
}
