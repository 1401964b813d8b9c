/**
 * Fetches Apache ZooKeeper releases (with what a server needs at run time) from Maven Central through `mvn`, once per machine, and
 * compiles our small Java helpers against each of them. Nothing here is part of the product: the product needs no Java.
 */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runCommand } from './run-command.ts'

export const supportedVersions = ['3.4.14', '3.5.10', '3.6.4', '3.7.2', '3.8.4', '3.9.5'] as const
export type SupportedVersion = (typeof supportedVersions)[number]

export type Jars = { readonly classPath: readonly string[] } | { readonly missing: string }

/** Raised when the recipe below changes, so that a cache filled by an older recipe is not used. */
const RECIPE = 'r2'
const DOWNLOAD_TIMEOUT_MS = 240_000
const COMPILE_TIMEOUT_MS = 120_000

const javaFolder = 'test/real/testbed/java'
const repositoryRoot = findRepositoryRoot(fileURLToPath(import.meta.url))
const javaSources = join(repositoryRoot, javaFolder)

/** This file runs from its source (vitest) and compiled from `.build` (scripts): the repository is the nearest parent that holds the Java sources. */
function findRepositoryRoot(from: string): string {
  const parent = dirname(from)
  if (existsSync(join(parent, javaFolder))) return parent
  if (parent === from) throw new Error(`no parent folder holds ${javaFolder}`)
  return findRepositoryRoot(parent)
}

/** ZOOARK_TEST_CACHE, or a folder under node_modules that `npm ci` throws away. */
export function cacheDirectory(): string {
  return process.env['ZOOARK_TEST_CACHE'] ?? join(repositoryRoot, 'node_modules/.cache/zooark')
}

const ensured = new Map<string, Promise<Jars>>()

/** The jars of a ZooKeeper release and our helpers compiled against it; `missing` is one sentence fit for a skipped test's title. */
export function ensureZooKeeper(version: string): Promise<Jars> {
  let jars = ensured.get(version)
  if (jars === undefined) {
    jars = ensure(version)
    ensured.set(version, jars)
  }
  return jars
}

async function ensure(version: string): Promise<Jars> {
  if (!/^\d+\.\d+\.\d+$/.test(version)) return { missing: `'${version}' is not a ZooKeeper release` }
  for (const [program, flag] of [
    ['java', '-version'],
    ['javac', '-version'],
  ] as const) {
    const outcome = await runCommand(program, [flag], { timeoutMs: 20_000 })
    if (outcome.code !== 0) return { missing: `${program} does not run on this machine` }
  }
  const release = await ensureDirectory('zookeeper', `${version}-${RECIPE}`, (directory) => download(version, directory))
  if ('missing' in release) return release
  const lib = join(release.directory, 'lib')
  const jars = (await readdir(lib))
    .filter((name) => name.endsWith('.jar'))
    .sort()
    .map((name) => join(lib, name))
  const classPath = [join(release.directory, 'conf'), ...jars]
  const digest = await digestOf(javaSources)
  const helpers = await ensureDirectory('helpers', `${version}-${digest}`, (directory) => compile(classPath, directory))
  if ('missing' in helpers) return helpers
  return { classPath: [helpers.directory, ...classPath] }
}

type Directory = { readonly directory: string } | { readonly missing: string }

