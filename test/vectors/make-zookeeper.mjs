/**
 * Makes `test/vectors/zookeeper/<version>/<scenario>/` anew with real Apache ZooKeeper servers: small data directories written under live
 * load, what ZooKeeper's own classes make of them, and where they came from. Needs java, javac, mvn and the network; takes about two minutes.
 *
 *   node test/vectors/make-zookeeper.mjs [version or version/scenario ...]
 *
 * It is plain JavaScript because Node 20 runs no TypeScript: it compiles the testbed (test/real/testbed) to .build/testbed first.
 *
 * In each folder:
 *   version-2/            snapshot.* and log.* as the server left them (and the epoch files of an ensemble's leader)
 *   expected.ndjson.gz    states by java/Oracle.java: a line with "sessions" begins each, one line a znode follows (see DumpedState in helpers.ts)
 *   txns.ndjson.gz        the header of every txn of every log, in the order of the log names
 *   provenance.json       versions, seed, settings, files with their SHA-256, txn types, which snapshots are fuzzy
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const root = fileURLToPath(new URL('../..', import.meta.url))
const build = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', join(root, 'test/real/testbed')], { stdio: 'inherit' })
if (build.status !== 0) process.exit(1)
const { startStandalone, startEnsemble, freePorts } = await import('../../.build/testbed/server.js')
const { runLoad, oracleStateFiles, oracleTxns, readDump } = await import('../../.build/testbed/helpers.js')

const attemptsMax = 40
const vectorBytesMax = 160_000
const small = { 'zookeeper.snapCount': '220', 'zookeeper.preAllocSize': '8' }
const everyRelease = [-1, -10, -11, 1, 2, 5, 7, 14]
const since35 = [...everyRelease, 15, 19, 20, 21]

const standalone = (version, wanted = since35) => ({ version, name: 'mixed', wanted, wantsFuzzy: true, systemProperties: small })
const ensemble = (version) => ({ version, name: 'ensemble', wanted: [...since35, 16], wantsFuzzy: false, systemProperties: small })
const scenarios = [
  standalone('3.4.14', everyRelease),
  standalone('3.5.10'),
  ensemble('3.5.10'),
  { ...standalone('3.6.4'), compressions: ['gz', 'snappy'] },
  { ...standalone('3.8.4'), compressions: ['gz', 'snappy'] },
  ensemble('3.8.4'),
  {
    ...standalone('3.8.4'),
    name: 'no-digest',
    systemProperties: { ...small, 'zookeeper.digest.enabled': 'false', 'zookeeper.closeSessionTxn.enabled': 'false' },
  },
  {
    // A snapshot writes its ACLs before its znodes, so a znode changed meanwhile may name an ACL that the file does not hold.
    ...standalone('3.8.4'),
    name: 'dangling-acl',
    wanted: [],
    wantsDanglingAcl: true,
    ops: 900,
    load: { sessions: 8, keepMax: 100, dataSizeMax: 4, aclUsers: 1_000_000 },
    systemProperties: { 'zookeeper.snapCount': '450', 'zookeeper.preAllocSize': '8' },
  },
  { ...standalone('3.9.5'), compressions: ['gz'] },
  ensemble('3.9.5'),
]

const load = (scenario, connectString, seed, ops) =>
  runLoad({
    version: scenario.version,
    connectString,
    seed,
    ops,
    sessions: 4,
    keepMax: 25,
    dataSizeMax: 40,
    ...scenario.load,
    ...(scenario.name === 'ensemble' ? { reconfigMember: scenario.reconfigMember } : {}),
  })

/** Long enough for abandoned sessions, short TTLs and empty containers to be taken away by the server. */
const settle = () => sleep(3500)

/** @returns {Promise<string>} the version-2 folder that a server left behind */
async function recordStandalone(scenario, seed, directory) {
  const { version, systemProperties, compressions = [] } = scenario
  const server = await startStandalone({ version, dataDir: join(directory, 'data'), systemProperties, heapMb: 256 })
  await load(scenario, server.connectString, seed, scenario.ops ?? 320)
  await settle()
  await server.stop()
  for (const method of compressions) {
    // A server snapshots when it starts, so one restart makes one file of the method.
    const properties = { ...systemProperties, 'zookeeper.snapshot.compression.method': method }
    const again = await startStandalone({ version, dataDir: server.dataDir, systemProperties: properties, heapMb: 256 })
    await load(scenario, again.connectString, seed + 1000, 20)
    await again.stop()
  }
  return join(server.dataDir, 'version-2')
}

