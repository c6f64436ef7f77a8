/** What can change in a running HAProxy. */
export type HaproxyChange =
  /** The server of that name in a backend gets an address, or is taken out of it. */
  | {
      readonly kind: 'server';
      readonly backend: string;
      readonly server: string;
      readonly endpoint?: { readonly host: string; readonly port: number };
    }
  /** A certificate's file, relative to the folder, gets a new content. */
  | { readonly kind: 'certificate'; readonly file: string; readonly pem: string };

/** The HAProxy of one machine. Files are by name, relative to its folder; `haproxy.cfg` is the configuration. */
export interface Haproxy {
  /** Where its files are. */
  readonly folder: string;
  /** Where the files of a configuration are that is only checked: their paths must name this folder. */
  readonly checkFolder: string;
  /** What HAProxy has against a configuration; undefined when nothing. Changes nothing of what runs. */
  check(files: ReadonlyMap<string, string>): Promise<string | undefined>;
  /**
   * Runs with these files from now on: starts, or reloads without closing a connection. Fails with `haproxy-refused` when
   * HAProxy does not take them; what ran before then goes on.
   */
  load(files: ReadonlyMap<string, string>): Promise<void>;
  /**
   * Changes what runs, and the files in which a later start finds it. Fails with `haproxy-refused` when one of the changes was
   * not made: then only `load` brings what runs into a known state.
   */
  change(changes: readonly HaproxyChange[], files: ReadonlyMap<string, string>): Promise<void>;
  /** Lets requests under way finish, then ends it. */
  stop(): Promise<void>;
}