/** Fills a cache folder beside its final place and renames it: a half-filled folder is never seen, and of two fillers one wins. */
async function ensureDirectory(kind: string, name: string, fill: (directory: string) => Promise<string | undefined>): Promise<Directory> {
  const parent = join(cacheDirectory(), kind)
  const directory = join(parent, name)
  if (await exists(directory)) return { directory }
  await mkdir(parent, { recursive: true })
  const draft = await mkdtemp(join(parent, `.draft-${name}-`))
  try {
    const failure = await fill(draft)
    if (failure !== undefined) return { missing: failure }
    await rename(draft, directory).catch(async (error: unknown) => {
      if (!(await exists(directory))) throw error
    })
    return { directory }
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

async function download(version: string, directory: string): Promise<string | undefined> {
  const maven = await runCommand('mvn', ['-v'], { timeoutMs: 60_000 })
  if (maven.code !== 0) return `mvn does not run on this machine and ZooKeeper ${version} is not in the test cache`
  await writeFile(join(directory, 'pom.xml'), pomOf(version))
  const outcome = await runCommand(
    'mvn',
    ['-q', '-B', 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${join(directory, 'lib')}`],
    { timeoutMs: DOWNLOAD_TIMEOUT_MS, cwd: directory },
  )
  if (outcome.timedOut) return `downloading ZooKeeper ${version} took longer than ${DOWNLOAD_TIMEOUT_MS / 1000} s`
  if (outcome.code !== 0) return `downloading ZooKeeper ${version} failed: ${oneLine(outcome.tail)}`
  const conf = join(directory, 'conf')
  await mkdir(conf)
  await writeFile(join(conf, 'logback.xml'), logbackConfiguration)
  await writeFile(join(conf, 'log4j.properties'), log4jConfiguration)
  return undefined
}

async function compile(classPath: readonly string[], directory: string): Promise<string | undefined> {
  const sources = (await readdir(javaSources)).filter((name) => name.endsWith('.java')).map((name) => join(javaSources, name))
  const args = ['-nowarn', '-proc:none', '-encoding', 'UTF-8', '-cp', classPath.join(':'), '-d', directory, ...sources]
  const outcome = await runCommand('javac', args, { timeoutMs: COMPILE_TIMEOUT_MS })
  if (outcome.code !== 0) return `compiling the Java helpers failed: ${oneLine(outcome.tail)}`
  return undefined
}

interface Artifact {
  readonly group: string
  readonly name: string
  readonly version: string
}

/** ZooKeeper leaves these out of its pom's runtime scope ("provided"), though the server loads them. Versions follow each release's own build. */
function providedBy(version: string): Artifact[] {
  const minor = Number(version.split('.')[1])
  if (minor < 5) return []
  const jetty = { 5: '9.4.46.v20220331', 6: '9.4.49.v20220914', 7: '9.4.52.v20230823', 8: '9.4.53.v20231009' }[minor] ?? '9.4.57.v20241219'
  const artifacts: Artifact[] = [
    { group: 'org.eclipse.jetty', name: 'jetty-server', version: jetty },
    { group: 'org.eclipse.jetty', name: 'jetty-servlet', version: jetty },
    { group: 'com.fasterxml.jackson.core', name: 'jackson-databind', version: '2.15.2' },
    { group: 'commons-cli', name: 'commons-cli', version: '1.5.0' },
  ]
  if (minor === 5) artifacts.push({ group: 'com.googlecode.json-simple', name: 'json-simple', version: '1.1.1' })
  if (minor >= 6) {
    artifacts.push({ group: 'io.dropwizard.metrics', name: 'metrics-core', version: minor === 6 ? '3.2.5' : '4.1.12.1' })
    artifacts.push({ group: 'org.xerial.snappy', name: 'snappy-java', version: '1.1.10.5' })
  }
  if (minor <= 7) artifacts.push({ group: 'org.slf4j', name: 'slf4j-reload4j', version: '1.7.36' })
  if (minor >= 9) artifacts.push({ group: 'ch.qos.logback', name: 'logback-classic', version: '1.3.15' })
  return artifacts
}

function pomOf(version: string): string {
  const artifacts = [{ group: 'org.apache.zookeeper', name: 'zookeeper', version }, ...providedBy(version)]
  const dependencies = artifacts.map(
    (a) => `<dependency><groupId>${a.group}</groupId><artifactId>${a.name}</artifactId><version>${a.version}</version></dependency>`,
  )
  return [
    '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>',
    '<groupId>org.zooark.test</groupId><artifactId>testbed</artifactId><version>1</version><packaging>pom</packaging>',
    `<dependencies>${dependencies.join('\n')}</dependencies></project>`,
  ].join('\n')
}

const logbackConfiguration = `<configuration>
  <appender name="OUT" class="ch.qos.logback.core.ConsoleAppender"><encoder><pattern>%d{ISO8601} %-5level [%thread] %logger{0} - %msg%n</pattern></encoder></appender>
  <root level="\${zooark.log.level:-INFO}"><appender-ref ref="OUT"/></root>
</configuration>
`
const log4jConfiguration = `zooark.log.level=INFO
log4j.rootLogger=\${zooark.log.level}, OUT
log4j.appender.OUT=org.apache.log4j.ConsoleAppender
log4j.appender.OUT.layout=org.apache.log4j.PatternLayout
log4j.appender.OUT.layout.ConversionPattern=%d{ISO8601} %-5p [%t] %c{1} - %m%n
`

async function digestOf(directory: string): Promise<string> {
  const hash = createHash('sha256')
  for (const name of (await readdir(directory)).filter((entry) => entry.endsWith('.java')).sort()) {
    hash
      .update(name)
      .update('\0')
      .update(await readFile(join(directory, name)))
      .update('\0')
  }
  return hash.digest('hex').slice(0, 16)
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

function oneLine(text: string): string {
  return text
    .replace(/\u001b\[[0-9;]*m/g, '')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(-400)
}
