// The operator's verbs. Each prints plain lines and answers an exit code: 0 done, 1 failed, 64 wrong use, 75 not just now, 78 bad setting.
import { createInterface } from 'node:readline/promises';
import { type App, createApp } from './app.ts';
import { parse, print, UsageError } from './cli/arguments.ts';
import { backupVerb, copyDatabaseVerb, copyStorageVerb, restoreVerb } from './cli/copies.ts';
import { type Config, ConfigError, readConfig, readEnvironment, TemporaryFailure } from './config.ts';
import { formatReport } from './features/imports/index.ts';
import { explainStart, serve } from './main.ts';
import { DomainError } from './platform/errors.ts';
import { openForeignDatabase } from './platform/foreign-databases/open.ts';
import { createLogger } from './platform/logger.ts';
import { createSeedClock } from './seed/clock.ts';
import { seed } from './seed.ts';

const USAGE = `Usage: npm run veranda -- <verb>

  serve                      run the site (npm start): web and jobs, or what ROLES says
  work                       run jobs only, beside processes that serve
  migrate                    bring the database up to this version
  seed                       fill an empty site with people, posts, pictures and videos
  create-admin --username NAME --email ADDRESS [--first-name NAME] [--last-name NAME]
                             an admin may delete what anybody said; asks for the
                             password, or reads it from standard input
  create-user --username NAME --email ADDRESS --first-name NAME --last-name NAME
                             an ordinary account, the same way
  users                      list everybody
  users suspend NAME         sign somebody out everywhere and keep them out
  users restore NAME         let them in again
  users password NAME        give somebody who forgot it a new password, which is asked
                             for or read; signs them out everywhere
  users delete NAME          remove an account with all that they said, liked and uploaded;
                             asks for the name once more
  users promote NAME         make somebody an admin
  users demote NAME          make an admin an ordinary user
  import-django --database FILE-OR-URL --media FOLDER
                             bring an original Django site over (docs/moving-in.md)
  copy-database --from URL --to URL
                             copy the rows of a stopped site into an empty database of
                             either engine (sqlite:PATH, postgres://…); run again, it goes on
  copy-storage --from PLACE --to PLACE [--verify]
                             copy files between a data folder and s3://BUCKET, passing
                             over those that are there; --verify reads and compares all
  backup --to FOLDER         copy the site, also while it runs, into an empty folder
  restore --from FOLDER      fill an empty site from a backup, whatever it was made on
  jobs                       list waiting, running and dead jobs
  jobs retry ID              give a dead job all its tries again
`;

type Verb = (call: { config: Config; args: string[] }) => Promise<number>;

const verbs: Record<string, Verb> = {
  serve: ({ config }) => serve(config, print),
  work: ({ config }) => serve({ ...config, roles: { serve: false, work: true } }, print),
  migrate: ({ config }) =>
    withApp(config, async (app) => print(`${app.report.database}: the schema is up to date`)),
  seed: ({ config }) => plant(config),
  'create-admin': ({ config, args }) => withApp(config, async (app) => createAdmin(app, args)),
  'create-user': ({ config, args }) => withApp(config, async (app) => createUser(app, args)),
  users: ({ config, args }) => withApp(config, async (app) => users(app, args)),
  'import-django': ({ config, args }) => withApp(config, async (app) => importDjango(app, args)),
  'copy-database': copyDatabaseVerb,
  'copy-storage': copyStorageVerb,
  backup: backupVerb,
  restore: restoreVerb,
  jobs: ({ config, args }) => withApp(config, async (app) => jobs(app, args)),
};

export async function main([name = 'help', ...args]: string[]): Promise<number> {
  if (name === 'help' || name === '--help') {
    print(USAGE);
    return 0;
  }
  const verb = Object.hasOwn(verbs, name) ? verbs[name] : undefined;
  if (!verb) return report(new UsageError(`${name} is no verb of this program`));
  try {
    return await verb({ config: readConfig(readEnvironment()), args });
  } catch (error) {
    return report(error);
  }
}

function report(error: unknown): number {
  if (error instanceof UsageError) return fail(`${error.message}\n\n${USAGE}`, 64);
  if (error instanceof TemporaryFailure) return fail(error.message, 75);
  if (error instanceof ConfigError) return fail(error.message, 78);
  if (error instanceof DomainError) {
    const fields = Object.entries(error.details.fields ?? {}).map(
      ([field, sentences]) => `${field}: ${sentences.join(' ')}`,
    );
    return fail(fields.join('\n') || error.message, 1);
  }
  return fail(error instanceof Error ? error.message : String(error), 1);
}

/** It neither serves nor works: the jobs of what is done are left to the processes that do. */
async function withApp(given: Config, work: (app: App) => Promise<void>): Promise<number> {
  const config = { ...given, roles: { serve: false, work: false } };
  await using app = await createApp({ config, logger: createLogger('warn', process.stderr) }).catch(
    (error: unknown) => {
      throw explainStart(error, config);
    },
  );
  await work(app);
  return 0;
}

/** The only verb that runs on a clock of its own. */
async function plant(config: Config): Promise<number> {
  const clock = createSeedClock();
  await using app = await createApp({ config, logger: createLogger('warn', process.stderr), now: clock.now });
  await seed({ ...app, clock }, print);
  return 0;
}

