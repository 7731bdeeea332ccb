// What keeps a decoder of strangers' files small: resource limits, no network, and where bubblewrap works a file
// system that holds only the input and the output. Every tool is tried once at the start; what does not work is left
// out, and the report says so.

import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';

export interface Sandbox {
  /** `cut`: the child sees no network interface but its own loopback. */
  network: 'cut' | 'shared';
  /** `isolated`: the child sees system libraries, the files named readable, and its working directory. */
  files: 'isolated' | 'shared';
  /** Whether CPU time, memory, file size, core dumps and open files are limited by the kernel. */
  limits: boolean;
  tools: SandboxTools;
}

export interface RunLimits {
  wallMs: number;
  cpuSeconds: number;
  /** Address space, so count the code and thread stacks too; under 512 MiB nothing encodes. */
  memoryBytes: number;
  /** Of all files in the working directory together. */
  outputBytes: number;
}

interface SandboxTools {
  nice: string[];
  prlimit?: string;
  bubblewrap?: string;
  /** `unshare` with the options that work here. */
  unshare: string[];
  setpriv: string[];
  sh?: string;
}

export interface Confinement {
  program: string;
  args: string[];
  cwd: string;
  /** Absolute paths of the files that the program may read besides its working directory. */
  readable: string[];
  limits: RunLimits;
  /** Whether it dies of SIGXCPU, as most programs do, and so tells why it ended. */
  tellsOfCpu?: boolean | undefined;
  /** Only when nobody else wants the processor. */
  idle?: boolean | undefined;
}

const run = promisify(execFile);
const TRIAL_MS = 10_000;
const IDLEST = '19';
/** Deep enough for one input, one log, a playlist, an init file and a segment for every rendition. */
const OPEN_FILES = 256;
/** A server that died before its death was to be signalled: then somebody else is the parent by now. */
const IF_PARENT_LIVES = ['-c', '[ "$PPID" = "$0" ] && exec "$@"', `${process.pid}`];
const SYSTEM_PATHS = [
  '/usr',
  '/bin',
  '/sbin',
  '/lib',
  '/lib32',
  '/lib64',
  '/etc/ld.so.cache',
  '/etc/alternatives',
  '/nix/store',
];

/** Tries each tool of `search` (a PATH value) by running `programs` under it. Never throws: the worst is an empty sandbox. */
export async function testSandbox(search: string, programs: string[]): Promise<Sandbox> {
  const [nice, prlimit, setpriv, unshare, bubblewrap, sh] = await Promise.all(
    ['nice', 'prlimit', 'setpriv', 'unshare', 'bwrap', 'sh'].map((name) => findExecutable(name, search)),
  );
  const tools: SandboxTools = { nice: [], unshare: [], setpriv: [] };
  if (nice && (await works([nice, '-n', '10', nice]))) tools.nice = [nice, '-n', '10'];
  if (prlimit && (await works([prlimit, '--core=0:0', '--', prlimit, '--version']))) tools.prlimit = prlimit;
  // A server that dies by SIGKILL takes its encoder with it.
  const bound = ['--pdeathsig', 'KILL', '--no-new-privs', '--'];
  if (setpriv && (await works([setpriv, ...bound, setpriv, '--version'])))
    tools.setpriv = [setpriv, ...bound];
  if (sh && tools.setpriv.length > 0) tools.sh = sh;
  if (bubblewrap && (await isolates(bubblewrap, programs))) tools.bubblewrap = bubblewrap;
  else if (unshare) tools.unshare = await findNetworkCut(unshare, search);
  return {
    network: tools.bubblewrap || tools.unshare.length > 0 ? 'cut' : 'shared',
    files: tools.bubblewrap ? 'isolated' : 'shared',
    limits: tools.prlimit !== undefined,
    tools,
  };
}

/** The command line that runs a program as confined as the sandbox allows. Every layer replaces itself by the next one,
 *  or dies with it, so that killing the first process group kills all. */
