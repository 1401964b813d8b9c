import { ZooArkError } from '../base/errors.ts'
import { fromHex } from '../base/hex.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../base/json.ts'
import { parseZxid, type Zxid } from '../model/zxid.ts'

/** Reads the fields of JSON that a repository holds. Every method throws REPOSITORY_DAMAGED with the field's name and the object. */
export class JsonFields {
  readonly #fields: JsonObject
  readonly #object: string
  readonly #path: string

  /** @param object the repository object, for the place of errors. @param path where in it, for the message. */
  constructor(value: JsonValue | undefined, object: string, path: string) {
    if (!isJsonObject(value)) throw new ZooArkError('REPOSITORY_DAMAGED', `${path} is no JSON object`, { place: { object } })
    this.#fields = value
    this.#object = object
    this.#path = path
  }

  text(name: string): string {
    const value = this.#fields[name]
    return typeof value === 'string' ? value : this.#refuse(name)
  }

  textOrNull(name: string): string | null {
    return this.#isAbsent(name) ? null : this.text(name)
  }

  /** A whole number that JSON carries exactly. */
  number(name: string): number {
    const value = this.#fields[name]
    return typeof value === 'number' && Number.isSafeInteger(value) ? value : this.#refuse(name)
  }

  numberOrNull(name: string): number | null {
    return this.#isAbsent(name) ? null : this.number(name)
  }

  /** A number that counts something. */
  count(name: string): number {
    const value = this.number(name)
    return value >= 0 ? value : this.#refuse(name)
  }

  flag(name: string): boolean {
    const value = this.#fields[name]
    return typeof value === 'boolean' ? value : this.#refuse(name)
  }

  zxid(name: string): Zxid {
    const text = this.text(name)
    return /^0x[0-9a-f]{1,16}$/.test(text) && BigInt(text) < 1n << 63n ? parseZxid(text) : this.#refuse(name)
  }

  zxidOrNull(name: string): Zxid | null {
    return this.#isAbsent(name) ? null : this.zxid(name)
  }

  /** A 64-bit decimal number. */
  bigint(name: string): bigint {
    const text = this.text(name)
    return /^-?\d{1,20}$/.test(text) ? BigInt.asIntN(64, BigInt(text)) : this.#refuse(name)
  }

  /** Bytes in hex. */
  bytes(name: string): Uint8Array {
    const text = this.text(name)
    return /^([0-9a-f]{2})*$/.test(text) ? fromHex(text) : this.#refuse(name)
  }

  /** 32 bytes in hex. */
  hash(name: string): Uint8Array {
    const text = this.text(name)
    return /^[0-9a-f]{64}$/.test(text) ? fromHex(text) : this.#refuse(name)
  }

  oneOf<T extends string>(name: string, choices: readonly T[]): T {
    const text = this.text(name)
    return choices.find((choice) => choice === text) ?? this.#refuse(name)
  }

  object(name: string): JsonFields {
    return new JsonFields(this.#fields[name], this.#object, `${this.#path}.${name}`)
  }

  raw(name: string): JsonObject {
    const value = this.#fields[name]
    return isJsonObject(value) ? value : this.#refuse(name)
  }

  /** An absent list is empty. */
  list<T>(name: string, read: (fields: JsonFields) => T): T[] {
    const value = this.#fields[name] ?? []
    if (!Array.isArray(value)) return this.#refuse(name)
    return (value as readonly JsonValue[]).map((each, i) => read(new JsonFields(each, this.#object, `${this.#path}.${name}[${i}]`)))
  }

  has(name: string): boolean {
    return !this.#isAbsent(name)
  }

  #isAbsent(name: string): boolean {
    const value = this.#fields[name]
    return value === undefined || value === null
  }

  #refuse(name: string): never {
    throw new ZooArkError('REPOSITORY_DAMAGED', `${this.#path}.${name} is not what it should be`, { place: { object: this.#object } })
  }
}
