// SPDX-License-Identifier: Apache-2.0

import { accessSync, constants, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from "node:sqlite";
import { isSystemError, LadeError, messageOf } from "../base/errors.ts";
import { migrations, schemaVersion } from "./schema.ts";

/** How long a command waits for another one's transaction; transactions take milliseconds. */
const busyTimeoutMs = 60_000;

/** How many answers to the same question are kept; each is some kilobytes. */
const mostRemembered = 256;

export type Row = Record<string, SQLOutputValue>;

/** SQLite with the few calls that the store needs. */
export interface Database extends Disposable {
  /** Rows of a query. */
  all<T extends object = Row>(sql: string, ...values: SQLInputValue[]): T[];
  /** Rows of a query as lists of their columns, which long lists read in two thirds of the time. */
  lists<T extends readonly SQLOutputValue[]>(sql: string, ...values: SQLInputValue[]): T[];
  /** The first row of a query. */
  get<T extends object = Row>(sql: string, ...values: SQLInputValue[]): T | undefined;
  run(sql: string, ...values: SQLInputValue[]): void;
  /** Runs `work` in a transaction that no other writer interrupts; all of it takes effect or nothing. */
  transaction<T>(work: () => T, options?: TransactionOptions): T;
  /** Runs `work`, which only reads, on what is there now, whatever others write meanwhile. */
  snapshot<T>(work: () => T): T;
  /**
   * What `read` gave the last time, for as long as nobody has written to the database since, here or
   * elsewhere: a server is asked the same again and again. Nobody may change what it gives.
   *
   * @param key stands for `read` and all that it depends on besides the database
   */
  remember<T>(key: string, read: () => T): T;
}

export interface TransactionOptions {
  /**
   * True unless said otherwise. Without it nothing is synced: a power cut may take the transaction
   * back, as a whole. For what means nothing after a power cut, such as which processes run.
   */
  readonly isDurable?: boolean;
}

/**
 * Opens the database, making it at first use.
 *
 * @throws LadeError STORE_VERSION for a store of a newer lade, STORE_DAMAGED for a file that is no
 *   database, STORE_DENIED for one that can't be opened or written, STORE_BUSY when another process
 *   holds it for a minute
 */
export function openDatabase(path: string): Database {
  const connection = translated(path, () => new DatabaseSync(path, { timeout: busyTimeoutMs }));
  try {
    translated(path, () => {
      connection.exec("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON");
      prepareSchema(connection, path);
    });
  } catch (error) {
    connection.close();
    throw error;
  }
  return wrap(connection, path);
}

function prepareSchema(connection: DatabaseSync, path: string): void {
  const version = () => Number(connection.prepare("PRAGMA user_version").get()?.user_version);
  let found = version();
  if (found < schemaVersion) {
    if (found === 0) connection.exec("PRAGMA journal_mode = WAL");
    connection.exec("BEGIN IMMEDIATE");
    // Another process may have been first.
    for (const step of migrations.slice(version())) connection.exec(step);
    connection.exec(`PRAGMA user_version = ${Math.max(version(), schemaVersion)}; COMMIT`);
    found = version();
  }
  if (found !== schemaVersion) {
    throw new LadeError(
      "STORE_VERSION",
      `store ${path}: made by another version of lade: want format ${schemaVersion}, got ${found}`,
      { hint: "Use the newer lade, or another store with --root." },
    );
  }
}

function wrap(connection: DatabaseSync, path: string): Database {
  const statements = new Map<string, ReturnType<DatabaseSync["prepare"]>>();
  const listStatements: typeof statements = new Map();
  const prepared = (sql: string) => {
    let statement = statements.get(sql);
    if (statement === undefined) {
      statement = connection.prepare(sql);
      statements.set(sql, statement);
    }
    return statement;
  };
  const remembered = new Map<string, unknown>();
  let rememberedAt = "";
  let versions: ReturnType<DatabaseSync["prepare"]> | undefined;
  const version = () => {
    // Others' writes, and our own: https://sqlite.org/pragma.html#pragma_data_version
    versions ??= connection.prepare(
      "SELECT data_version, total_changes() FROM pragma_data_version",
    );
    return translated(path, () => Object.values(versions?.get() ?? {}).join(" "));
  };
  return {
    all: <T extends object>(sql: string, ...values: SQLInputValue[]) =>
      translated(path, () => prepared(sql).all(...values) as T[]),
    lists: <T>(sql: string, ...values: SQLInputValue[]) =>
      translated(path, () => {
        let statement = listStatements.get(sql);
        if (statement === undefined) {
          statement = connection.prepare(sql);
          statement.setReturnArrays(true);
          listStatements.set(sql, statement);
        }
        return statement.all(...values) as unknown as T[];
      }),
    get: <T extends object>(sql: string, ...values: SQLInputValue[]) =>
      translated(path, () => prepared(sql).get(...values) as T | undefined),
    run: (sql, ...values) => {
      translated(path, () => prepared(sql).run(...values));
    },
    transaction: (work, { isDurable = true } = {}) => {
      translated(path, () => {
        if (!isDurable) connection.exec("PRAGMA synchronous = NORMAL");
        connection.exec("BEGIN IMMEDIATE");
      });
      try {
        const result = work();
        translated(path, () => connection.exec("COMMIT"));
        return result;
      } catch (error) {
        rollBack(connection);
        throw error;
      } finally {
        if (!isDurable) translated(path, () => connection.exec("PRAGMA synchronous = FULL"));
      }
    },
    snapshot: (work) => {
      if (connection.isTransaction) return work();
      translated(path, () => connection.exec("BEGIN"));
      try {
        return work();
      } finally {
        rollBack(connection);
      }
    },
    remember: <T>(key: string, read: () => T): T => {
      // What a transaction reads may be taken back with it.
      if (connection.isTransaction) return read();
      const now = version();
      if (now !== rememberedAt || remembered.size >= mostRemembered) remembered.clear();
      rememberedAt = now;
      if (remembered.has(key)) return remembered.get(key) as T;
      const value = read();
      // Read after somebody wrote, it may be newer than `now`; it is then read once more. Where `read`
      // itself has met a newer version, what it read before that is no part of it.
      if (rememberedAt === now) remembered.set(key, value);
      return value;
    },
    [Symbol.dispose]: () => connection.close(),
  };
}

/** What failed first is what is told: a disk that is gone fails this, too, and SQLite copes. */
function rollBack(connection: DatabaseSync): void {
  try {
    if (connection.isTransaction) connection.exec("ROLLBACK");
  } catch {
    // The transaction is over all the same: https://sqlite.org/lang_transaction.html
  }
}

/** SQLite's result codes that a user can act on. @see https://sqlite.org/rescode.html */
const resultCodes = {
  busy: 5,
  readOnly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cantOpen: 14,
  notADatabase: 26,
};

function translated<T>(path: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    const code = errorCodeOf(error);
    const message = `store ${path}: ${messageOf(error)}`;
    if (code === resultCodes.busy) {
      throw new LadeError("STORE_BUSY", message, { cause: error, hint: "Try again." });
    }
    if (code === resultCodes.full) throw new LadeError("DISK_FULL", message, { cause: error });
    if (code === resultCodes.readOnly || code === resultCodes.cantOpen) {
      throw isDenied(path)
        ? new LadeError("STORE_DENIED", message, {
            cause: error,
            hint: "Run as the user who owns it, or choose another folder with --root.",
          })
        : new LadeError("IO_FAILED", message, {
            cause: error,
            hint: "Look at the disk, and at the limits on open files (`ulimit -n`).",
          });
    }
    if (code === resultCodes.ioError) throw new LadeError("IO_FAILED", message, { cause: error });
    const lacksSchema =
      /^no such (?:table|column)\b/.test(messageOf(error)) && !isSchemaWhole(path);
    if (code === resultCodes.corrupt || code === resultCodes.notADatabase || lacksSchema) {
      throw new LadeError("STORE_DAMAGED", message, {
        cause: error,
        hint: `Move ${path} away and run \`lade system check --repair\`: the images come back, without their names.`,
      });
    }
    throw error;
  }
}

