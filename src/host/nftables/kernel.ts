import { Attributes, attributeText } from '../../base/bytes/index.ts';
import type { ByteWriter } from '../../base/bytes/index.ts';
import { hasCode } from '../../base/errors.ts';
import type { SluiceError } from '../../base/errors.ts';
import { EMPTY_RULESET, applyTransaction, diff } from '../../core/nft/diff.ts';
import { TABLE } from '../../core/nft/model.ts';
import type {
  Chain,
  ElementData,
  ElementKey,
  NamedSet,
  Rule,
  Ruleset,
  SetSpec,
  Transaction,
} from '../../core/nft/model.ts';
import { errnoError } from '../errno.ts';
import type { ErrnoCode } from '../errno.ts';
import { NLMSG_ERROR } from '../netlink/message.ts';
import { NETLINK_NETFILTER, NetlinkSocket } from '../netlink/socket.ts';
import type { NetnsRef } from '../netns/netns.ts';
import { batchError, encodeBatch } from './batch.ts';
import type { EncodedBatch } from './batch.ts';
import {
  DEVICE_HOOKS,
  HOOKS,
  NFPROTO_BRIDGE,
  NFPROTO_INET,
  NFPROTO_NETDEV,
  NFTA_CHAIN,
  NFTA_HOOK,
  NFTA_RULE,
  NFTA_SET,
  NFTA_SET_ELEM_LIST,
  NFT_MSG,
  messageType,
} from './constants.ts';
import { decodeElements } from './element-codec.ts';
import { decodeSet, fingerprint, sameWireType, writeNfgenmsg } from './op-codec.ts';
import { FOREIGN_RULE } from './port.ts';
import type { Nftables } from './port.ts';
import { splitTransaction } from './split.ts';

/** Room for the errors of a batch: the kernel reports every step that fails. */
const RECEIVE_QUEUE = 1024 * 1024;
const NFGENMSG = 4;

const FAMILIES = { inet: NFPROTO_INET, bridge: NFPROTO_BRIDGE, netdev: NFPROTO_NETDEV } as const;

/** The packet filter of `netns`, or of the namespace that the calling thread is in: its table of family `inet`, or another. */
export function openNftables(
  options: { readonly netns?: NetnsRef; readonly family?: keyof typeof FAMILIES } = {},
): Nftables {
  const socket = NetlinkSocket.open(NETLINK_NETFILTER, options);
  socket.growReceiveQueue(RECEIVE_QUEUE);
  return new KernelNftables(socket, FAMILIES[options.family ?? 'inet']);
}

class KernelNftables implements Nftables {
  readonly #socket: NetlinkSocket;
  readonly #family: number;
  #sequence = 1;

  constructor(socket: NetlinkSocket, family: number) {
    this.#socket = socket;
    this.#family = family;
  }

