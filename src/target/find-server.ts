import { constants } from 'node:fs'
import { access, readdir } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

/** Where to look for an Apache ZooKeeper; everything that is there is handed in. */
export interface ServerTools {
  /** Directory with the jars; given, nothing else is looked at. */
  readonly jars?: string
  /** ZOOKEEPER_HOME: a release as it is unpacked. */
  readonly zookeeperHome?: string
  readonly javaHome?: string
  /** PATH. */
  readonly searchPath?: string
}

export interface FoundServer {
  /** Path of the program. */
  readonly java: string
  readonly classPath: readonly string[]
}

/** Where Debian and its relatives put jars. */
const systemJars = '/usr/share/java'
/** A directory with more jars than any release of ZooKeeper brings is one of many programs: only what ZooKeeper needs is taken. */
const jarsOfReleaseMax = 120
/** What a standalone server of 3.4 to 3.9 loads. */
const neededJars =
  /^(zookeeper|zookeeper-jute|slf4j-api|slf4j-simple|slf4j-log4j12|slf4j-reload4j|log4j|log4j-1\.2|reload4j|logback-(classic|core)|netty3?|netty-(all|buffer|codec|common|handler|resolver|transport)(-[a-z-]+)?|audience-annotations|jline|commons-(cli|io|lang)|snappy-java|metrics-core|jetty[0-9]*-(http|io|server|servlet|security|util)(-ajax)?|jackson-(annotations|core|databind)|json-simple|jul-to-slf4j)(-[0-9][0-9A-Za-z.+~-]*)?\.jar$/
const zookeeperJar = /^zookeeper(-[0-9][0-9A-Za-z.+~-]*)?\.jar$/

/** Looks for Java and the jars of ZooKeeper; starts nothing. @returns the reason, one sentence without full stop, where either is missing */
export async function findServer(tools: ServerTools): Promise<FoundServer | { readonly missing: string }> {
  const java = await findJava(tools)
  if (java === undefined) return { missing: 'there is no java on PATH or in JAVA_HOME' }
  const directories =
    tools.jars === undefined ? [...(tools.zookeeperHome === undefined ? [] : [tools.zookeeperHome]), systemJars] : [tools.jars]
  for (const directory of directories) {
    const classPath = await jarsIn(directory)
    if (classPath !== undefined) return { java, classPath }
  }
  return { missing: `there are no jars of Apache ZooKeeper in ${directories.join(' or ')}` }
}

async function findJava({ javaHome, searchPath }: ServerTools): Promise<string | undefined> {
  const ofPath = (searchPath ?? '').split(delimiter).filter((directory) => directory !== '')
  for (const directory of [...(javaHome === undefined ? [] : [join(javaHome, 'bin')]), ...ofPath]) {
    const java = join(directory, 'java')
    if (await isExecutable(java)) return java
  }
  return undefined
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return true
  } catch {
    // Not there, or not for us: the next place is tried, and the caller says when none is left.
    return false
  }
}

/** The jars of the directory and of its `lib`; undefined when ZooKeeper's own is not among them. */
async function jarsIn(directory: string): Promise<readonly string[] | undefined> {
  const found: { readonly name: string; readonly path: string }[] = []
  for (const each of [directory, join(directory, 'lib')]) {
    for (const name of await namesIn(each)) if (name.endsWith('.jar')) found.push({ name, path: join(each, name) })
  }
  if (!found.some(({ name }) => zookeeperJar.test(name))) return undefined
  const needed = found.length > jarsOfReleaseMax ? found.filter(({ name }) => neededJars.test(name)) : found
  return needed.map(({ path }) => path)
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).sort()
  } catch {
    // No such directory, or not for us: it holds no jars that could be used.
    return []
  }
}
