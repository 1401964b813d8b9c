import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findServer } from './find-server.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'zooark-find-server-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

async function makeJava(home: string): Promise<string> {
  await mkdir(join(directory, home, 'bin'), { recursive: true })
  const java = join(directory, home, 'bin', 'java')
  await writeFile(java, '')
  await chmod(java, 0o755)
  return java
}

async function makeJars(folder: string, names: readonly string[]): Promise<void> {
  await mkdir(join(directory, folder), { recursive: true })
  for (const name of names) await writeFile(join(directory, folder, name), '')
}

test('without java the reason is java', async () => {
  await makeJars('jars', ['zookeeper-3.8.4.jar'])
  const found = await findServer({ jars: join(directory, 'jars'), searchPath: directory })
  expect(found).toEqual({ missing: 'there is no java on PATH or in JAVA_HOME' })
})

test('a java that cannot be run is passed over, and that of JAVA_HOME comes first', async () => {
  await makeJars('jars', ['zookeeper.jar'])
  const [ofHome, ofPath] = [await makeJava('home'), await makeJava('path')]
  const tools = { jars: join(directory, 'jars'), javaHome: join(directory, 'home'), searchPath: join(directory, 'path', 'bin') }
  expect(await findServer(tools)).toMatchObject({ java: ofHome })
  await chmod(ofHome, 0o644)
  // A user who may do anything may not run what nobody may.
  expect(await findServer(tools)).toMatchObject({ java: ofPath })
})

test('a directory without ZooKeeper is named, and no other place is looked at', async () => {
  const javaHome = join(directory, 'home')
  await makeJava('home')
  await makeJars('jars', ['zookeeper-jute-3.8.4.jar', 'slf4j-api.jar'])
  const jars = join(directory, 'jars')
  expect(await findServer({ jars, javaHome, zookeeperHome: directory })).toEqual({
    missing: `there are no jars of Apache ZooKeeper in ${jars}`,
  })
})

test('of a release, top and lib are taken whole', async () => {
  const java = await makeJava('home')
  await makeJars('zk', ['zookeeper-3.4.14.jar', 'README.txt'])
  await makeJars('zk/lib', ['any-other.jar', 'slf4j-api-1.7.25.jar'])
  const found = await findServer({ zookeeperHome: join(directory, 'zk'), javaHome: join(directory, 'home') })
  const classPath = ['zookeeper-3.4.14.jar', 'lib/any-other.jar', 'lib/slf4j-api-1.7.25.jar'].map((name) => join(directory, 'zk', name))
  expect(found).toEqual({ java, classPath })
})

test('of a directory of many programs, only what a server loads is taken', async () => {
  await makeJava('home')
  const needed = ['log4j-1.2.jar', 'netty-all.jar', 'slf4j-api-1.7.32.jar', 'slf4j-log4j12.jar', 'zookeeper-jute.jar', 'zookeeper.jar']
  const others = Array.from({ length: 130 }, (_, i) => `other-${i}.jar`)
  await makeJars('java', [...needed, 'slf4j-nop.jar', 'maven3-slf4j-provider.jar', 'log4j-over-slf4j.jar', ...others])
  const found = await findServer({ jars: join(directory, 'java'), javaHome: join(directory, 'home') })
  expect(found).toMatchObject({ classPath: needed.map((name) => join(directory, 'java', name)) })
})
