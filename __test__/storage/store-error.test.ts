import { constants } from 'node:os'
import { describe, expect, it } from '@jest/globals'
import { ERROR_TABLE } from '../../src/index.js'
import { toStoreError } from '../../src/storage/store-error.js'
import { readText } from '../docs/documents.js'

const thrown = (code: string): Error => Object.assign(new Error('value 123'), { code })

/** Every result code that this build of better-sqlite3 can name. */
const SQLITE_CODES = [
  ...readText('node_modules/better-sqlite3/src/util/constants.cpp').matchAll(
    /SetCode\(isolate, \w+, "(SQLITE_\w+)"\)/g,
  ),
].map(([, code = '']) => code)

describe('an error under a store', () => {
  it('has a store code, whatever SQLite calls it', () => {
    expect(SQLITE_CODES.length).toBeGreaterThan(90)
    for (const code of [...SQLITE_CODES, 'UNKNOWN_SQLITE_ERROR_99'])
      expect(toStoreError(thrown(code)).code).toMatch(/^STORE_/)
  })

  it('has a store code, whatever the operating system calls it', () => {
    const codes = Object.keys(constants.errno)

    expect(codes.length).toBeGreaterThan(50)
    for (const code of codes) expect(toStoreError(thrown(code)).code).toMatch(/^STORE_/)
  })

  it.each([
    ['SQLITE_BUSY', 'STORE_LOCKED'],
    ['SQLITE_BUSY_RECOVERY', 'STORE_LOCKED'],
    ['SQLITE_READONLY_DIRECTORY', 'STORE_READ_ONLY'],
    ['SQLITE_FULL', 'STORE_FULL'],
    ['SQLITE_CORRUPT_INDEX', 'STORE_CORRUPT'],
    ['SQLITE_NOTADB', 'STORE_CORRUPT'],
    ['SQLITE_CONSTRAINT_PRIMARYKEY', 'STORE_RECORD_EXISTS'],
    ['SQLITE_CONSTRAINT_CHECK', 'STORE_UNAVAILABLE'],
    ['SQLITE_IOERR_FSYNC', 'STORE_UNAVAILABLE'],
    ['SQLITE_CANTOPEN', 'STORE_UNAVAILABLE'],
    ['SQLITE_CANTOPEN_SYMLINK', 'STORE_PATH'],
    ['ENOSPC', 'STORE_FULL'],
    ['EDQUOT', 'STORE_FULL'],
    ['EROFS', 'STORE_READ_ONLY'],
    ['EACCES', 'STORE_READ_ONLY'],
    ['ELOOP', 'STORE_PATH'],
    ['EIO', 'STORE_UNAVAILABLE'],
  ])('%s is %s, says what to do, and repeats no text but the code', (name, code) => {
    const error = toStoreError(thrown(name))

    expect(error.code).toBe(code)
    expect(error.message).toContain(name)
    expect(error.message).toContain(ERROR_TABLE[error.code].next)
    expect(error.message).not.toContain('123')
    expect(error.cause).toBeInstanceOf(Error)
  })

  it.each([
    ['no code', new Error('x')],
    ['a code that is no name', Object.assign(new Error('x'), { code: 7 })],
    ['a code of nobody', Object.assign(new Error('x'), { code: 'toString' })],
    ['nothing at all', undefined],
  ])('with %s is a defect', (_, error) => {
    expect(toStoreError(error).code).toBe('INTERNAL')
  })
})