async function recordEnsemble(scenario, seed, directory) {
  const { version, systemProperties } = scenario
  const [a, b, c] = await freePorts(3)
  const member = `server.9=127.0.0.1:${a}:${b}:observer;127.0.0.1:${c}`
  const servers = await startEnsemble({ version, directory, size: 3, systemProperties, heapMb: 128 })
  try {
    const leader = await servers.leader()
    await load({ ...scenario, reconfigMember: member }, leader.connectString, seed, 320)
    await settle()
    await servers.stop()
    return join(leader.dataDir, 'version-2')
  } finally {
    await servers.stop()
  }
}

const zxidOf = (name) => BigInt(`0x${name.split('.')[1]}`)
const byZxid = (a, b) => (zxidOf(a) < zxidOf(b) ? -1 : zxidOf(a) > zxidOf(b) ? 1 : 0)
const named = (names, prefix) => names.filter((name) => name.startsWith(prefix)).sort(byZxid)

/** What each snapshot holds by itself: one that knows of later txns than its name says is fuzzy. */
async function describeSnapshots(version, folder, work) {
  const descriptions = []
  for (const name of named(readdirSync(folder), 'snapshot.')) {
    const zxid = zxidOf(name).toString(16)
    const [file] = await oracleStateFiles({ version, snapDir: folder, at: [zxid], snapshot: join(folder, name) }, join(work, 'alone'))
    const { head, nodes } = await readDump(file)
    const later = nodes.filter((n) => [n.czxid, n.mzxid, n.pzxid].some((z) => BigInt(z) > zxidOf(name))).length
    const danglingAcls = nodes.filter((n) => n.acl === null).length
    descriptions.push({ name, znodes: nodes.length, znodesWithLaterTxns: later, danglingAcls, settledZxid: head.settledZxid ?? null })
  }
  return descriptions
}

/** Keeps the files that a replay from the snapshot needs, so that a vector whose snapshot must be larger stays small. */
function dropAllBefore(snapshot, folder) {
  if (snapshot === undefined) return
  const names = readdirSync(folder)
  const logs = named(names, 'log.')
  const first = logs.filter((name) => zxidOf(name) <= zxidOf(snapshot.name)).at(-1)
  const needed = (name) => name === snapshot.name || (name.startsWith('log.') && (first === undefined || zxidOf(name) >= zxidOf(first)))
  for (const name of names) if (!needed(name)) rmSync(join(folder, name))
}

async function txnLines(version, folder) {
  const lines = []
  for (const name of named(readdirSync(folder), 'log.')) {
    const { txns, error } = await oracleTxns({ version, log: join(folder, name) })
    if (error !== undefined) throw new Error(`${name}: ${error}`)
    for (const { body: _, ...header } of txns) lines.push({ log: name, ...header })
  }
  return lines
}

/** Four states that begin with an early (fuzzy, where there is one) snapshot, with the unreplayed one before them where ACLs dangle, and one that begins with the newest. */
async function states(version, folder, snapshots, txns, work) {
  const base = snapshots.find((s) => s.znodesWithLaterTxns > 0 && s.danglingAcls > 0) ?? snapshots.find((s) => s.znodesWithLaterTxns > 0) ?? snapshots[1] ?? snapshots[0]
  const newest = snapshots.at(-1)
  const last = BigInt(txns.at(-1).zxid)
  const replayed = txns.map((t) => BigInt(t.zxid)).filter((z) => z > zxidOf(base.name))
  const settled = base.settledZxid === null ? replayed[1] : BigInt(base.settledZxid)
  const unsettled = base.danglingAcls > 0 ? [zxidOf(base.name)] : []
  const at = [...new Set([...unsettled, settled, replayed[Math.floor(replayed.length / 3)], replayed[Math.floor((replayed.length * 2) / 3)], last])]
  const runs = [
    { snapshot: base.name, at },
    { snapshot: newest.name, at: [last] },
  ]
  let text = ''
  const points = []
  for (const run of runs) {
    const options = { version, snapDir: folder, at: run.at.map((z) => z.toString(16)), snapshot: join(folder, run.snapshot) }
    for (const file of await oracleStateFiles(options, join(work, run.snapshot))) {
      text += readFileSync(file, 'utf8')
      const { zxid, digest, digestMismatches } = (await readDump(file)).head
      points.push({ zxid, snapshot: run.snapshot, digest: digest ?? null, digestMismatches: digestMismatches ?? null })
    }
  }
  return { text, points }
}