  apply(transaction: Transaction): void {
    if (transaction.length === 0) return;
    const batch = encodeBatch(transaction, this.#sequence, this.#family);
    this.#sequence = (this.#sequence + batch.messages.length) % 0x7fffffff;
    const limit = this.#socket.reserveSend(batch.bytes.length + 4096);
    if (batch.bytes.length <= limit) this.#send(batch, transaction);
    else this.#applyInParts(transaction, limit);
  }

  actual(expected: Ruleset): Ruleset | undefined {
    const chains = this.#chains(expected);
    if (chains === undefined) return undefined;
    return { chains, sets: this.#sets(expected) };
  }

  forget(spec: SetSpec, isStale: (key: ElementKey, data: ElementData) => boolean): number {
    let forgotten = 0;
    for (const element of this.#elements(spec)) {
      if (!isStale(...element)) continue;
      try {
        this.apply([{ op: 'delete-elements', spec, elements: [element] }]);
        forgotten++;
      } catch (error) {
        // Its time was over meanwhile.
        if (!hasCode(error, 'not-found')) throw error;
      }
    }
    return forgotten;
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }

  #send(batch: EncodedBatch, transaction: Transaction): void {
    const sent = this.#socket.send(batch.bytes);
    if (sent < 0) throw errnoError(-sent, `sending a packet filter transaction of ${batch.bytes.length} bytes`);
    // The kernel has committed or refused by now, and is silent when it committed.
    let failure: SluiceError<ErrnoCode> | undefined;
    for (;;) {
      const answers = this.#socket.receive();
      if (answers === 'empty') break;
      // Overrun: only later errors are lost, the first one waits in front.
      if (answers === 'overrun') continue;
      for (const answer of answers) if (answer.type === NLMSG_ERROR) failure ??= batchError(answer, batch, transaction);
    }
    if (failure !== undefined) throw failure;
  }

  /** Without real root the send buffer cannot grow; see {@link Nftables.apply}. */
  #applyInParts(transaction: Transaction, limit: number): void {
    for (const part of splitTransaction(this.#withoutDestroy(transaction), limit)) {
      const batch = encodeBatch(part, this.#sequence, this.#family);
      this.#sequence = (this.#sequence + batch.messages.length) % 0x7fffffff;
      this.#send(batch, part);
    }
  }

  /** Replacing the whole table in parts would leave a moment without rules: makes it a difference to what is there. */
  #withoutDestroy(transaction: Transaction): Transaction {
    if (!transaction.some(({ op }) => op === 'destroy-table')) return transaction;
    const desired = applyTransaction(EMPTY_RULESET, transaction);
    const before = this.actual(desired);
    return [{ op: 'add-table' }, ...diff(before ?? EMPTY_RULESET, desired)];
  }

  #chains(expected: Ruleset): ReadonlyMap<string, Chain> | undefined {
    const found = this.#dump(NFT_MSG.GETCHAIN, NFTA_CHAIN.TABLE, (attributes) => attributes);
    if (found === undefined) return undefined;
    const own = found.filter((attributes) => attributes.text(NFTA_CHAIN.TABLE) === TABLE.name);
    if (own.length === 0 && !this.#tableExists()) return undefined;
    const rules = this.#rules();
    return new Map(
      own.map((attributes) => {
        const name = attributes.text(NFTA_CHAIN.NAME) ?? '';
        const hook = decodeHook(attributes, this.#family);
        const known = recognise(rules.get(name) ?? [], expected.chains.get(name)?.rules ?? []);
        return [name, { name, ...(hook === undefined ? {} : { hook }), rules: known }] as const;
      }),
    );
  }

  /** User data of every rule, by chain, in order. */
  #rules(): ReadonlyMap<string, readonly (string | undefined)[]> {
    const rules = new Map<string, (string | undefined)[]>();
    const found = this.#dump(NFT_MSG.GETRULE, NFTA_RULE.TABLE, (attributes) => attributes) ?? [];
    for (const attributes of found) {
      const chain = attributes.text(NFTA_RULE.CHAIN) ?? '';
      const list = rules.get(chain) ?? [];
      list.push(attributes.bytes(NFTA_RULE.USERDATA)?.toHex());
      rules.set(chain, list);
    }
    return rules;
  }

  #sets(expected: Ruleset): ReadonlyMap<string, NamedSet> {
    const specs = this.#dump(NFT_MSG.GETSET, NFTA_SET.TABLE, (attributes) => decodeSet(attributes)) ?? [];
    return new Map(
      specs.map(({ name, spec: decoded }) => {
        const wanted = expected.sets.get(name)?.spec;
        const spec = wanted !== undefined && sameWireType(wanted, decoded) ? wanted : decoded;
        return [name, { spec, elements: spec.dynamic === true ? new Map() : this.#elements(spec) }] as const;
      }),
    );
  }

  #elements(spec: SetSpec): NamedSet['elements'] {
    const lists = this.#dump(
      NFT_MSG.GETSETELEM,
      NFTA_SET_ELEM_LIST.TABLE,
      // The receive buffer is reused before the lists are decoded.
      (attributes) => attributes.bytes(NFTA_SET_ELEM_LIST.ELEMENTS)?.slice(),
      (writer) => attributeText(writer, NFTA_SET_ELEM_LIST.SET, spec.name),
    );
    return decodeElements(lists ?? [], spec);
  }

  #tableExists(): boolean {
    return this.#dump(NFT_MSG.GETTABLE, undefined, (attributes) => attributes)!.some(
      (attributes) => attributes.text(1) === TABLE.name,
    );
  }

  /** Every object of one kind in the table; undefined when the kernel knows no such table. */
  #dump<T>(
    message: number,
    tableAttribute: number | undefined,
    decode: (attributes: Attributes) => T | undefined,
    more: (writer: ByteWriter) => void = () => undefined,
  ): T[] | undefined {
    try {
      return this.#socket.dump(
        messageType(message),
        (writer) => {
          writeNfgenmsg(writer, this.#family);
          if (tableAttribute !== undefined) attributeText(writer, tableAttribute, TABLE.name);
          more(writer);
        },
        ({ payload }) => decode(new Attributes(payload.slice(NFGENMSG))),
        'reading the packet filter',
      );
    } catch (error) {
      if (hasCode(error, 'not-found')) return undefined;
      throw error;
    }
  }
}

/** The rule of `expected` for each rule in the kernel whose fingerprint is its own, foreign ones otherwise. */
function recognise(found: readonly (string | undefined)[], expected: readonly Rule[]): readonly Rule[] {
  const known = new Map(expected.map((rule) => [fingerprint(rule).toHex(), rule]));
  return found.map((data) => (data === undefined ? FOREIGN_RULE : (known.get(data) ?? FOREIGN_RULE)));
}

function decodeHook(attributes: Attributes, family: number): Chain['hook'] | undefined {
  const hook = attributes.nested(NFTA_CHAIN.HOOK);
  const number = hook?.u32be(NFTA_HOOK.HOOKNUM);
  const device = hook?.text(NFTA_HOOK.DEV);
  const names = family === NFPROTO_NETDEV ? DEVICE_HOOKS : HOOKS;
  const name = Object.entries(names).find(([, value]) => value === number)?.[0];
  if (hook === undefined || name === undefined) return undefined;
  return {
    type: (attributes.text(NFTA_CHAIN.TYPE) ?? 'filter') as NonNullable<Chain['hook']>['type'],
    hook: name as NonNullable<Chain['hook']>['hook'],
    priority: (hook.u32be(NFTA_HOOK.PRIORITY) ?? 0) | 0,
    ...(device === undefined ? {} : { device }),
  };
}
