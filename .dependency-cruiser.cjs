// Who may import whom, as docs/architecture.md draws it: api -> features -> platform, and nothing back.
// test/boundaries.test.ts sees every rule fire once. Types count like values: `import type` is an arrow too.

// swc's visitor stops at a `using` declaration, which it does not know; to us it is another `const`.
const { Visitor } = require('@swc/core/Visitor.js');
const { visitStatement } = Visitor.prototype;
Visitor.prototype.visitStatement = function visit(statement) {
  if (statement.type !== 'UsingDeclaration') return visitStatement.call(this, statement);
  this.visitVariableDeclarators(statement.decls);
  return statement;
};

/** A feature may import the ones before it, never the ones after. */
const featureOrder = ['users', 'profiles', 'media', 'posts', 'timelines', 'imports'];

/** What a port's open.ts chooses between. */
const adapter = '^src/platform/[^/]+/(sqlite|postgres|local|s3|memory|redis)(|-[^/]*)[.]ts$';
const port = '^src/platform/[^/]+/open[.]ts$';
const tests = '[.](test|contract)[.]ts$';
const root = '^src/((app|main|cli)[.]ts$|cli/)';

const rings = [
  {
    name: 'platform-knows-nobody',
    comment: 'Ring 3 stands on nothing of ours; its settings come in as types.',
    from: { path: '^src/platform/' },
    to: { path: '^src/', pathNot: '^src/(platform/|config[.]ts$)' },
  },
  {
    name: 'features-know-no-transport',
    comment: 'Ring 2 knows no HTTP and no start-up.',
    from: { path: '^src/features/' },
    to: { path: '^src/', pathNot: '^src/(features|platform)/' },
  },
  {
    name: 'api-knows-no-root',
    comment: 'The composition root sees the doors, not the other way round.',
    from: { path: '^src/api/', pathNot: tests },
    to: { path: root },
  },
  {
    name: 'doors-are-siblings',
    comment: 'A door can be dropped by deleting its folder.',
    from: { path: '^src/api/([^/]+)/' },
    to: { path: '^src/api/[^/]+/', pathNot: '^src/api/$1/' },
  },
  {
    name: 'only-the-root-mounts-doors',
    comment:
      'What the doors stand on (server.ts, viewer.ts) must not know a particular one; server.ts mounts them.',
    from: { path: '^src/api/[^/]+[.]ts$', pathNot: ['^src/api/server[.]ts$', tests] },
    to: { path: '^src/api/[^/]+/' },
  },
  {
    name: 'config-stays-at-the-root',
    comment: 'Settings are handed down by app.ts; only a port may name their type.',
    from: { path: '^src/', pathNot: [root, port, tests] },
    to: { path: '^src/config[.]ts$' },
  },
  {
    name: 'ports-take-config-as-a-type',
    from: { path: port },
    to: { path: '^src/config[.]ts$', dependencyTypesNot: ['type-only'] },
  },
  {
    name: 'adapters-behind-their-port',
    comment: 'Which adapter runs is decided once, in open.ts.',
    from: { path: '^src/', pathNot: ['^src/app[.]ts$', port, adapter, tests] },
    to: { path: adapter },
  },
];

const features = [
  {
    name: 'features-meet-at-index',
    from: { path: '^src/features/([^/]+)/' },
    to: { path: '^src/features/', pathNot: ['^src/features/$1/', '^src/features/[^/]+/index[.]ts$'] },
  },
  {
    name: 'others-use-a-feature-by-its-index',
    from: { path: '^src/', pathNot: ['^src/features/', tests] },
    to: { path: '^src/features/', pathNot: '^src/features/[^/]+/index[.]ts$' },
  },
  ...featureOrder.map((feature, place) => ({
    name: `${feature}-imports-earlier-features-only`,
    from: { path: `^src/features/${feature}/`, pathNot: tests },
    to: { path: '^src/features/', pathNot: `^src/features/(${featureOrder.slice(0, place + 1).join('|')})/` },
  })),
  {
    name: 'unordered-features-stand-alone',
    comment: 'A new feature gets its place in featureOrder before it meets the others.',
    from: { path: '^src/features/([^/]+)/', pathNot: [`^src/features/(${featureOrder.join('|')})/`, tests] },
    to: { path: '^src/features/', pathNot: '^src/features/$1/' },
  },
];

const packages = [
  {
    name: 'no-sql-in-api',
    from: { path: '^src/api/', pathNot: tests },
    to: { path: ['^src/platform/database/', 'node_modules/kysely/'] },
  },
  {
    name: 'drivers-only-in-platform',
    from: { path: '^src/', pathNot: ['^src/platform/', tests] },
    to: {
      path: [
        'node_modules/(better-sqlite3|pg|pg-[^/]+|ioredis|s3mini)/',
        'node_modules/@types/(better-sqlite3|pg)/',
      ],
    },
  },
  {
    name: 'web-framework-only-in-api',
    from: { path: '^src/', pathNot: ['^src/api/', '^src/app[.]ts$', tests] },
    to: { path: 'node_modules/((@types/)?ws|fastify|fastify-[^/]+|@fastify)/' },
  },
  {
    name: 'no-dev-dependencies-in-src',
    comment: 'An install for production leaves them out. Types are gone before that.',
    from: { path: '^(src|bin)/', pathNot: [tests, '^bin/build-web[.]js$'] },
    to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], pathNot: 'node_modules/@types/' },
  },
  {
    name: 'declared-packages-only',
    from: {},
    to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
  },
];

const whole = [
  { name: 'no-cycles', from: {}, to: { circular: true } },
  {
    name: 'no-orphans',
    from: { orphan: true, path: '^(src|web|bin)/', pathNot: '[.](test|d|config)[.]ts$' },
    to: {},
  },
  { name: 'imports-lead-somewhere', from: {}, to: { couldNotResolve: true } },
  {
    name: 'sources-know-no-tests',
    from: { path: '^(src|bin|web)/', pathNot: '[.](test|contract)[.]tsx?$' },
    to: { path: ['^(test|bench)/', '[.](test|contract)[.]tsx?$'] },
  },
  {
    name: 'web-stands-alone',
    comment: 'The client speaks to the server over the wire only.',
    from: { path: '^web/' },
    to: { path: '^(src|bin|bench)/' },
  },
  { name: 'server-knows-no-client', from: { path: '^(src|bin)/' }, to: { path: '^web/' } },
];

module.exports = {
  forbidden: [...rings, ...features, ...packages, ...whole].map((rule) => ({ severity: 'error', ...rule })),
  options: {
    // TypeScript 7 has no programming interface, so swc reads the sources, type-only imports included.
    parser: 'swc',
    doNotFollow: { path: 'node_modules' },
    exclude: { path: ['^web/dist/', '^data/'] },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.js', '.cjs', '.mjs', '.d.ts', '.json'],
    },
  },
};