export function confine(sandbox: Sandbox, wanted: Confinement): string[] {
  const { tools } = sandbox;
  const { program, args } = wanted;
  const nice = wanted.idle && tools.nice.length > 0 ? tools.nice.with(-1, IDLEST) : tools.nice;
  const layers = [...nice, ...(tools.prlimit ? limitArgs(tools.prlimit, wanted) : [])];
  const isolation = tools.bubblewrap
    ? bubblewrapArgs(tools.bubblewrap, wanted)
    : [...tools.unshare, ...tools.setpriv, ...(tools.sh ? [tools.sh, ...IF_PARENT_LIVES] : [])];
  return [...layers, ...isolation, program, ...args];
}

/** The first executable file called `name` in a PATH value; an absolute path is taken as it is. */
export async function findExecutable(name: string, search: string): Promise<string | undefined> {
  const candidates = isAbsolute(name)
    ? [name]
    : search
        .split(delimiter)
        .filter(isAbsolute)
        .map((folder) => join(folder, name));
  for (const candidate of candidates) {
    try {
      await access(candidate, constants.X_OK);
      // Not its real path: the name it is called by tells some programs what they are.
      return candidate;
    } catch {
      // Not there: the next folder may have it.
    }
  }
  return undefined;
}

function limitArgs(prlimit: string, { limits, tellsOfCpu }: Confinement): string[] {
  // Soft and hard CPU limits are equal otherwise: ffmpeg would take SIGXCPU for a polite request to finish its files.
  const cpu = Math.ceil(limits.cpuSeconds);
  const hard = tellsOfCpu ? cpu + 1 : cpu;
  return [
    prlimit,
    `--cpu=${cpu}:${hard}`,
    `--as=${limits.memoryBytes}:${limits.memoryBytes}`,
    `--fsize=${limits.outputBytes}:${limits.outputBytes}`,
    '--core=0:0',
    `--nofile=${OPEN_FILES}:${OPEN_FILES}`,
    '--',
  ];
}

function bubblewrapArgs(
  bubblewrap: string,
  wanted: { program: string; cwd: string; readable: string[] },
): string[] {
  const { program, cwd, readable } = wanted;
  const installed = SYSTEM_PATHS.some((path) => program.startsWith(`${path}/`));
  return [
    bubblewrap,
    ...['--unshare-all', '--die-with-parent', '--cap-drop', 'ALL'],
    ...SYSTEM_PATHS.flatMap((path) => ['--ro-bind-try', path, path]),
    ...['--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp'],
    ...[...(installed ? [] : [program]), ...readable].flatMap((path) => ['--ro-bind', path, path]),
    ...['--bind', cwd, cwd, '--chdir', cwd, '--'],
  ];
}

async function works(command: string[]): Promise<boolean> {
  return (await output(command)) !== undefined;
}

async function output(command: string[]): Promise<string | undefined> {
  const [program, ...args] = command;
  if (program === undefined) return undefined;
  try {
    return (await run(program, args, { timeout: TRIAL_MS, killSignal: 'SIGKILL', env: {} })).stdout;
  } catch {
    return undefined;
  }
}

/** Bubblewrap counts only if every program still starts in it; one that is installed outside the system paths may miss its libraries. */
async function isolates(bubblewrap: string, programs: string[]): Promise<boolean> {
  const trials = await Promise.all(
    programs.map((program) =>
      works([...bubblewrapArgs(bubblewrap, { program, cwd: tmpdir(), readable: [] }), program, '-version']),
    ),
  );
  return trials.length > 0 && trials.every(Boolean);
}

async function findNetworkCut(unshare: string, search: string): Promise<string[]> {
  const cat = await findExecutable('cat', search);
  if (!cat) return [];
  for (const options of ['-n', '-rn']) {
    const interfaces = await output([unshare, options, '--', cat, '/proc/self/net/dev']);
    if (interfaces !== undefined && onlyLoopback(interfaces)) return [unshare, options, '--'];
  }
  return [];
}

function onlyLoopback(interfaces: string): boolean {
  const names = [...interfaces.matchAll(/^\s*([^\s:|]+):/gm)].map((match) => match[1]);
  return names.every((name) => name === 'lo');
}
