import { type Access, type AccessTable, accessBy, accessTableSchema, fullAccess } from "../protocol/access.ts";
import { assertConfig, badConfig, keyOf } from "../protocol/assert-config.ts";
import { HoldfastError } from "../protocol/errors.ts";
import { type Accounts, systemAccounts } from "./accounts.ts";
import { digestOf, isSameDigest } from "./token.ts";

/** Who is at the other end of a Unix socket; null: the platform does not tell. */
export interface SocketUser {
  readonly uid: number | null;
  /** All groups of the process. */
  readonly gids: readonly number[];
}

/** What a client on the network shows of itself. */
export interface NetworkProof {
  readonly token: string | undefined;
  /** The common name of its certificate, which an authority that the listener trusts has signed. */
  readonly certificate: string | undefined;
}

/** A table, and the accounts that it means. */
interface Rule {
  readonly name: string;
  readonly table: AccessTable;
  readonly uid: number | null;
  readonly gid: number | null;
}

/** The tables `[access.NAME]`: what they let whom do. */
export class AccessRules {
  #rules: readonly Rule[];

  /**
   * @param aliases what the names of pins stand for that the configuration has given: who has a right by one has it to that pin, and loses it when
   *   the alias is given to another
   * @throws HoldfastError `BAD_CONFIG` with the `key`: a key or value that there is not, or a user or group that this machine has not
   */
  constructor(
    tables: Readonly<Record<string, AccessTable>>,
    aliases: ReadonlyMap<string, string> = new Map(),
    accounts: Accounts = systemAccounts,
  ) {
    const pinsOf = (names: AccessTable["read"]) => (names === "*" ? names : names?.map((name) => aliases.get(name) ?? name));
    this.#rules = Object.entries(tables).map(([name, table]) => {
      assertConfig(accessTableSchema, table, ["access", name]);
      const number = (key: "user" | "group", find: (account: string) => number | null) => {
        const account = table[key];
        if (typeof account !== "string") return account ?? null;
        const found = find(account);
        if (found === null)
          throw badConfig(
            keyOf(["access", name, key]),
            `this machine has no ${key} ${account}; one of a directory service is named by its number`,
          );
        return found;
      };
      const { read, watch, command } = table;
      const meant = { ...table, read: pinsOf(read), watch: pinsOf(watch), command: pinsOf(command) };
      return { name, table: meant, uid: number("user", accounts.uidOf), gid: number("group", accounts.gidOf) };
    });
  }

  /** From now on these say what others say now. */
  become(others: AccessRules): void {
    this.#rules = others.#rules;
  }

  /** The same as they are now, whatever these become. */
  copy(): AccessRules {
    const same = new AccessRules({});
    same.become(this);
    return same;
  }

  /** Whether clients on the network have a way to show who they are. */
  get knowsNetworkClients(): boolean {
    return this.#rules.some(({ table: { token, certificate } }) => token !== undefined || certificate !== undefined);
  }

  /**
   * What a user of the Unix socket may do: everything, where no table speaks of users; and the supervisor's own user and root always.
   * @throws HoldfastError `FORBIDDEN`
   */
  ofUser({ uid, gids }: SocketUser): Access {
    const spoken = this.#rules.filter((rule) => rule.uid !== null || rule.gid !== null);
    if (spoken.length === 0 || uid === 0 || (uid !== null && uid === process.getuid?.())) return fullAccess;
    const fitting = spoken.filter((rule) => (rule.uid !== null && rule.uid === uid) || (rule.gid !== null && gids.includes(rule.gid)));
    if (fitting.length > 0) return access(fitting);
    throw new HoldfastError(
      "FORBIDDEN",
      `no table [access.NAME] speaks of ${uid === null ? "this user" : `user ${uid}`}, nor of a group of it`,
      { uid },
    );
  }

  /**
   * What the clients of a listener may do that asks nobody who they are: what `access` of its table says. Everything without that, where no table
   * speaks of anybody: else whoever reaches the port would have a way round the rights that users and clients have.
   * @param key of the listener's table: `listen.pigpio`
   * @throws HoldfastError `BAD_CONFIG` for a table that there is not, or that must be named
   */
  ofListener(key: string, name: string | undefined): Access {
    if (name !== undefined) return access([this.#named(`${key}.access`, name)]);
    const rule = this.#rules.find(speaksOfSomebody);
    if (rule === undefined) return fullAccess;
    const message = `is missing: while [access.${rule.name}] says who may do what, whoever reaches this port must not be able to do everything`;
    throw badConfig(`${key}.access`, `${message}; name the table [access.NAME] whose rights its clients have`);
  }

  /**
   * What a client on the network may do by what it shows, and by the `access` of its listener. Everything, where there is neither that nor any
   * table that speaks of somebody: where users have their rights, a port of this machine's is no way round them.
   * @throws HoldfastError `FORBIDDEN`, `BAD_CONFIG` as `ofListener` does
   */
  ofNetworkClient({ token, certificate }: NetworkProof, key: string, name: string | undefined): Access {
    const fitting = new Set(name === undefined ? [] : [this.#named(`${key}.access`, name)]);
    if (token !== undefined && this.#rules.some(({ table }) => table.token !== undefined)) {
      for (const rule of this.#withToken(token)) fitting.add(rule);
    }
    for (const rule of this.#rules) if (certificate !== undefined && rule.table.certificate === certificate) fitting.add(rule);
    if (fitting.size > 0) return access([...fitting]);
    if (!this.#rules.some(speaksOfSomebody)) return fullAccess;
    throw new HoldfastError("FORBIDDEN", "a token is needed here, in the field token of hello (HOLDFAST_TOKEN)", { field: "token" });
  }

  /** A token that is wrong is a mistake, whatever else a client may show. @throws HoldfastError `FORBIDDEN` */
  #withToken(token: string): Rule[] {
    const digest = digestOf(token);
    // All are compared, so that the time says nothing of which one it was.
    const fitting = this.#rules.filter(({ table }) => isSameDigest(table.token ?? "", digest));
    if (fitting.length === 0) throw new HoldfastError("FORBIDDEN", "no table [access.NAME] has this token", { field: "token" });
    return fitting;
  }

  #named(key: string, name: string): Rule {
    const rule = this.#rules.find((each) => each.name === name);
    if (rule === undefined) throw badConfig(key, `there is no table [access.${name}]`);
    return rule;
  }
}

function speaksOfSomebody({ table: { user, group, token, certificate } }: Rule): boolean {
  return [user, group, token, certificate].some((each) => each !== undefined);
}

function access(rules: readonly Rule[]): Access {
  return accessBy(rules.map(({ name, table }) => [name, table]));
}
