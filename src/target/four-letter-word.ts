import { connect } from 'node:net'
import { ZooArkError } from '../base/errors.ts'

/** An answer is a page of text; a server that sends more is none of ours. */
const answerBytesMax = 1024 * 1024
const answerTimeoutMs = 10_000

/** Asks a server on this machine one of its four-letter words. @throws IO_FAILED when there is no whole answer in 10 s */
export function askFourLetterWord(port: number, word: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(word))
    const chunks: Buffer[] = []
    let bytes = 0
    socket.setTimeout(answerTimeoutMs, () => socket.destroy(new Error(`no answer to '${word}' in ${answerTimeoutMs / 1000} s`)))
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      chunks.push(chunk)
      if (bytes > answerBytesMax) socket.destroy(new Error(`the answer to '${word}' has no end`))
    })
    socket.on('error', (error) =>
      reject(new ZooArkError('IO_FAILED', error.message, { place: { server: `127.0.0.1:${port}` }, cause: error })),
    )
    socket.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')))
  })
}