async function make(scenario) {
  const { version, name, wanted, wantsFuzzy } = scenario
  for (let seed = 1; seed <= attemptsMax; seed++) {
    const work = mkdtempSync(join(tmpdir(), 'zooark-vectors-'))
    try {
      const folder = await (name === 'ensemble' ? recordEnsemble : recordStandalone)(scenario, seed, join(work, 'made'))
      if (scenario.wantsDanglingAcl) dropAllBefore((await describeSnapshots(version, folder, work)).find((s) => s.danglingAcls > 0), folder)
      const files = readdirSync(folder).filter((file) => /^(snapshot|log)\.|Epoch$/.test(file))
      const snapshots = await describeSnapshots(version, folder, work)
      const txns = await txnLines(version, folder)
      const types = [...new Set(txns.map((txn) => txn.type))].sort((a, b) => a - b)
      const missing = wanted.filter((type) => !types.includes(type))
      const sizeBytes = files.reduce((sum, file) => sum + readFileSync(join(folder, file)).length, 0)
      const flaws = [
        ...(missing.length > 0 ? [`no txn of type ${missing}`] : []),
        ...(wantsFuzzy && !snapshots.some((s) => s.znodesWithLaterTxns > 0) ? ['no fuzzy snapshot'] : []),
        ...(scenario.wantsDanglingAcl && !snapshots.some((s) => s.danglingAcls > 0) ? ['no dangling ACL'] : []),
        ...(!scenario.wantsDanglingAcl && snapshots.length < 2 || named(files, 'log.').length < 2 ? ['too few files'] : []),
        ...(sizeBytes > vectorBytesMax ? [`${sizeBytes} bytes`] : []),
      ]
      if (flaws.length > 0) {
        console.log(`${version} ${name}, seed ${seed}: ${flaws.join(', ')}; again`)
        continue
      }
      const out = join(root, 'test/vectors/zookeeper', version, name)
      rmSync(out, { recursive: true, force: true })
      mkdirSync(join(out, 'version-2'), { recursive: true })
      for (const file of files) copyFileSync(join(folder, file), join(out, 'version-2', file))
      const { text, points } = await states(version, folder, snapshots, txns, work)
      writeFileSync(join(out, 'expected.ndjson.gz'), gzipSync(text, { level: 9 }))
      writeFileSync(join(out, 'txns.ndjson.gz'), gzipSync(txns.map((txn) => `${JSON.stringify(txn)}\n`).join(''), { level: 9 }))
      const provenance = {
        zookeeper: version,
        java: javaVersion(),
        made: new Date().toISOString().slice(0, 10),
        command: `node test/vectors/make-zookeeper.mjs ${version}/${name}`,
        scenario: name,
        seed,
        systemProperties: scenario.systemProperties,
        load: scenario.load ?? {},
        compressions: scenario.compressions ?? [],
        txnTypes: Object.fromEntries(types.map((type) => [type, txns.filter((txn) => txn.type === type).length])),
        closeSessionWithoutBody: txns.some((txn) => txn.type === -11 && txn.record === null),
        snapshots,
        states: points,
        files: Object.fromEntries(files.sort().map((file) => [file, describeFile(join(folder, file))])),
      }
      writeFileSync(join(out, 'provenance.json'), `${JSON.stringify(provenance, null, 2)}\n`)
      console.log(`${version} ${name}, seed ${seed}: ${files.length} files, ${sizeBytes} bytes, ${txns.length} txns`)
      return
    } finally {
      rmSync(work, { recursive: true, force: true })
    }
  }
  throw new Error(`${version} ${name}: no good run in ${attemptsMax}`)
}

function describeFile(path) {
  const bytes = readFileSync(path)
  return { sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
}

function javaVersion() {
  const { stderr } = spawnSync('java', ['-version'], { encoding: 'utf8' })
  return /version "([^"]+)"/.exec(stderr)?.[1] ?? 'unknown'
}

const asked = process.argv.slice(2)
for (const scenario of scenarios) {
  const { version, name } = scenario
  if (asked.length === 0 || asked.includes(version) || asked.includes(`${version}/${name}`)) await make(scenario)
}
process.exit(0)
