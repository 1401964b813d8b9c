import { ZooArkError } from '../../base/errors.ts'
import { readTxnLog } from '../../formats/txn-log-reader.ts'
import { int32At, joinLong } from '../../jute/long.ts'
import { txnLayout } from '../../model/txn-layout.ts'
import { type Zxid, toZxid } from '../../model/zxid.ts'
import type { DataDirectory } from '../../source/data-directory.ts'

const twoTo32 = 2 ** 32

/** Ends the reading of the logs; never leaves this file. */
class LaterTimeSeen extends Error {}

/**
 * The zxid of the last transaction before the first one that is later than `timeMs`. Where clocks step back, what comes after a later time
 * counts as later too, so that the answer never depends on where one begins to look.
 * @throws POINT_NOT_REACHABLE when the first transaction there is later already
 */
export async function zxidAtTime(directory: DataDirectory, timeMs: number): Promise<Zxid> {
  let lastHi = 0
  let lastLo = 0
  let seen = false
  const take = (window: Uint8Array, starts: Uint32Array, _ends: Uint32Array, count: number): void => {
    for (let i = 0; i < count; i++) {
      const start = starts[i]
      const time = int32At(window, start + txnLayout.time) * twoTo32 + (int32At(window, start + txnLayout.time + 4) >>> 0)
      if (time > timeMs) throw new LaterTimeSeen()
      lastHi = int32At(window, start + txnLayout.zxid)
      lastLo = int32At(window, start + txnLayout.zxid + 4)
      seen = true
    }
  }
  try {
    for (const log of directory.logs) await readTxnLog(log.file, { txns: take })
  } catch (error) {
    if (!(error instanceof LaterTimeSeen)) throw error
  }
  if (seen) return toZxid(joinLong(lastHi, lastLo))
  throw new ZooArkError('POINT_NOT_REACHABLE', 'every transaction in the logs is later than this time', {
    place: { file: directory.listing.logDir },
    hint: 'Only a backup that is older can show this point.',
  })
}