const ACCOUNT = {
  username: { type: 'string' },
  email: { type: 'string' },
  'first-name': { type: 'string', default: '' },
  'last-name': { type: 'string', default: '' },
} as const;

async function createAdmin(app: App, args: string[]): Promise<void> {
  const { username, email, 'first-name': first, 'last-name': last } = parse(args, ACCOUNT).values;
  if (!username || !email) throw new UsageError('create-admin needs --username and --email');
  const names = { firstName: first || 'Site', lastName: last || 'Admin' };
  const form = { username, email, ...names, password: await askPassword() };
  const { userId } = await app.profiles.signUp({ form, role: 'admin', address: 'cli' });
  print(`admin ${username} is user ${userId}`);
}

async function createUser(app: App, args: string[]): Promise<void> {
  const { username, email, 'first-name': firstName, 'last-name': lastName } = parse(args, ACCOUNT).values;
  if (!username || !email || !firstName || !lastName)
    throw new UsageError('create-user needs --username, --email, --first-name and --last-name');
  const form = { username, email, firstName, lastName, password: await askPassword() };
  const { userId } = await app.profiles.signUp({ form, address: 'cli' });
  print(`${username} is user ${userId}`);
}

async function users(app: App, [action, name, ...rest]: string[]): Promise<void> {
  if (action === undefined) {
    for (const user of await app.users.accounts.list()) {
      print(
        [
          user.id,
          user.username,
          user.email,
          user.role,
          new Date(user.createdAt).toISOString(),
          user.suspendedAt ? 'suspended' : '',
        ].join('\t'),
      );
    }
    return;
  }
  const change = Object.hasOwn(USER_CHANGES, action) ? USER_CHANGES[action] : undefined;
  if (!change || !name || rest.length > 0)
    throw new UsageError(`users ${Object.keys(USER_CHANGES).join('|')} NAME`);
  print(`${name} ${await change(app, name)}`);
}

/** What may be done to an account; each answers what it is then. */
const USER_CHANGES: Record<string, (app: App, username: string) => Promise<string>> = {
  async suspend({ users: { accounts } }, username) {
    await accounts.setSuspended({ username, suspended: true });
    return 'is suspended';
  },
  async restore({ users: { accounts } }, username) {
    await accounts.setSuspended({ username, suspended: false });
    return 'is restored';
  },
  async password({ users: { passwords } }, username) {
    await passwords.reset({ username, password: await askPassword() });
    return 'has a new password';
  },
  async delete({ posts }, username) {
    const repeated = await ask('This cannot be undone. The name once more: ', { isShown: true });
    if (repeated !== username) throw new UsageError('that was another name; nobody is deleted');
    await posts.departures.remove({ username });
    return 'is deleted';
  },
  async promote({ users: { accounts } }, username) {
    await accounts.setRole({ username, role: 'admin' });
    return 'is an admin';
  },
  async demote({ users: { accounts } }, username) {
    await accounts.setRole({ username, role: 'user' });
    return 'is an ordinary user';
  },
};

async function importDjango(app: App, args: string[]): Promise<void> {
  const text = { type: 'string' } as const;
  const { database, media } = parse(args, { database: text, media: text }).values;
  if (!database || !media) throw new UsageError('import-django needs --database and --media');
  await using source = await openForeignDatabase(database);
  let saidAt = Date.now();
  const report = await app.imports.importDjango({
    source,
    mediaFolder: media,
    onProgress({ table, read }) {
      if (Date.now() - saidAt < 5_000) return;
      saidAt = Date.now();
      print(`${table}: ${read.toLocaleString('en')} rows read`);
    },
  });
  formatReport(report).forEach(print);
}

async function jobs(app: App, [action, id, ...rest]: string[]): Promise<void> {
  if (action === undefined) {
    const now = Date.now();
    for (const job of await app.jobs.list()) {
      const running = job.leaseUntil > now ? 'running' : 'waiting';
      print(
        [
          job.id,
          job.kind,
          job.deadAt ? 'dead' : running,
          `try ${job.attempts} of ${job.maxAttempts}`,
          job.payload,
          job.lastError ?? '',
          job.requestId ?? '',
        ].join('\t'),
      );
    }
    return;
  }
  if (action !== 'retry' || !/^\d+$/.test(id ?? '') || rest.length > 0) throw new UsageError('jobs retry ID');
  await app.jobs.retry(Number(id));
  print(`job ${id} waits again`);
}

const askPassword = (): Promise<string> => ask('Password: ', { isShown: false });

/** What is typed on a terminal, where it may be shown; one line of standard input otherwise. */
async function ask(question: string, { isShown }: { isShown: boolean }): Promise<string> {
  const terminal = process.stdin.isTTY;
  if (terminal) process.stdout.write(question);
  const lines = createInterface({
    ...{ input: process.stdin, terminal },
    ...(terminal && isShown && { output: process.stdout }),
  });
  const [line = ''] = await Promise.race([lines.question('').then((answer) => [answer]), onceClosed(lines)]);
  lines.close();
  return line;
}

function onceClosed(lines: ReturnType<typeof createInterface>): Promise<string[]> {
  return new Promise((resolve) => lines.once('close', () => resolve([])));
}

function fail(line: string, code: number): number {
  process.stderr.write(`${line}\n`);
  return code;
}