/** Whether the tables are those that lade makes: a query that misses one is then a mistake in lade. */
function isSchemaWhole(path: string): boolean {
  const tablesOf = (place: string, steps: readonly string[]) => {
    const connection = new DatabaseSync(place);
    try {
      for (const step of steps) connection.exec(step);
      const query = "SELECT name, sql FROM sqlite_schema ORDER BY name";
      return JSON.stringify(connection.prepare(query).all());
    } finally {
      connection.close();
    }
  };
  try {
    return tablesOf(path, []) === tablesOf(":memory:", migrations);
  } catch {
    return false;
  }
}

/**
 * Whether a transaction that failed with this error may lie in the log as a whole: it was written,
 * and then could not be synced. SQLite takes it for done when it next recovers that log.
 */
export function mayBeInLog(error: unknown): boolean {
  const cause = error instanceof LadeError ? error.cause : undefined;
  return errorCodeOf(cause) === resultCodes.ioError;
}

function errorCodeOf(error: unknown): number {
  return error instanceof Error && "errcode" in error ? Number(error.errcode) % 256 : 0;
}

/** SQLite says the same of a file that may not be opened and of one that can't be just now. */
function isDenied(path: string): boolean {
  return [path, dirname(path)].some((one) => {
    try {
      accessSync(one, constants.R_OK + constants.W_OK);
      // A folder has the database's name.
      return one === path && statSync(one).isDirectory();
    } catch (error) {
      // The database is made at first use; its folder was made before.
      return one !== path || !isSystemError(error, "ENOENT");
    }
  });
}
